//! What the examples share: how they connect, what they write, how they are ended, and how they fail.
#![allow(dead_code, unused_imports, reason = "each example uses a part of it")]

mod connect;
mod directory;
mod failure;
mod lines;
pub(crate) mod note;
mod signals;
mod time;

pub(crate) use connect::{Connection, Place, connect, connect_with};
pub(crate) use directory::{queues, users};
pub(crate) use failure::{Failure, exit};
pub(crate) use lines::{json, lifecycle, line};
pub(crate) use note::Note;
pub(crate) use time::{after, end, time};
