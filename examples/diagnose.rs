//! Why connections to an application drop, and how late its audio is: runs, measures, and names who did it.
//!
//! ```text
//! cargo run --example diagnose -- --for 10s --html report.html
//! cargo run --example diagnose -- --application ID --json
//! ```
//!
//! It reads the application by REST, opens its socket with audio, measures round trips and lateness, asks the platform
//! about drops, and prints a report with one verdict and its evidence. Against the simulator that it starts without any
//! environment, the audio is late for a while, and the server fails with close code 1011. `GENESYS_CLIENT_ID`,
//! `GENESYS_CLIENT_SECRET` and `GENESYS_REGION`, or `GENESYS_BASE_URL` instead of the region, lead elsewhere; then the
//! application has to be named. Ctrl-C ends the run early, with its report.

mod common;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::media::PayloadLatency;
use genesys_cloud::probe::Probe;
use genesys_cloud::protocols::AppFoundry;
use genesys_cloud::sim::Fault;
use genesys_cloud::{LatencyConfig, LatencyMonitor};

use common::{
    Connection, Failure, Mishap, Output, Running, close_at, connect, demo, end, unless, words,
};

/// Find out who drops the connections of an application
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Id of the application [default: the first of the simulator]
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// Write the report to this file too, as HTML with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let lasts = arguments.running.lasts.unwrap_or(Duration::from_secs(15));
    // The time of the run is the probe's business.
    let mut end = end(None)?;
    let Connection { client, place } = connect().await?;
    let first = place.simulator().and_then(|simulator| simulator.applications().first().cloned());
    let id = arguments.application.or(first).ok_or("name the application with --application ID")?;
    let application = client.app_foundry().application(&id).await?;
    let socket = application.socket()?;
    let monitor =
        LatencyMonitor::new(LatencyConfig::default().interval(Duration::from_millis(250)))?;
    let protocol = AppFoundry::new(&id, &socket.origin_url).media("PCMU", 8_000);
    let stream = client.connect(protocol).reconnect(place.reconnect()).measure(monitor.clone());
    let Some(mut stream) = unless(&mut end, stream.start()).await? else { return Ok(()) };
    close_at(end, stream.handle());
    let output = Output::new(arguments.running.json);
    let items = (&mut stream).inspect(|item| {
        // An output that is gone is noticed with the report.
        let _ = item.as_ref().map(|delivery| output.item(delivery));
    });
    let probe = Probe::new()
        .application(application.name.as_deref().unwrap_or(&id))
        .duration(lasts)
        .monitor(&monitor)
        .media(PayloadLatency::new())
        .correlate(client.correlate_application(&id))
        .idle_timeout(socket.idle_timeout())
        .max_message_size(socket.max_message_size);
    let mut pings = monitor.measurements();
    let report = {
        let mut mishaps = pin!(demo(&place, &output, mishaps(lasts)));
        let mut run = pin!(probe.run(items));
        loop {
            tokio::select! {
                report = &mut run => break report,
                Some(ping) = pings.next() => if ping.sequence.is_multiple_of(4) {
                    output.tell("ping", words::ping(&ping), &ping)?;
                },
                failed = &mut mishaps => match failed? {},
            }
        }
    };
    stream.close().await;
    if let Some(path) = arguments.html {
        std::fs::write(&path, report.html())
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    output.result("report", format_args!("\n{report}"), &report)?;
    Ok(())
}

/// Audio that is late for an eighth of the time, and a server that fails.
fn mishaps(lasts: Duration) -> [Mishap; 3] {
    let (late, failure) = (Fault::Delay { ms: 700, jitter_ms: 0 }, "internal error".to_owned());
    [
        (lasts / 4, late, "events and audio are 700 ms late from now on".into()),
        (lasts * 3 / 8, Fault::Delay { ms: 0, jitter_ms: 0 }, "they are in time again".into()),
        (lasts * 5 / 8, Fault::Close { code: 1011, reason: failure }, "the server fails".into()),
    ]
}
