//! The calls against a loopback server.

mod app_foundry;
mod calls;
mod login;
mod narrowing;
mod platform;
