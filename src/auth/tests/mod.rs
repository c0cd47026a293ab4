//! The cache under a scripted grant with a paused clock, what it keeps between two lives, and grants over real sockets.

mod cache;
mod file_store;
mod grant;
mod keeper;
mod user_grants;
