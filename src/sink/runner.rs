//! The only loop: takes from the stream, writes to the sink, performs what the pipeline decides.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use futures::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};

use super::event_sink::{Batch, EventSink, WriteError};
use super::handle::SinkHandle;
use super::options::SinkOptions;
use super::pipeline::{Draining, Outgoing, Pipeline, Step};
use super::report::SinkReport;
use crate::core::clock::{Entropy, ThreadEntropy};
use crate::diagnostics::observer::{NoObserver, Observer, Signal};
use crate::error::{Error, ErrorKind, Result};

/// Items that are taken from the stream before anything else is looked at.
const BURST: usize = 64;

/// Writes the items of a stream to an [`EventSink`].
///
/// ```no_run
/// # async fn run(events: genesys_cloud::EventStream) {
/// use genesys_cloud::Capacity;
/// use genesys_cloud::sink::{JsonLines, SinkOptions, SinkOverflow, SinkRunner};
///
/// let options = SinkOptions::default()
///     .capacity(Capacity::new(10_000, 16 << 20))
///     .overflow(SinkOverflow::DropOldest);
/// let runner = SinkRunner::new(JsonLines::blocking(std::io::stdout())).options(options);
/// let handle = runner.handle();
/// tokio::spawn(async move {
///     tokio::signal::ctrl_c().await.ok();
///     handle.shutdown();
/// });
/// let report = runner.run(events).await;
/// println!("{}: {:?}", report.end, report.stats);
/// # }
/// ```
#[must_use = "a runner does nothing until it is run"]
pub struct SinkRunner<S> {
    sink: S,
    options: SinkOptions,
    observer: Arc<dyn Observer>,
    entropy: Arc<dyn Entropy>,
    handle: SinkHandle,
}

impl<S> SinkRunner<S> {
    /// A runner with the default options. A sink can also be lent, as `&sink` or `Arc`.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            options: SinkOptions::default(),
            observer: Arc::new(NoObserver),
            entropy: Arc::new(ThreadEntropy),
            handle: SinkHandle::default(),
        }
    }

    /// How to batch, buffer and repeat.
    pub fn options(mut self, options: SinkOptions) -> Self {
        self.options = options;
        self
    }

    /// Who is told of failures ([`Signal::SinkFailed`]) and drops ([`Signal::Lagged`]). Default: nobody.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Where the jitter of the waits comes from. Default: the thread's generator.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// A handle to read the counters and to end the run.
    pub fn handle(&self) -> SinkHandle {
        self.handle.clone()
    }

    /// Runs until the stream has ended, [`SinkHandle::shutdown`] is called, or the sink fails for good; then says what
    /// was written and what was not.
    ///
    /// Reading and writing overlap. An `Err` of the stream is its last item: what came before it is written.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropping the future loses what is in the buffer. End a run with [`SinkHandle::shutdown`].
    pub async fn run<T>(self, stream: impl Stream<Item = Result<T>>) -> SinkReport<S::Record>
    where
        S: EventSink<T>,
    {
        let stream = std::pin::pin!(stream);
        let handle = self.handle.clone();
        let stopped = std::pin::pin!(handle.stopped().fuse());
        let pipeline = Pipeline::new(self.options.clone());
        let mut run = Run { runner: &self, pipeline, stream, stopped };
        loop {
            let step = run.pipeline.step(now(), |dropped| run.runner.sink.lagged(dropped));
            run.runner.handle.publish(run.pipeline.stats());
            match step {
                Step::Write(batch) => run.write(batch).await,
                Step::Idle(until) => run.rest(until).await,
                Step::End => break,
            }
        }
        let report = run.pipeline.finish();
        self.handle.publish(report.stats);
        report
    }
}

impl<S> fmt::Debug for SinkRunner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkRunner")
            .field("options", &self.options)
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

fn now() -> Instant {
    TokioInstant::now().into_std()
}

/// Resolves at this moment; never, when there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// What is borrowed while a run goes on.
struct Run<'r, S, R, St, F> {
    runner: &'r SinkRunner<S>,
    pipeline: Pipeline<R>,
    stream: std::pin::Pin<&'r mut St>,
    stopped: std::pin::Pin<&'r mut F>,
}

impl<T, S, St, F> Run<'_, S, S::Record, St, F>
where
    S: EventSink<T>,
    St: Stream<Item = Result<T>>,
    F: Future<Output = ()> + futures::future::FusedFuture,
{
    /// One attempt at a batch, while the stream is read on.
    async fn write(&mut self, batch: Outgoing<S::Record>) {
        let limit = self.runner.options.write_timeout;
        let outcome = {
            let lent = Batch::new(batch.id, batch.attempt, &batch.records);
            let sink = &self.runner.sink;
            let mut writing = std::pin::pin!(timeout(limit, sink.write(lent)));
            loop {
                let deadline = self.pipeline.drain_until();
                let reading = self.pipeline.accepts();
                let item = tokio::select! {
                    biased;
                    outcome = &mut writing => break Some(outcome),
                    () = at(deadline), if deadline.is_some() => break None,
                    () = &mut self.stopped, if !self.stopped.is_terminated() => {
                        self.pipeline.drain(now(), Draining::Shutdown);
                        continue;
                    }
                    item = self.stream.next(), if reading => item,
                };
                self.take(item);
                self.runner.handle.publish(self.pipeline.stats());
            }
        };
        let outcome = match outcome {
            None => return self.pipeline.abandon(now(), batch),
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(WriteError::passing(Error::new(
                ErrorKind::Timeout,
                format!("the sink did not answer within {limit:?}; is it overloaded?"),
            ))),
        };
        let (attempt, unit) = (batch.attempt, self.runner.entropy.unit());
        let wait = self.pipeline.outcome(now(), SystemTime::now(), unit, batch, outcome);
        if let (Some(wait), Some(error)) = (wait, self.pipeline.last_failure()) {
            self.runner.observer.observe(&Signal::SinkFailed { error, attempt, wait });
        }
    }

    /// Waits for an item, for the end, or until this moment.
    async fn rest(&mut self, until: Option<Instant>) {
        let reading = self.pipeline.accepts();
        let item = tokio::select! {
            biased;
            () = &mut self.stopped, if !self.stopped.is_terminated() => {
                return self.pipeline.drain(now(), Draining::Shutdown);
            }
            () = at(until), if until.is_some() => return,
            item = self.stream.next(), if reading => item,
            // Neither a moment to wait for nor room: only the end can come, and it came.
            else => return,
        };
        self.take(item);
    }

    /// Takes an item, and those that are there already.
    fn take(&mut self, first: Option<Result<T>>) {
        let (now, wall) = (now(), SystemTime::now());
        let (mut item, mut dropped) = (first, 0);
        for left in (0..BURST).rev() {
            match item {
                Some(Ok(event)) => {
                    let record = self.runner.sink.encode(event);
                    dropped += self.pipeline.offer(now, wall, record);
                }
                Some(Err(error)) => {
                    self.pipeline.drain(now, Draining::StreamFailed(error));
                    break;
                }
                None => {
                    self.pipeline.drain(now, Draining::StreamEnded);
                    break;
                }
            }
            if left == 0 || !self.pipeline.accepts() {
                break;
            }
            match self.stream.next().now_or_never() {
                Some(next) => item = next,
                None => break,
            }
        }
        if dropped > 0 {
            self.runner.observer.observe(&Signal::Lagged { dropped });
        }
    }
}
