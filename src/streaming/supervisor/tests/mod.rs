//! The replacement of a channel, step by step.

mod bench;
mod replacement;
