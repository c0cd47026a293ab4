//! The stack under scripted executors with a paused clock, and over real sockets.

mod loop_and_turns;
mod saturation;
mod script;
mod server;
mod wire;
