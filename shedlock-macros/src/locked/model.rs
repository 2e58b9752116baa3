use syn::{Expr, Path};

use crate::lease::Lease;
use crate::value::Text;

/// What `#[locked(..)]` says. What was wrong in itself is told already, and missing here.
pub(super) struct Locked {
    pub(super) provider: Option<Expr>,
    pub(super) name: Option<Text>,
    pub(super) lease: Lease,
    pub(super) library: Path,
}
