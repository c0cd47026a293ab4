//! Channels and what happens to them, step by step.

mod bench;
mod replacement;
mod several;
