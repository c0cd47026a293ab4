//! Who is in which state since when: changes as they come, a table now and then, figures at the end.
//!
//! ```text
//! cargo run --example presence -- --for 10s
//! cargo run --example presence -- --notifications --json
//! ```
//!
//! One connection, three subscribers: this program, one that is too slow and misses some, and one that fails at every
//! third item. None holds up another. It uses the presence socket, or with `--notifications` the notification topics of
//! the same users: all of them, or the first 100. Against the simulator that it starts without any environment, the
//! connection is cut after three seconds. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION`, or
//! `GENESYS_BASE_URL` instead of the region, lead elsewhere.

mod common;

use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::presence::{PresenceItem, PresenceTracker};
use genesys_cloud::protocols::PresenceEvents;
use serde_json::json;
use tokio::time::{Instant, interval_at, sleep};

use common::{Connection, Failure, Output, Running, connect_with, cut, demo, end, unless, words};

/// Most users who are tracked: as many as the presence socket takes.
const MOST: usize = 100;
/// Between two tables.
const TABLE: Duration = Duration::from_secs(5);

/// Watch the presence of users
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Use notification topics instead of the presence socket
    #[arg(long)]
    notifications: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut end = end(arguments.running.lasts)?;
    let Connection { client, place } =
        connect_with(|simulator| simulator.events_per_second(5.0), |client| client).await?;
    let mut users = common::users(&client, &place).await?;
    users.truncate(MOST);
    let policy = place.reconnect();
    let started = if arguments.notifications {
        let stream = client.stream().reconnect(policy);
        unless(&mut end, PresenceTracker::builder(stream).users(&users).start()).await?
    } else {
        let stream = client.connect(PresenceEvents::new()).reconnect(policy);
        unless(&mut end, PresenceTracker::builder(stream).users(&users).start()).await?
    };
    let Some(tracker) = started else { return Ok(()) };
    let output = Output::new(arguments.running.json);
    let mut items = tracker.subscribe(1_000);
    // Takes an item a second, and has room for four.
    tokio::spawn(tracker.subscribe(4).for_each(|_| sleep(Duration::from_secs(1))));
    let mut count = 0_u32;
    tracker.on_item(1_000, move |_| {
        count += 1;
        if count.is_multiple_of(3) { Err("the pager is away".into()) } else { Ok(()) }
    });
    let closing = tracker.clone();
    tokio::spawn(async move {
        end.await;
        closing.close().await;
    });
    let mut mishaps = pin!(demo(&place, &output, cut(Duration::from_secs(3))));
    let mut tables = interval_at(Instant::now() + TABLE, TABLE);
    loop {
        tokio::select! {
            item = items.next() => match item {
                Some(PresenceItem::Stopped { error: Some(error) }) => return Err(Box::new(error)),
                Some(item) => show(&output, &item)?,
                None => break,
            },
            _ = tables.tick() => table(&output, &tracker)?,
            failed = &mut mishaps => match failed? {},
        }
    }
    table(&output, &tracker)?;
    let metrics = tracker.metrics();
    output.result("summary", words::presence(&metrics), &metrics)?;
    Ok(())
}

fn show(output: &Output, item: &PresenceItem) -> io::Result<()> {
    match item {
        PresenceItem::Changed(change) => output.tell("change", words::change(change), change),
        PresenceItem::Stale { users } => {
            let text = format!("nothing is certain of {} users until heard of again", users.len());
            output.tell("stale", text, json!({ "users": users.len() }))
        }
        PresenceItem::Lifecycle(item) => output.lifecycle(item),
        _ => Ok(()),
    }
}

fn table(output: &Output, tracker: &PresenceTracker) -> io::Result<()> {
    for (user, known) in tracker.snapshot() {
        output.tell(
            "state",
            words::state(&user, &known),
            json!({ "user": &*user, "known": known }),
        )?;
    }
    Ok(())
}
