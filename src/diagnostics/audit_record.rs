//! One line of an audit log.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::core::ids::ChannelId;
use crate::diagnostics::millis;
use crate::diagnostics::observer::Signal;
use crate::error::cut;

/// What has happened so far; part of every record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    connects: u64,
    disconnects: u64,
    gaps: u64,
    dropped: u64,
    malformed: u64,
    requests: u64,
    pings: u64,
    timeouts: u64,
}

impl Totals {
    pub(crate) fn count(&mut self, signal: &Signal<'_>) {
        match signal {
            Signal::Connected { .. } => self.connects += 1,
            Signal::Disconnected { .. } => self.disconnects += 1,
            Signal::Gap { .. } => self.gaps += 1,
            Signal::Lagged { dropped } => self.dropped = self.dropped.saturating_add(*dropped),
            Signal::Malformed { .. } => self.malformed += 1,
            Signal::Request { .. } => self.requests += 1,
            Signal::Pong { .. } => self.pings += 1,
            Signal::Latency { measurement } => {
                self.pings += 1;
                self.timeouts += u64::from(measurement.is_timeout());
            }
            _ => {}
        }
    }
}

/// A record as it is written.
pub(crate) struct Record<'a> {
    pub(crate) at: SystemTime,
    pub(crate) seq: u64,
    pub(crate) signal: &'a Signal<'a>,
    pub(crate) totals: Totals,
}

impl Record<'_> {
    /// The record as one line with its end.
    pub(crate) fn line(&self) -> Option<Vec<u8>> {
        let mut line = serde_json::to_vec(self).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

/// UTC with microseconds; times that cannot be written become the nearest that can.
fn rfc3339(time: SystemTime) -> String {
    let nearest =
        if time < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    format!("{:.6}", jiff::Timestamp::try_from(time).unwrap_or(nearest))
}

/// The id as it may be shown.
fn shown(channel: Option<&ChannelId>) -> Option<String> {
    channel.map(ToString::to_string)
}

fn short(text: &str) -> Box<str> {
    cut(text.as_bytes())
}

fn ms(duration: &Duration) -> f64 {
    millis::of(*duration)
}

/// The name of a signal in a record.
fn action(signal: &Signal<'_>) -> &'static str {
    match signal {
        Signal::TokenIssued { .. } => "token_issued",
        Signal::TokenRestored { .. } => "token_restored",
        Signal::TokenStoreFailed { .. } => "token_store_failed",
        Signal::TokenRenewalFailed { .. } => "token_renewal_failed",
        Signal::Request { .. } => "request",
        Signal::Retry { .. } => "retry",
        Signal::Throttled { .. } => "throttled",
        Signal::ClockOff { .. } => "clock_off",
        Signal::Dial { .. } => "dial",
        Signal::Connected { .. } => "connected",
        Signal::Disconnected { .. } => "disconnected",
        Signal::Pong { .. } => "pong",
        Signal::Latency { .. } => "latency",
        Signal::Sent { .. } => "sent",
        Signal::Subscribed { .. } => "subscribed",
        Signal::Rejected { .. } => "rejected",
        Signal::Renewed { .. } => "renewed",
        Signal::Gap { .. } => "gap",
        Signal::Lagged { .. } => "lagged",
        Signal::SinkFailed { .. } => "sink_failed",
        Signal::Malformed { .. } => "malformed",
        Signal::Action { .. } => "action",
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("time", &rfc3339(self.at))?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("action", action(self.signal))?;
        match self.signal {
            Signal::TokenIssued { generation, life }
            | Signal::TokenRestored { generation, life } => {
                map.serialize_entry("generation", generation)?;
                map.serialize_entry("life_s", &life.as_secs())?;
            }
            Signal::TokenStoreFailed { error } => {
                map.serialize_entry("error", &short(&error.summary()))?;
            }
            Signal::TokenRenewalFailed { error, usable } => {
                map.serialize_entry("error", &short(&error.summary()))?;
                map.serialize_entry("usable", usable)?;
            }
            Signal::Request { method, operation, status, elapsed } => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("operation", &short(operation))?;
                map.serialize_entry("status", status)?;
                map.serialize_entry("elapsed_ms", &ms(elapsed))?;
            }
            Signal::Retry { operation, attempt, wait } => {
                map.serialize_entry("operation", &short(operation))?;
                map.serialize_entry("attempt", attempt)?;
                map.serialize_entry("wait_ms", &ms(wait))?;
            }
            Signal::Throttled { wait } => map.serialize_entry("wait_ms", &ms(wait))?,
            Signal::ClockOff { off, ahead } => {
                map.serialize_entry("off_ms", &ms(off))?;
                map.serialize_entry("ahead", ahead)?;
            }
            Signal::Dial { channel, attempt } => {
                map.serialize_entry("channel", &shown(*channel))?;
                map.serialize_entry("attempt", attempt)?;
            }
            Signal::Connected { channel } => {
                map.serialize_entry("channel", &shown(*channel))?;
            }
            Signal::Renewed { channel, overlap } => {
                map.serialize_entry("channel", &shown(*channel))?;
                map.serialize_entry("overlap_ms", &ms(overlap))?;
            }
            Signal::Disconnected { channel, cause, was_live } => {
                map.serialize_entry("channel", &shown(*channel))?;
                map.serialize_entry("cause", cause.what())?;
                map.serialize_entry("code", &cause.close_code().get())?;
                map.serialize_entry("detail", &short(&cause.to_string()))?;
                map.serialize_entry("was_live_ms", &ms(was_live))?;
            }
            Signal::Pong { rtt } => map.serialize_entry("rtt_ms", &ms(rtt))?,
            Signal::Latency { measurement } => map.serialize_entry("ping", measurement)?,
            Signal::Sent { kind, bytes } => {
                map.serialize_entry("kind", &short(kind))?;
                map.serialize_entry("bytes", bytes)?;
            }
            Signal::Subscribed { topics } => map.serialize_entry("topics", topics)?,
            Signal::Rejected { topic } => map.serialize_entry("topic", &short(topic))?,
            Signal::Gap { topics, duration } => {
                map.serialize_entry("topics", topics)?;
                map.serialize_entry("duration_ms", &ms(duration))?;
            }
            Signal::Lagged { dropped } => map.serialize_entry("dropped", dropped)?,
            Signal::SinkFailed { error, attempt, wait } => {
                map.serialize_entry("error", &short(&error.summary()))?;
                map.serialize_entry("attempt", attempt)?;
                map.serialize_entry("wait_ms", &ms(wait))?;
            }
            Signal::Malformed { topic } => map.serialize_entry("topic", &topic.map(short))?,
            Signal::Action { name, count } => {
                map.serialize_entry("name", &short(name))?;
                map.serialize_entry("count", count)?;
            }
        }
        map.serialize_entry("totals", &self.totals)?;
        map.end()
    }
}
