//! Resident memory of an idle channel.
//!
//! The client is a process of its own, whose memory nobody has used before, and so is the platform, whose memory is
//! not to be counted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, ClientCredentials, Endpoints, EventStream, NoLimit, Tls, topics};
use serde_json::Value;
use tokio::runtime::Builder;

use crate::Failure;

/// The first argument of a process that is the platform.
const PLATFORM: &str = "--be-platform";
/// The first argument of a process that holds idle channels.
const CLIENT: &str = "--be-client";
/// The second argument: with TLS.
const TLS: &str = "tls";

/// Channels that are open before anything is counted: what is shared is there by then.
const BEFORE: usize = 20;

/// Does what a process was started for by [`measure`]; `None` when it was not.
pub(crate) fn helper(arguments: &[&str]) -> Option<Result<(), Failure>> {
    match arguments {
        [PLATFORM, wire] => Some(be_platform(*wire == TLS)),
        [CLIENT, wire, channels] => Some(be_client(*wire == TLS, channels)),
        _ => None,
    }
}

pub(crate) fn measure(channels: usize) -> Result<(), Failure> {
    if resident().is_none() {
        println!("resident memory of idle channels: cannot be measured here, only on Linux");
        return Ok(());
    }
    println!("resident memory of {channels} idle channels, each with one stream and one topic");
    for (wire, name) in [("plain", "plain"), (TLS, "TLS")] {
        let output = Command::new(std::env::current_exe()?)
            .args([CLIENT, wire, &channels.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("the process with {name} channels failed").into());
        }
        let per_channel: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        println!("  {name:<8}{per_channel:>8.1} KiB a channel");
    }
    Ok(())
}

fn be_client(is_tls: bool, channels: &str) -> Result<(), Failure> {
    println!("{}", measure_one(channels.parse()?, is_tls)?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn measure_one(channels: usize, is_tls: bool) -> Result<f64, Failure> {
    let (mut process, line) = start(is_tls)?;
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let mut tls = Tls::new();
    if is_tls {
        tls = tls.add_root_pem(text("root_certificate_pem").as_bytes())?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let client = Client::builder(Endpoints::single(text("api"))?)
            .credentials(ClientCredentials::new(text("client_id"), text("client_secret")))
            .tls(tls)
            .rate_limiter(NoLimit)
            .build()?;
        let user = line["users"][0].as_str().unwrap_or_default();
        let mut streams = open(&client, user, BEFORE).await?;
        let before = settled().await;
        streams.extend(open(&client, user, channels).await?);
        let after = settled().await;
        Ok((after - before) / channels as f64)
    });
    process.kill()?;
    process.wait()?;
    outcome
}

async fn open(client: &Client, user: &str, count: usize) -> Result<Vec<EventStream>, Failure> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let topic = topics::users::presence(user);
        streams.push(client.stream().subscribe(topic).start().await?);
    }
    Ok(streams)
}

/// Resident memory in KiB once everything that was begun is done.
async fn settled() -> f64 {
    tokio::time::sleep(Duration::from_millis(500)).await;
    resident().unwrap_or_default()
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Starts this program as the platform, and reads its first line.
fn start(is_tls: bool) -> Result<(Child, Value), Failure> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg(PLATFORM)
        .arg(if is_tls { TLS } else { "plain" })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = process.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((process, serde_json::from_str(&line)?))
}

/// Is a silent platform without limits, until the parent process ends.
fn be_platform(is_tls: bool) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let platform = Platform::builder()
            .tls(is_tls)
            .events_per_second(0.0)
            .channels_per_client(100_000)
            .requests_per_minute(u32::MAX)
            .start()
            .await?;
        println!("{}", platform.first_line());
        let parent = tokio::task::spawn_blocking(|| {
            // Its end closes our input.
            std::io::stdin().read_to_end(&mut Vec::new())
        });
        parent.await??;
        Ok(())
    })
}
