//! Deploys in a row: each new process starts beside the old one, and takes over from it without a loss.
//!
//! ```text
//! cargo run --example hand_over
//! cargo run --example hand_over -- --for 30s --json
//! ```
//!
//! The processes are real ones: this program starts itself again for each, and carries the checkpoint of the old one to
//! the new one through their pipes. It needs to know what was sent, so it always runs against a simulator of its own. It
//! ends with status 1 when anything was lost or came twice, or a gap was told.

mod account;
#[path = "../common/mod.rs"]
mod common;
mod part;
mod process;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use genesys_cloud::sim::Platform;
use genesys_cloud::topics;
use serde_json::json;
use tokio::time::{Instant, interval, sleep, timeout};

use account::{Account, Truth};
use common::{End, Failure, Output, Running, end};
use part::Setting;
use process::Process;

/// How long it runs when nothing else is said.
const LASTS: Duration = Duration::from_secs(12);
/// How long each process has the stream to itself.
const ALONE: Duration = Duration::from_secs(1);
/// What was sent has arrived after this.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Deploys in a row: each new process takes over from the old one without a loss
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Users whose presence is watched
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    users: u32,
    /// Events a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// Be one of the processes
    #[arg(long, hide = true)]
    part: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.part {
        return common::exit(part::run().await);
    }
    match run(&arguments).await {
        Ok(account) if account.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => common::exit(Err(failure)),
    }
}

async fn run(arguments: &Arguments) -> Result<Account, Failure> {
    let output = Output::new(arguments.running.json);
    let stop = end(Some(arguments.running.lasts.unwrap_or(LASTS)))?;
    let platform = Platform::builder()
        .users(arguments.users as usize)
        .events_per_second(0.0)
        .requests_per_minute(10_000)
        .start()
        .await?;
    let names = platform.users().iter().map(topics::users::presence);
    let names: Vec<String> = names.map(|topic| topic.name().to_owned()).collect();
    let truth = Arc::new(Mutex::new(Truth::new(names.len())));
    let setting = Setting::new(&platform, names.clone());
    let first = Process::start(1, &setting, &truth).await?;
    output.tell("start", "process 1 reads", json!({ "process": 1 }))?;
    let deploying = deploy(first, &setting, &truth, &output, stop);
    let (last, deploys) = tokio::select! {
        never = send(&platform, &names, &truth, arguments.rate) => match never? {},
        done = deploying => done?,
    };
    sleep(ON_ITS_WAY).await;
    last.stop().await?;
    let stats = platform.stats();
    let account = truth.lock().unwrap_or_else(PoisonError::into_inner).account();
    let text = format!(
        "{}\n{deploys} deploys, {} left out by the next process, {} channels used, {} evicted",
        account.line(),
        account.left_out,
        stats.channels,
        stats.evictions,
    );
    output.result(
        "summary",
        text,
        json!({
            "account": &account, "deploys": deploys, "channels": stats.channels,
            "evictions": stats.evictions,
        }),
    )?;
    platform.shutdown().await;
    Ok(account)
}

/// Puts one process in the place of another until the end.
async fn deploy(
    mut current: Process,
    setting: &Setting,
    truth: &Arc<Mutex<Truth>>,
    output: &Output,
    mut stop: End,
) -> Result<(Process, u32), Failure> {
    let mut deploys = 0;
    while timeout(ALONE, &mut stop).await.is_err() {
        let began = Instant::now();
        // The channels that the running process leaves to the next.
        let early = current.early().await?;
        let number = current.number + 1;
        let mut next = Process::start(number, &setting.standing_by(early), truth).await?;
        let last = current.stop().await?;
        next.resume(&last).await?;
        deploys += 1;
        let account = truth.lock().unwrap_or_else(PoisonError::into_inner).account();
        let took = began.elapsed();
        let text = format!(
            "process {number} took over in {:.1} s with a checkpoint of {} bytes: {}",
            took.as_secs_f64(),
            last.len(),
            account.line()
        );
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let body =
            json!({ "process": number, "took_ms": took, "bytes": last.len(), "account": account });
        output.tell("deploy", text, body)?;
        current = next;
    }
    Ok((current, deploys))
}

/// Sends numbered events to topics in turn.
async fn send(
    platform: &Platform,
    names: &[String],
    truth: &Mutex<Truth>,
    rate: u32,
) -> Result<std::convert::Infallible, Failure> {
    // Several at a tick: timers are no finer than a millisecond.
    let batch = rate.div_ceil(200).max(1);
    let mut ticks = interval(Duration::from_secs(1) * batch / rate);
    let mut turn = (0..names.len()).cycle();
    loop {
        ticks.tick().await;
        for at in turn.by_ref().take(batch as usize) {
            let number = truth.lock().unwrap_or_else(PoisonError::into_inner).send(at);
            let body = json!({ "source": "PURECLOUD", "message": number.to_string() });
            platform.emit(&names[at], &body);
        }
    }
}
