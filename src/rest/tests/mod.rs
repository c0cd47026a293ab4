//! The calls against a loopback server.

mod app_foundry;
mod backfill;
mod calls;
mod conversation_ends;
mod login;
mod narrowing;
mod platform;
