//! A live view of agents and queues that survives a forced drop in front of you.
//!
//! ```text
//! cargo run --example monitor
//! cargo run --example monitor -- --for 10s --json
//! ```
//!
//! Without any environment it watches a simulator that it starts itself, and cuts its own connection after three
//! seconds to show what happens then. With `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION` it watches
//! the platform, with `GENESYS_BASE_URL` instead of the region a simulator or gateway at that address. What it watches is
//! all users and queues, or the first 300 of each, unless `--topic` says otherwise. On a terminal it draws a screen, elsewhere it writes lines, with `--json` one JSON object to a line.

mod agents;
mod arguments;
mod board;
mod cell;
#[path = "../common/mod.rs"]
mod common;
mod demo;
mod directory;
mod draw;
mod json;
mod output;
mod pace;
mod plain;
mod queues;
mod run;
mod screen;
mod tables;
mod tally;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run::run(Arguments::parse()).await)
}
