//! What the measurements of this package share.
