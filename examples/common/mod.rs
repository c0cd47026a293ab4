//! What the examples share: how they connect, what they write, how they are ended, and how they fail.
#![allow(dead_code, unused_imports, reason = "each example uses a part of it")]

mod audit;
mod connect;
mod demo;
mod directory;
mod failure;
mod lines;
pub(crate) mod note;
mod output;
mod running;
mod signals;
mod time;
pub(crate) mod words;

pub(crate) use audit::audit_to;
pub(crate) use connect::{Connection, Place, connect, connect_audited, connect_with};
pub(crate) use demo::{Mishap, cut, demo, scores};
pub(crate) use directory::{queues, users};
pub(crate) use failure::{Failure, exit};
pub(crate) use lines::{json, line};
pub(crate) use output::{Output, Own};
pub(crate) use running::{ENVIRONMENT, Running};
pub(crate) use time::{End, close_at, end, time, unless};
