//! Latency and jitter of a connection: a line for each ping, and a report at the end.
//!
//! ```text
//! cargo run --example latency -- --for 10s
//! cargo run --example latency -- --notifications --interval 250ms --audit audit.jsonl --json
//! ```
//!
//! It measures the socket of real-time analytics, or with `--notifications` a notification socket. Against the simulator
//! that it starts without any environment, pongs come late and irregularly from half of the time on, so that violations
//! are seen, and then in time again. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION`, or
//! `GENESYS_BASE_URL` instead of the region, lead elsewhere. `--audit` adds a line of JSON to a file for every action.

mod common;

use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::{
    Connection, End, Failure, Mishap, Output, Own, Running, close_at, demo, end, time, unless,
    words,
};
use futures::StreamExt;
use genesys_cloud::protocols::RealtimeAnalytics;
use genesys_cloud::sim::Fault;
use genesys_cloud::{LatencyConfig, LatencyMonitor, StreamBuilder, StreamEvent, topics};

/// Measure the latency of a connection
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Time between two pings, 100ms to 5s
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "500ms")]
    interval: Duration,
    /// Measure a notification socket
    #[arg(long)]
    notifications: bool,
    /// Add a line of JSON to this file for every action
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let end = end(arguments.running.lasts)?;
    let audit = common::audit_to(arguments.audit)?;
    let Connection { client, place } = common::connect_audited(audit.clone()).await?;
    let mut config = LatencyConfig::default().interval(arguments.interval);
    if place.simulator().is_some() {
        let (latency, jitter) = (Duration::from_millis(100), Duration::from_millis(50));
        config = config.latency_threshold(latency).jitter_threshold(jitter);
    }
    let monitor = LatencyMonitor::new(config)?;
    if let Some(audit) = &audit {
        monitor.forward_to(audit.clone());
    }
    let output = Output::new(arguments.running.json);
    let disturbed = demo(&place, &output, mishaps(arguments.running.lasts));
    if arguments.notifications {
        let users = common::users(&client, &place).await?;
        let stream = client.stream().subscribe_all(users.iter().map(topics::users::presence));
        follow(stream, &monitor, &output, disturbed, end).await?;
    } else {
        let id = format!("latency-{}", std::process::id());
        let protocol = RealtimeAnalytics::new(&id).ping_interval(arguments.interval);
        follow(client.connect(protocol), &monitor, &output, disturbed, end).await?;
    }
    output.result("report", monitor.report(), monitor.report())?;
    Ok(audit.map_or(Ok(()), |audit| audit.flush(Duration::from_secs(5)))?)
}

/// Shows what is measured until the connection is closed.
async fn follow<E: StreamEvent + Own>(
    stream: StreamBuilder<E>,
    monitor: &LatencyMonitor,
    output: &Output,
    disturbed: impl Future<Output = Result<Infallible, Failure>>,
    mut end: End,
) -> Result<(), Failure> {
    let (mut pings, mut disturbed) = (monitor.measurements(), pin!(disturbed));
    let Some(mut stream) = unless(&mut end, stream.measure(monitor.clone()).start()).await? else {
        return Ok(());
    };
    close_at(end, stream.handle());
    loop {
        tokio::select! {
            item = stream.next() => match item.transpose()? {
                Some(delivery) => output.item(&delivery)?,
                None => return Ok(()),
            },
            Some(ping) = pings.next() => output.tell("ping", words::ping(&ping), &ping)?,
            failed = &mut disturbed => match failed? {},
        }
    }
}

/// Pongs that are late and irregular for a while, from half of the time on.
fn mishaps(lasts: Option<Duration>) -> impl Iterator<Item = Mishap> {
    let half = lasts.unwrap_or(Duration::from_secs(12)) / 2;
    [180, 60, 240, 120, 0].into_iter().zip(0_u32..).map(move |(delay_ms, step)| {
        let text = match delay_ms {
            0 => "pongs are in time again".to_owned(),
            _ => format!("pongs are {delay_ms} ms late from now on"),
        };
        (half + half / 8 * step, Fault::LatePong { delay_ms }, text)
    })
}
