//! Steps of interactions in queues, summed up for each queue in Redis, and read back from there every second.
//!
//! ```text
//! cargo run --example routing_to_redis -- --for 10s
//! REDIS_URL=redis://127.0.0.1:6379/0 cargo run --example routing_to_redis -- --queue ID --json
//! ```
//!
//! The hash `metrics:{queue}` holds the figures of a queue. Without `REDIS_URL` it starts a `redis-server` of its own, and
//! ends it. Against the simulator that it starts without any other environment, the connection is cut after three
//! seconds; what is in Redis goes on where it was. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION`, or
//! `GENESYS_BASE_URL` instead of the region, lead elsewhere.

mod common;
#[path = "common/redis_server.rs"]
mod redis_server;

use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::protocols::RoutingInteractions;
use genesys_cloud::sink::redis::{QueueKeys, RedisAggregates, RedisSettings};
use genesys_cloud::sink::{SinkEnd, SinkRunner};
use serde_json::json;
use tokio::time::{Instant, interval_at};

use common::{
    Connection, Failure, Output, Running, close_at, connect, cut, demo, end, unless, words,
};
use redis_server::{Figures, RedisServer};

const SECOND: Duration = Duration::from_secs(1);

/// Sum up interactions of queues in Redis
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Id of a queue; may be repeated [default: all, or the first 300]
    #[arg(long = "queue", value_name = "ID")]
    queues: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut end = end(arguments.running.lasts)?;
    let server = RedisServer::find().await?;
    let Connection { client, place } = connect().await?;
    let queues = match arguments.queues {
        queues if queues.is_empty() => common::queues(&client, &place).await?,
        queues => queues,
    };
    let settings = RedisSettings::new(&*server.url, "routing-to-redis");
    let sink = RedisAggregates::new(settings, QueueKeys::default())?;
    let protocol = RoutingInteractions::new().queues(&queues);
    let stream = client.connect(protocol).reconnect(place.reconnect());
    let Some(stream) = unless(&mut end, stream.start()).await? else { return Ok(()) };
    // The stream is closed first, so that all that it has received is written.
    close_at(end, stream.handle());
    let output = Output::new(arguments.running.json);
    let stream = stream.inspect(|item| {
        // An output that is gone is noticed with the next figures.
        let _ = item.as_ref().map(|delivery| output.item(delivery));
    });
    let mut run = pin!(SinkRunner::new(&sink).run(stream));
    let mut mishaps = pin!(demo(&place, &output, cut(SECOND * 3)));
    let mut seconds = interval_at(Instant::now() + SECOND, SECOND);
    let report = loop {
        tokio::select! {
            report = &mut run => break report,
            _ = seconds.tick() => match server.figures(&queues).await {
                Ok(figures) => show(&output, &figures)?,
                Err(error) => output.tell("redis", &error, json!({ "error": error.to_string() }))?,
            },
            failed = &mut mishaps => match failed? {},
        }
    };
    // Without Redis, how the run ended is what counts.
    let figures = server.figures(&queues).await.unwrap_or_default();
    show(&output, &figures)?;
    let counts = figures.values().filter_map(|of| of.get("event_count")?.parse::<u64>().ok());
    let (held, stats) = (counts.sum::<u64>(), report.stats);
    let text = format!(
        "{}: {} events written in {} batches, {} not written, {} failed attempts; Redis holds {held}",
        report.end, stats.written, stats.batches, stats.waiting, stats.failures,
    );
    let body = json!({ "written": stats.written, "not_written": stats.waiting, "held": held, "own_redis": server.is_own() });
    output.result("summary", text, body)?;
    match report.end {
        SinkEnd::Finished => Ok(()),
        SinkEnd::StreamFailed(error) | SinkEnd::SinkFailed(error) => Err(error.into()),
        end => Err(end.to_string().into()),
    }
}

fn show(output: &Output, figures: &Figures) -> io::Result<()> {
    for (queue, of) in figures {
        let get = |name: &str| of.get(name).map_or("-", String::as_str);
        let text = format!(
            "{}  {:>5} events, waits {:>10} ms together, {:>8} s on average; last {}, {}",
            words::short(queue),
            get("event_count"),
            get("total_wait_ms"),
            get("average_wait"),
            get("last_event_type"),
            get("last_agent_status"),
        );
        output.tell("queue", text, json!({ "queue": queue, "figures": of }))?;
    }
    Ok(())
}
