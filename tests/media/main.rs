//! Frames of media sockets: what comes out of a pipeline for what goes in.

mod dispatch;
mod frames;
mod metrics;
mod oversize;
mod random;
mod soundness;
mod support;
