//! Figures in words.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use genesys_cloud::media::{BreakerState, FrameMetrics, HandlerStats};
use genesys_cloud::presence::{KnownPresence, PresenceChange, PresenceMetrics};
use genesys_cloud::{Measurement, Summary};

/// Milliseconds, always of the same width.
pub(crate) fn ms(time: Option<Duration>) -> String {
    match time {
        Some(time) => format!("{:>7.2} ms", time.as_secs_f64() * 1e3),
        None => format!("{:>10}", "-"),
    }
}

/// What became of a ping; `!` marks what is over its threshold.
pub(crate) fn ping(ping: &Measurement) -> String {
    let over = |is_over: bool| if is_over { '!' } else { ' ' };
    format!(
        "latency {}{} jitter {}{} smoothed {}  stability {:>5.1} %",
        ms(ping.latency),
        over(ping.latency_violation || ping.latency.is_none()),
        ms(ping.jitter),
        over(ping.jitter_violation),
        ms(Some(ping.smoothed_jitter)),
        ping.stability.unwrap_or_default() * 100.0,
    )
}

/// The beginning of an id: enough to tell it from others.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Who came from which state to which.
pub(crate) fn change(change: &PresenceChange) -> String {
    let from = change.from.as_ref().map_or("?", |from| &from.name);
    let doubt = if change.after_gap { ", after a gap" } else { "" };
    format!("{} {from} -> {}{doubt}", short(&change.user), change.to.name)
}

/// Who is in which state for how long.
pub(crate) fn state(user: &str, known: &KnownPresence) -> String {
    let state = known.state.as_ref().map_or("?", |state| &state.name);
    let doubt = if known.stale { ", stale" } else { "" };
    let lasts = known.since.and_then(|since| SystemTime::now().duration_since(since).ok());
    let lasts = lasts.map_or_else(|| "-".to_owned(), |lasts| format!("{:.1}", lasts.as_secs_f64()));
    format!("{} {state:<14} for {lasts:>7} s{doubt}", short(user))
}

/// What a presence tracker counted.
pub(crate) fn presence(metrics: &PresenceMetrics) -> String {
    let p99 = |of: &Option<Summary>| ms(of.as_ref().map(|summary| summary.p99));
    format!(
        "{} updates of {} users: {} changes, {} unchanged, {} late; accuracy {:.1} %, {} unreadable\n\
         latency p99 {}, processing p99 {}\n\
         subscribers: {} items missed by the slow one, {} failures of the failing one, {} panics",
        metrics.updates,
        metrics.tracked,
        metrics.deltas,
        metrics.unchanged,
        metrics.late,
        metrics.accuracy().unwrap_or_default() * 100.0,
        metrics.errors,
        p99(&metrics.latency).trim_start(),
        p99(&metrics.processing).trim_start(),
        metrics.dropped,
        metrics.failures,
        metrics.panics,
    )
}

/// What a pipeline counted since it had counted `before`.
pub(crate) fn frames(now: &FrameMetrics, before: &FrameMetrics) -> String {
    let mut text = format!("{:>4} frames", now.frames - before.frames);
    for (kind, count) in &now.by_type {
        let count = count - before.by_type.get(kind).copied().unwrap_or_default();
        if count > 0 {
            let _ = write!(text, ", {count} {kind}");
        }
    }
    let parse = &now.window.parse_us;
    let breaker = match now.breaker {
        None => "none",
        Some(BreakerState::Closed) => "closed",
        Some(BreakerState::Open) => "OPEN",
        Some(_) => "half-open",
    };
    let _ = write!(
        text,
        "; {} KiB; parsed in {:.1} us, p99 {:.1} us; {:.1} % sound; {} not read, breaker {breaker}",
        (now.bytes - before.bytes) / 1_024,
        parse.p50,
        parse.p99,
        now.window.integrity_rate.unwrap_or(1.0) * 100.0,
        now.tripped - before.tripped,
    );
    text
}

/// What a pipeline and the handlers of its frames did.
pub(crate) fn handlers(metrics: &FrameMetrics, handlers: &[&HandlerStats]) -> String {
    let mut text = format!(
        "{} frames: {} sound, {} not sound, {} over the limit, {} while the breaker was open",
        metrics.frames, metrics.sound, metrics.invalid, metrics.oversize, metrics.tripped,
    );
    for HandlerStats { of, handled, errors, panics, last_error, .. } in handlers {
        let _ =
            write!(text, "\nhandler of {of}: {handled} handled, {errors} errors, {panics} panics");
        if let Some(error) = last_error {
            let _ = write!(text, ", the last: {error}");
        }
    }
    text
}
