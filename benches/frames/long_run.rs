//! Many bytes through one pipeline: how fast, and in how much memory.

use std::time::Instant;

use bytes::Bytes;
use genesys_cloud::media::{Pipeline, Sha256};

use crate::{Failure, GIB, frames};

pub(crate) fn measure(bytes: u64) -> Result<(), Failure> {
    let messages: Vec<_> = frames::all()
        .into_iter()
        .map(|(payload, is_binary)| (Sha256::of(&payload), payload, is_binary))
        .collect();
    run("without checksums", &messages, false, bytes)?;
    run("with SHA-256", &messages, true, bytes / 10)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn run(
    name: &str,
    messages: &[(Sha256, Bytes, bool)],
    has_checksums: bool,
    bytes: u64,
) -> Result<(), Failure> {
    let mut pipeline = Pipeline::builder().build()?;
    let (mut done, mut frames) = (0u64, 0u64);
    // What one round takes is there by then.
    let mut before = None;
    let start = Instant::now();
    while done < bytes {
        for (sum, payload, is_binary) in messages {
            done += payload.len() as u64;
            frames += 1;
            let mut frame = pipeline.frame(payload.clone(), *is_binary);
            frame.checksum = has_checksums.then_some(*sum);
            drop(std::hint::black_box(pipeline.process(frame)));
        }
        if before.is_none() {
            before = peak();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let metrics = pipeline.metrics();
    if metrics.sound != frames || metrics.bytes != done {
        return Err(format!("{} of {frames} frames are sound", metrics.sound).into());
    }
    println!(
        "{name}: {:.2} GiB in {frames} frames, {:.0} frames/s, {:.2} GiB/s, parse p50 {:.2} us and p99 {:.2} us",
        done as f64 / GIB as f64,
        frames as f64 / seconds,
        done as f64 / GIB as f64 / seconds,
        metrics.window.parse_us.p50,
        metrics.window.parse_us.p99,
    );
    match (before, peak()) {
        (Some(before), Some(after)) => {
            println!(
                "  peak resident memory {after} KiB, {} KiB of it since the first round",
                after - before
            );
        }
        _ => println!("  peak resident memory cannot be measured here, only on Linux"),
    }
    Ok(())
}

/// Peak resident memory of this process in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
