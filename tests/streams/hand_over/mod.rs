//! From one process to the next: two clients stand for two processes, and what goes between them is JSON.

mod deploy;
mod faults;
mod restart;
mod rig;
