//! Everything that is known at one moment: what the outputs show.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use genesys_cloud::{ConnectionState, Delivery, Event, Topic};

use crate::board::Board;
use crate::common::note::Note;
use crate::pace::Pace;
use crate::tally::Tally;

/// Notes that are kept for the log.
const NOTES: usize = 200;

/// What is known.
pub(crate) struct Watch {
    pub(crate) place: String,
    pub(crate) topics: usize,
    pub(crate) board: Board,
    pub(crate) tally: Tally,
    pub(crate) pace: Pace,
    /// The latest last.
    pub(crate) notes: VecDeque<Note>,
    pub(crate) state: ConnectionState,
    pub(crate) reconnects: u64,
    started: Instant,
}

impl Watch {
    pub(crate) fn new(place: String, topics: &[Topic]) -> Self {
        let started = Instant::now();
        Self {
            place,
            topics: topics.len(),
            board: Board::new(topics),
            tally: Tally::default(),
            pace: Pace::new(started),
            notes: VecDeque::new(),
            state: ConnectionState::Connecting { failures: 0 },
            reconnects: 0,
            started,
        }
    }

    /// Takes note of one item.
    pub(crate) fn take(&mut self, delivery: &Delivery) {
        self.tally.take(delivery);
        self.board.take(delivery);
        if let Event::Lifecycle(item) = &delivery.event {
            self.notes.push_back(Note::new(self.up(), item));
            if self.notes.len() > NOTES {
                self.notes.pop_front();
            }
        } else {
            self.pace.count(Instant::now());
        }
    }

    /// Time since the start.
    pub(crate) fn up(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, ConnectionState::Live { .. })
    }
}
