//! The cache under a scripted grant with a paused clock, and the grant over real sockets.

mod cache;
mod grant;
