//! A platform that counts for itself, below the limiter: limits by fixed or sliding windows, with the clock of the runtime.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::transport::http::executor::Execute;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// How the platform counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counting {
    /// In windows that follow each other, the first of which ends after this.
    Fixed(Duration),
    /// In whatever minute was the last.
    Sliding,
}

#[derive(Default)]
struct Counts {
    /// What was taken in the last minutes, whoever sent it.
    taken: VecDeque<Instant>,
    /// What was taken of ours, and when.
    ours: Vec<(Instant, Box<str>)>,
    refused: Vec<Instant>,
}

pub(super) struct Server {
    began: Instant,
    limit: usize,
    counting: Counting,
    counts: Mutex<Counts>,
    dice: Mutex<fastrand::Rng>,
    /// Longest time on the way, to there and back.
    slow: u64,
}

impl Server {
    pub(super) fn new(limit: usize, counting: Counting, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            limit,
            counting,
            counts: Mutex::default(),
            dice: Mutex::new(fastrand::Rng::with_seed(seed)),
            slow: 150,
        })
    }

    /// When the window of this time began.
    fn window(&self, now: Instant) -> Option<Instant> {
        match self.counting {
            Counting::Sliding => now.checked_sub(MINUTE),
            Counting::Fixed(first) => {
                let first = self.began + first;
                let Some(since) = now.checked_duration_since(first) else {
                    return first.checked_sub(MINUTE);
                };
                let whole = since.as_nanos() / MINUTE.as_nanos();
                Some(first + MINUTE * u32::try_from(whole).unwrap())
            }
        }
    }

    /// Takes one request, or says how long to wait. Somebody else's, which have no name, are always taken: what is left is ours.
    fn count(&self, now: Instant, name: Option<&str>) -> Option<Duration> {
        let mut counts = self.counts.lock().unwrap();
        while counts.taken.front().is_some_and(|at| *at + 2 * MINUTE < now) {
            counts.taken.pop_front();
        }
        let began = self.window(now);
        let inside =
            |at: &Instant| began.is_none_or(|began| *at > began || self.is_fixed() && *at == began);
        let used: Vec<Instant> = counts.taken.iter().copied().filter(inside).collect();
        if let Some(name) = name {
            if used.len() >= self.limit {
                counts.refused.push(now);
                let opens = match self.counting {
                    Counting::Fixed(_) => began.unwrap() + MINUTE,
                    Counting::Sliding => used[used.len() - self.limit] + MINUTE,
                };
                return Some(opens - now);
            }
            counts.ours.push((now, name.into()));
        }
        counts.taken.push_back(now);
        None
    }

    fn is_fixed(&self) -> bool {
        matches!(self.counting, Counting::Fixed(_))
    }

    /// Somebody else with the same token: so many in a minute, `together` of them at once.
    pub(super) fn someone_else(self: &Arc<Self>, a_minute: u32, together: u32) -> JoinHandle<()> {
        let server = self.clone();
        tokio::spawn(async move {
            loop {
                for _ in 0..together {
                    server.count(Instant::now(), None);
                }
                tokio::time::sleep(MINUTE * together / a_minute).await;
            }
        })
    }

    /// Of ours: how many were taken, how many refused.
    pub(super) fn totals(&self) -> (usize, usize) {
        let counts = self.counts.lock().unwrap();
        (counts.ours.len(), counts.refused.len())
    }

    /// When each of ours was taken, and which it was.
    pub(super) fn ours(&self) -> Vec<(Instant, Box<str>)> {
        self.counts.lock().unwrap().ours.clone()
    }

    /// The most that came from us in any minute, refused ones included.
    pub(super) fn most_in_a_minute(&self) -> usize {
        let counts = self.counts.lock().unwrap();
        let mut came: Vec<Instant> = counts.ours.iter().map(|(at, _)| *at).collect();
        came.extend(&counts.refused);
        came.sort();
        let mut first = 0;
        let mut most = 0;
        for (index, at) in came.iter().enumerate() {
            while came[first] + MINUTE <= *at {
                first += 1;
            }
            most = most.max(index + 1 - first);
        }
        most
    }

    async fn on_the_way(&self) {
        let time = self.dice.lock().unwrap().u64(1..=self.slow);
        tokio::time::sleep(Duration::from_millis(time)).await;
    }
}

impl Execute for Server {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            self.on_the_way().await;
            let wait = self.count(Instant::now(), Some(&request.operation));
            self.on_the_way().await;
            let mut headers = HeaderMap::new();
            let Some(wait) = wait else {
                return Ok(Response::new(200, headers, Bytes::new(), std::time::UNIX_EPOCH));
            };
            // Whole seconds, 1 at least, as the platform tells them.
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            let seconds = HeaderValue::try_from(format!("{seconds}")).unwrap();
            headers.insert(HeaderName::from_static("retry-after"), seconds);
            Ok(Response::new(429, headers, Bytes::new(), std::time::UNIX_EPOCH))
        })
    }
}
