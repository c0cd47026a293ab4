//! Between a stream's queue and its consumer: hands out what is live, and behind it what was fetched.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::super::delivery::{Counters, Delivery, Origin};
use super::super::stream::Live;
use super::backlog::{Backlog, Job, Out};
use super::options::Filling;
use super::watch::JobId;
use crate::core::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{BackfillMark, BackfillSource, Backfilled, Lifecycle, Topic};

/// Live items in a row after which one that was fetched goes out, so that backfill ends under any load.
const STREAK: u32 = 64;

/// The stage of one stream. Dropping it ends its requests.
pub(crate) struct Stage<E> {
    backlog: Backlog,
    jobs: JoinSet<(JobId, Result<Vec<Backfilled>>)>,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    decode: fn(&Topic, &RawValue) -> E,
    text: fn(&E) -> Option<Cow<'_, str>>,
    /// Live items since the last one that was fetched.
    streak: u32,
    /// What ended the stream, until everything else is out.
    #[allow(clippy::option_option)] // That it ended without a word has to be kept too.
    last: Option<Option<Live<E>>>,
    ending: bool,
}

impl<E> Stage<E> {
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn new(filling: Filling<E>, clock: Arc<dyn Clock>, counters: Arc<Counters>) -> Self {
        let Filling { sources, options, decode, text } = filling;
        Self {
            backlog: Backlog::new(sources, options, counters),
            jobs: JoinSet::new(),
            runtime: Handle::current(),
            clock,
            decode,
            text,
            streak: 0,
            last: None,
            ending: false,
        }
    }

    /// The next item. Nothing is taken from `live` unless it is returned, or kept to be returned.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut live: impl FnMut(&mut Context<'_>) -> Poll<Option<Live<E>>>,
    ) -> Poll<Option<Live<E>>> {
        if !self.ending {
            if self.streak >= STREAK {
                self.streak = 0;
                if let Some(item) = self.fetched(cx) {
                    return Poll::Ready(Some(item));
                }
            }
            match live(cx) {
                Poll::Ready(item) => {
                    self.streak += 1;
                    if !ends(item.as_ref()) {
                        if let Some(item) = &item {
                            self.saw(item);
                        }
                        return Poll::Ready(item);
                    }
                    self.end(cx);
                    self.last = Some(item);
                }
                Poll::Pending => {
                    self.streak = 0;
                    return self.fetched(cx).map_or(Poll::Pending, |item| Poll::Ready(Some(item)));
                }
            }
        }
        if let Some(out) = self.backlog.take() {
            return Poll::Ready(Some(self.live(out)));
        }
        match self.last.take() {
            Some(last) => Poll::Ready(last),
            None => live(cx),
        }
    }

    /// What a live item means for what is fetched.
    fn saw(&mut self, item: &Live<E>) {
        let wall = self.clock.wall();
        match item {
            Live::Event(delivery) => {
                let (topic, text) = (&delivery.topic, self.text);
                self.backlog.live(topic, |source| mark(source, topic, text(&delivery.event)));
            }
            Live::Own(Lifecycle::Gap { gap, topics, covered_until, resumed_at, .. }, _) => {
                let span = (*covered_until, *resumed_at);
                self.backlog.gap(*gap, topics, span, self.clock.now(), wall);
                self.start();
            }
            Live::Own(Lifecycle::Unsubscribed { topics }, _) => self.backlog.forget(topics, wall),
            _ => {}
        }
    }

    /// The next item that was fetched; without one, the task is woken when there is.
    fn fetched(&mut self, cx: &mut Context<'_>) -> Option<Live<E>> {
        loop {
            self.collect(cx);
            self.start();
            if let Some(out) = self.backlog.take() {
                return Some(self.live(out));
            }
            // Topics that were released may be asked for again, or be too late for it.
            let started = self.start();
            if let Some(out) = self.backlog.take() {
                return Some(self.live(out));
            }
            // What was started has to be polled, or nobody is woken by it.
            if !self.collect(cx) && !started {
                return None;
            }
        }
    }

    /// Takes answers; says whether there were any.
    fn collect(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Poll::Ready(Some(done)) = self.jobs.poll_join_next(cx) {
            if let Ok((job, answer)) = done {
                self.backlog.finished(job, answer, self.clock.wall());
                any = true;
            }
        }
        any
    }

    /// Sends what can be sent; says whether there was anything.
    fn start(&mut self) -> bool {
        let mut any = false;
        while let Some(job) = self.backlog.next_job(self.clock.now(), self.clock.wall()) {
            self.jobs.spawn_on(run(job), &self.runtime);
            any = true;
        }
        any
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        self.collect(cx);
        self.jobs.abort_all();
        self.backlog.close(self.clock.wall());
        self.ending = true;
    }

    fn live(&self, out: Out) -> Live<E> {
        match out {
            Out::Item { topic, body, gap, received_at } => Live::Event(Delivery {
                event: (self.decode)(&topic, &body),
                topic,
                correlation_id: None,
                received_at,
                origin: Origin::Backfill { gap },
                channel: None,
            }),
            Out::Told(lifecycle, at) => Live::Own(lifecycle, at),
        }
    }
}

/// Whether nothing of the platform's comes after it.
fn ends<E>(item: Option<&Live<E>>) -> bool {
    match item {
        None | Some(Live::Error(_) | Live::Own(Lifecycle::Stopped { .. }, _)) => true,
        Some(_) => false,
    }
}

fn mark(source: &dyn BackfillSource, topic: &Topic, body: Option<Cow<'_, str>>) -> BackfillMark {
    body.map(|body| source.mark(topic, &body)).unwrap_or_default()
}

/// Runs a request until its deadline. What a source of a user does cannot end the stream.
async fn run(job: Job) -> (JobId, Result<Vec<Backfilled>>) {
    let Job { id, source, request, deadline } = job;
    let fetch = AssertUnwindSafe(async { source.fetch(&request).await }).catch_unwind();
    let answer = match timeout_at(deadline.into(), fetch).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::config("the backfill source panicked")),
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "not fetched in the time that BackfillOptions::give_up_after allows",
        )),
    };
    (id, answer)
}
