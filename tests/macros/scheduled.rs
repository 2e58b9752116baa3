//! What the attribute does at run time.
