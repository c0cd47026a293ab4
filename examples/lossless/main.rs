//! Counts what is sent, received, lost and duplicated while the simulator does its worst.
//!
//! ```text
//! cargo run --example lossless
//! cargo run --example lossless -- --for 20s --seed 9 --json
//! ```
//!
//! Every event carries a number. What does not arrive must lie inside a gap that the stream reported for its topic.
//! Maintenance with a notice and renewals are among what happens. It needs to know what was sent, so it always runs
//! against a simulator of its own. It ends with status 1 when anything was lost without a word, came twice or out of
//! order.

#[path = "../common/mod.rs"]
mod common;
mod truth;
mod worst;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, ConnectionState, Event, FullJitter, StreamHandle, topics};
use serde_json::json;
use tokio::time::{interval, sleep};

use common::{Failure, Output, Running, end};
use truth::{Account, Truth};
use worst::Worst;

/// How long it runs when nothing else is said.
const LASTS: Duration = Duration::from_secs(40);

/// Count what is sent, received, lost and duplicated while the simulator does its worst
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    running: Running,
    /// Decides what goes wrong when
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Users whose presence is watched
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    users: u32,
    /// Events a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let honest = match run(&arguments).await {
        Ok(account) => account.unaccounted + account.duplicates + account.out_of_order == 0,
        Err(failure) => return common::exit(Err(failure)),
    };
    if honest { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(arguments: &Arguments) -> Result<Account, Failure> {
    let output = Output::new(arguments.running.json);
    let stop = end(Some(arguments.running.lasts.unwrap_or(LASTS)))?;
    let platform = Platform::builder()
        .seed(arguments.seed)
        .users(arguments.users as usize)
        .requests_per_minute(10_000)
        .start()
        .await?;
    let client =
        Client::builder(platform.endpoints()).credentials(platform.credentials()).build()?;
    let names = platform.users().iter().map(topics::users::presence);
    let truth = Truth::new(names.clone().map(|topic| topic.name().to_owned()).collect());
    let truth = Mutex::new(truth);
    // Waits that are short enough to watch.
    let policy = FullJitter::new(Duration::from_millis(200), Duration::from_secs(2))
        .floor(Duration::from_millis(50))
        .stable_window(Duration::from_secs(2));
    let mut stream = client.stream().subscribe_all(names).reconnect(policy).start().await?;
    let handle = stream.handle();
    let closing = handle.clone();
    let locked = || truth.lock().unwrap_or_else(PoisonError::into_inner);

    let sender = send(&platform, &truth, arguments.rate);
    let mishaps = spoil(&platform, &handle, &output, arguments.seed);
    let reader = async {
        let mut counters = interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                item = stream.next() => {
                    let Some(item) = item else { return Ok::<_, Failure>(()) };
                    let delivery = item?;
                    match &delivery.event {
                        Event::UsersPresence(presence) => {
                            let number = presence.message.as_deref().and_then(|text| text.parse().ok());
                            if let Some(number) = number {
                                locked().receive(delivery.topic.name(), number);
                            }
                        }
                        Event::Lifecycle(item) => {
                            locked().note(item);
                            output.lifecycle(item)?;
                        }
                        _ => {}
                    }
                }
                _ = counters.tick() => {
                    let account = locked().account();
                    output.tell("counters", line(&account), &account)?;
                }
            }
        }
    };
    let acting = async {
        tokio::select! {
            never = sender => never,
            never = mishaps => never,
            () = stop => Ok(()),
        }?;
        // What is on its way still arrives; a connection that is down comes back first.
        let mut state = closing.clone();
        let live = async {
            while !matches!(state.state(), ConnectionState::Live { .. }) {
                if state.changed().await.is_none() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), live).await;
        sleep(Duration::from_secs(2)).await;
        closing.close().await;
        Ok::<_, Failure>(())
    };
    tokio::try_join!(reader, acting)?;
    let account = locked().account();
    let stats = handle.stats();
    let text = format!(
        "{}\n{} reconnects, {} renewals, {} duplicates taken out on the way",
        line(&account),
        stats.reconnects,
        stats.renewals,
        stats.duplicates_removed
    );
    output.result(
        "summary",
        text,
        json!({
            "account": &account, "reconnects": stats.reconnects, "renewals": stats.renewals,
            "duplicates_removed": stats.duplicates_removed,
        }),
    )?;
    platform.shutdown().await;
    Ok(account)
}

/// Sends numbered events to topics in turn.
async fn send(platform: &Platform, truth: &Mutex<Truth>, rate: u32) -> Result<(), Failure> {
    // Several at a tick: timers are no finer than a millisecond.
    let batch = rate.div_ceil(200).max(1);
    let mut ticks = interval(Duration::from_secs(1) * batch / rate);
    let users = platform.users();
    let mut turn = (0..users.len()).cycle();
    loop {
        ticks.tick().await;
        for at in turn.by_ref().take(batch as usize) {
            let number = truth.lock().unwrap_or_else(PoisonError::into_inner).send(at);
            let topic = topics::users::presence(&users[at]);
            let body = json!({
                "source": "PURECLOUD",
                "presenceDefinition": { "id": "6a3af858-942f-489d-9700-5f9bcdcdae9b", "systemPresence": "AVAILABLE" },
                "primary": true,
                "message": number.to_string(),
            });
            platform.emit(topic.name(), &body);
        }
    }
}

/// Does the worst, and has a renewal in between now and then.
async fn spoil(
    platform: &Platform,
    stream: &StreamHandle,
    output: &Output,
    seed: u64,
) -> Result<(), Failure> {
    let mut worst = Worst::new(seed);
    for count in 1.. {
        sleep(worst.pause()).await;
        if count % 4 == 0 {
            output.tell("renewal", "a renewal is asked for", json!({}))?;
            stream.renew().await?;
        } else {
            let (fault, text) = worst.next();
            output.tell("fault", text, json!({ "fault": &fault }))?;
            platform.fault(fault)?;
        }
    }
    Ok(())
}

fn line(account: &Account) -> String {
    let Account { sent, received, lost_in_gaps, unaccounted, duplicates, out_of_order, gaps } =
        account;
    format!(
        "sent {sent:>7}  received {received:>7}  in {gaps} gaps {lost_in_gaps:>5}  not here {unaccounted:>4}  \
         twice {duplicates}  out of order {out_of_order}"
    )
}
