//! What the crate makes of frames: reads one to a line, and writes one line of JSON for each, in the same order.
//!
//! ```text
//! cargo run --example inspect -- frames.ndjson
//! cargo run --example inspect -- --summary - < frames.ndjson
//! ```
//!
//! A line is `{"variant":"UsersPresence","topic":…,"frame":…}` with the whole frame, written again from the typed value,
//! or `{"error":…}`. Bad lines do not end it. Without a file, and without anything on standard input, it inspects some
//! frames of a simulator that it starts itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Cursor, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, Frame, RawEvent, topics};
use serde::Serialize;

/// Longest line in bytes: what a stream takes as one message by default.
const LINE: u64 = 8 * 1024 * 1024;

/// Frames that are taken from the simulator.
const SIMULATED: usize = 24;

/// Decode frames, and write them again.
#[derive(Parser)]
struct Arguments {
    /// File of frames, one to a line; `-` is standard input
    file: Option<PathBuf>,
    /// Write counts only, as one JSON object
    #[arg(long)]
    summary: bool,
}

/// One line of output.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Frame { variant: &'static str, topic: String, frame: Box<Frame> },
    Error { error: String },
}

/// How much was read.
#[derive(Default, Serialize)]
struct Summary {
    frames: u64,
    variants: BTreeMap<&'static str, u64>,
    errors: u64,
}

fn main() -> ExitCode {
    let Err(error) = run(&Arguments::parse()) else { return ExitCode::SUCCESS };
    match error.downcast_ref::<io::Error>() {
        // Whoever read our output has gone: `inspect frames.ndjson | head`.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let input: Box<dyn Read> = match arguments.file.as_deref() {
        Some(file) if file != Path::new("-") => {
            Box::new(File::open(file).map_err(|error| format!("{}: {error}", file.display()))?)
        }
        None if io::stdin().is_terminal() => Box::new(Cursor::new(simulated()?)),
        _ => Box::new(io::stdin()),
    };
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut output = BufWriter::new(io::stdout().lock());
    let mut summary = Summary::default();
    let mut line = Vec::new();
    loop {
        if input.buffer().is_empty() {
            // The next read may wait for long; what is done is shown before.
            output.flush()?;
        }
        line.clear();
        let read = (&mut input).take(LINE + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let shown = if line.ends_with(b"\n") || line.len() as u64 <= LINE {
            if line.trim_ascii().is_empty() {
                continue;
            }
            decode(&line).unwrap_or_else(|error| Line::Error { error })
        } else {
            input.skip_until(b'\n')?;
            Line::Error { error: format!("line exceeds {LINE} bytes") }
        };
        summary.frames += 1;
        match &shown {
            Line::Frame { variant, .. } => *summary.variants.entry(variant).or_default() += 1,
            Line::Error { .. } => summary.errors += 1,
        }
        if !arguments.summary {
            serde_json::to_writer(&mut output, &shown).map_err(io::Error::from)?;
            output.write_all(b"\n")?;
        }
    }
    if arguments.summary {
        serde_json::to_writer(&mut output, &summary).map_err(io::Error::from)?;
        output.write_all(b"\n")?;
    }
    Ok(output.flush()?)
}

fn decode(line: &[u8]) -> Result<Line, String> {
    let text = str::from_utf8(line).map_err(|error| format!("line is not UTF-8: {error}"))?;
    let frame = Box::new(Frame::decode(text).map_err(|error| error.to_string())?);
    Ok(Line::Frame { variant: frame.event.variant(), topic: frame.topic.to_string(), frame })
}

/// Some frames as a simulator sends them.
#[tokio::main(flavor = "current_thread")]
async fn simulated() -> genesys_cloud::Result<String> {
    let platform = Platform::builder().events_per_second(200.0).start().await?;
    let client =
        Client::builder(platform.endpoints()).credentials(platform.credentials()).build()?;
    let mut events = client
        .stream()
        .subscribe_all(platform.users().iter().map(topics::users::presence))
        .subscribe_all(platform.users().iter().map(topics::users::conversations))
        .subscribe_all(platform.queues().iter().map(topics::analytics::queue_observations))
        .raw()
        .start()
        .await?;
    let mut lines = Vec::new();
    while lines.len() < SIMULATED {
        let Some(delivery) = events.next().await else { break };
        if let RawEvent::Frame(frame) = delivery?.event {
            lines.push(frame.text().to_owned());
        }
    }
    events.close().await;
    platform.shutdown().await;
    Ok(lines.join("\n"))
}
