//! What the platform has counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

/// Distinct paths that are counted by name; the rest is counted as `other`.
const PATHS: usize = 1_000;

/// Counts of a platform since its start or its last reset; over HTTP the answer of `GET /_sim/stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Tokens issued.
    pub tokens_issued: u64,
    /// Channels that exist now.
    pub channels: usize,
    /// Channels that were removed to make room for another, or by a fault.
    pub evictions: u64,
    /// Sockets that are open now.
    pub sockets_open: usize,
    /// Attempts to open a socket, whatever became of them.
    pub dials: u64,
    /// Text and binary frames sent on sockets: events, heartbeats and answers.
    pub frames_sent: u64,
    /// Requests that were answered with 429.
    pub throttled: u64,
    /// Requests by path, with `{id}` for ids and without the query. Requests to `/_sim` and dials are not counted.
    pub requests: BTreeMap<String, u64>,
    /// Of the open sockets those without a channel, by the name of their [`SocketKind`](super::SocketKind); left out of
    /// the JSON when there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sockets: BTreeMap<String, usize>,
}

/// Counts that are kept under the state's lock.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) evictions: u64,
    pub(super) dials: u64,
    pub(super) throttled: u64,
    pub(super) requests: BTreeMap<String, u64>,
}

impl Counted {
    pub(super) fn request(&mut self, path: String) {
        let known = self.requests.len() < PATHS || self.requests.contains_key(&path);
        let key = if known { path } else { "other".to_owned() };
        *self.requests.entry(key).or_default() += 1;
    }
}

/// Counts that sockets keep themselves.
#[derive(Debug, Default)]
pub(super) struct Live {
    frames: AtomicU64,
    open: AtomicUsize,
}

impl Live {
    pub(super) fn sent(&self, frames: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        self.frames.store(0, Ordering::Relaxed);
    }
}
