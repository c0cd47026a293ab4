//! Streams, end to end over real sockets.

mod backfill;
mod bad_frames;
mod bad_start;
mod cancel_next;
mod channels;
mod consumer;
mod hand_over;
mod hub;
mod overlap;
mod own_protocol;
mod planned;
mod quiet;
mod recovery;
mod renewal;
mod scripted;
mod sockets;
mod topics;
