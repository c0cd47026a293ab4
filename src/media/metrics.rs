//! What a pipeline counts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::breaker::BreakerState;
use super::checksum::ChecksumState;
use super::distribution::{Distribution, Recent, as_f64};
use super::payload_type::PayloadType;
use super::registry::Registry;

/// What a pipeline has counted since it was built, from [`Pipeline::metrics`](super::Pipeline::metrics).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FrameMetrics {
    /// Frames that came in. The sum of `sound`, `invalid`, `oversize` and `tripped`.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames without a problem, unknown ones among them.
    pub sound: u64,
    /// Frames that were read and had a problem.
    pub invalid: u64,
    /// Frames above the limit of size; not read.
    pub oversize: u64,
    /// Of these, frames whose payload was dropped.
    pub dropped: u64,
    /// Frames that came while the circuit breaker was open; not read.
    pub tripped: u64,
    /// Frames whose checksum was checked and is right.
    pub checksum_matches: u64,
    /// Frames whose checksum was checked and is wrong.
    pub checksum_mismatches: u64,
    /// Frames that were read, by the name of their type; `unknown` for those without.
    pub by_type: BTreeMap<String, u64>,
    /// The last frames that were read.
    pub window: WindowMetrics,
    /// How the circuit breaker stands; `None` when there is none.
    pub breaker: Option<BreakerState>,
}

/// The last frames that a pipeline read: at most as many as [`PipelineBuilder::window`](super::PipelineBuilder::window).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WindowMetrics {
    /// How many.
    pub frames: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How long they took to read, in microseconds: recognition, UTF-8, schema, checksum and validator.
    pub parse_us: Distribution,
    /// The share without a problem, from 0 to 1; `None` without a frame.
    pub integrity_rate: Option<f64>,
    /// Their types.
    pub by_type: BTreeMap<String, u64>,
}

/// One frame in the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) bytes: usize,
    pub(super) parse: Duration,
    /// Place in the registry; `None` for an unknown type.
    pub(super) index: Option<usize>,
    pub(super) sound: bool,
    pub(super) checksum: ChecksumSeen,
}

/// A checksum's state without the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChecksumSeen {
    No,
    Match,
    Mismatch,
}

impl From<&ChecksumState> for ChecksumSeen {
    fn from(state: &ChecksumState) -> Self {
        match state {
            ChecksumState::NotChecked => Self::No,
            ChecksumState::Match => Self::Match,
            ChecksumState::Mismatch { .. } => Self::Mismatch,
        }
    }
}

/// Counts frames, in fixed memory.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    /// All but `by_type`, `window` and `breaker`.
    totals: FrameMetrics,
    /// By place in the registry, and one more for unknown types.
    by_type: Vec<u64>,
    window: Recent<Entry>,
    window_bytes: u64,
    window_sound: usize,
}

impl Recorder {
    pub(super) fn new(types: usize, window: usize) -> Self {
        Self {
            totals: FrameMetrics::default(),
            by_type: vec![0; types + 1],
            window: Recent::new(window),
            window_bytes: 0,
            window_sound: 0,
        }
    }

    /// A frame came in.
    pub(super) fn arrived(&mut self, bytes: usize) {
        self.totals.frames += 1;
        self.totals.bytes = self.totals.bytes.saturating_add(bytes as u64);
    }

    pub(super) fn oversize(&mut self, dropped: bool) {
        self.totals.oversize += 1;
        self.totals.dropped += u64::from(dropped);
    }

    pub(super) fn tripped(&mut self) {
        self.totals.tripped += 1;
    }

    pub(super) fn read(&mut self, entry: Entry) {
        let totals = &mut self.totals;
        *if entry.sound { &mut totals.sound } else { &mut totals.invalid } += 1;
        match entry.checksum {
            ChecksumSeen::No => {}
            ChecksumSeen::Match => totals.checksum_matches += 1,
            ChecksumSeen::Mismatch => totals.checksum_mismatches += 1,
        }
        let unknown = self.by_type.len() - 1;
        if let Some(count) = self.by_type.get_mut(entry.index.unwrap_or(unknown)) {
            *count += 1;
        }
        self.window_bytes += entry.bytes as u64;
        self.window_sound += usize::from(entry.sound);
        if let Some(old) = self.window.push(entry) {
            self.window_bytes -= old.bytes as u64;
            self.window_sound -= usize::from(old.sound);
        }
    }

    pub(super) fn snapshot(
        &self,
        registry: &Registry,
        breaker: Option<BreakerState>,
    ) -> FrameMetrics {
        let name = |index: usize| {
            let kind = registry.types().get(index).map(|found| &found.kind);
            kind.unwrap_or(&PayloadType::Unknown).to_string()
        };
        let mut in_window = BTreeMap::new();
        for entry in self.window.iter() {
            let index = entry.index.unwrap_or(registry.types().len());
            *in_window.entry(name(index)).or_default() += 1;
        }
        let frames = self.window.len();
        let seen = self.by_type.iter().enumerate().filter(|(_, count)| **count > 0);
        FrameMetrics {
            by_type: seen.map(|(index, count)| (name(index), *count)).collect(),
            window: WindowMetrics {
                frames,
                bytes: self.window_bytes,
                parse_us: Distribution::of(
                    self.window.iter().map(|entry| entry.parse.as_secs_f64() * 1e6),
                ),
                integrity_rate: (frames > 0).then(|| as_f64(self.window_sound) / as_f64(frames)),
                by_type: in_window,
            },
            breaker,
            ..self.totals.clone()
        }
    }
}
