//! What is wrong with a table, as its [probe](crate::statement::Statements::probe) tells in the
//! place of a holder: a word for each flaw, with commas between them.

use crate::dialect::Dialect;
use crate::error::Failure;
use crate::look::Answer;
use crate::store::SqlStore;

/// `locked_at` or `lock_until` cuts off what makes the smallest step, or keeps no instants at all.
pub(crate) const COARSE: &str = "coarse";
/// A name may be in several rows.
pub(crate) const NOT_UNIQUE: &str = "not-unique";

impl<D: Dialect> SqlStore<D> {
    /// Whether `locked_at` grows with every acquisition and comes back as it was written, so that
    /// it tells whose a lock is, and whether all who ask for a lock ask for the same row.
    pub(crate) fn can_keep_locks(&self, probed: &Answer) -> Result<(), Failure> {
        let of_table = probed.records.iter().filter(|record| record.name.is_none());
        let told = of_table.filter_map(|record| record.holder.as_deref());
        for flaw in told.flat_map(|told| told.split(", ")) {
            let table = self.table.clone();
            match flaw {
                COARSE => {
                    let right = D::TIMES;
                    return Err(Failure::Coarse { table, right });
                }
                NOT_UNIQUE => return Err(Failure::NotUnique { table }),
                _ => {}
            }
        }
        Ok(())
    }
}
