//! Forged histories, each with one thing wrong.

mod forgery;
mod locks;
mod logs;
mod losses;
mod runs;
