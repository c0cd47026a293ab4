//! Streams, end to end over real sockets.

mod bad_frames;
mod bad_start;
mod cancel_next;
mod consumer;
mod quiet;
mod recovery;
mod scripted;
mod topics;
