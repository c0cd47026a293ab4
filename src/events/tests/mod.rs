//! What the two readers of a frame have in common, and what reading costs.

mod agreement;
mod allocations;
mod nulls;
