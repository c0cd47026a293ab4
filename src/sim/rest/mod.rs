//! The REST API: one table of operations, and a file for each family of them.
//!
//! Its answers are written here by hand, from the same world that the events come from. Conversations of the past are
//! computed from the seed and their number whenever they are needed, so that any number of them takes no memory.

#![expect(clippy::unnecessary_wraps, reason = "all handlers of the table have one signature")]

mod aggregates;
mod asked;
mod books;
mod clients;
mod conversation;
mod credentials;
mod definitions;
mod details;
mod dimensions;
mod fields;
mod filter;
mod granularity;
mod history;
mod integrations;
mod interval;
mod jobs;
mod listing;
mod members;
mod observations;
mod organization;
mod plan;
mod presence;
mod queues;
mod routes;
mod search;
mod selection;
mod timeline;
mod tokens;
mod types;
mod usage;
mod user_details;
mod user_figures;
mod users;
mod wrap_up;

pub(super) use books::Books;
pub(super) use history::History;
pub(super) use routes::{answer, served};
