//! See `cases/`.
