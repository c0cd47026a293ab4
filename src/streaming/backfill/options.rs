//! Settings of backfill.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::super::builder::StreamBuilder;
use super::super::protocol::BackfillEvent;
use crate::core::limits;
use crate::events::{BackfillSource, IntoBackfill, Topic};

/// Settings of backfill, for [`StreamBuilder::backfill_options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillOptions {
    /// Requests under way at once. Default 4: they share the client's budget with everything else, behind it.
    pub concurrency: usize,
    /// Topics whose backfill may wait or be under way. Those of a gap that are over it end as
    /// [`BackfillFailed`](crate::Lifecycle::BackfillFailed). Default 20,000: what 20 channels of 1,000 topics hold.
    pub max_topics: usize,
    /// How long after a gap was delivered its topics are given up. Default 10 minutes: the longest `Retry-After` that is
    /// waited for is 3 minutes, and the backfill of many topics takes several windows of the request budget.
    pub give_up_after: Duration,
}

impl Default for BackfillOptions {
    fn default() -> Self {
        Self {
            concurrency: 4,
            max_topics: limits::TOPICS_PER_CHANNEL * limits::CHANNELS_PER_CLIENT,
            give_up_after: Duration::from_secs(600),
        }
    }
}

impl BackfillOptions {
    /// Sets [`concurrency`](Self::concurrency); at least 1.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(1);
        self
    }

    /// Sets [`max_topics`](Self::max_topics).
    pub fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Sets [`give_up_after`](Self::give_up_after).
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = time;
        self
    }
}

/// The sources of a stream that is being set up, and how its events are made of what they fetch.
pub(crate) struct Filling<E> {
    pub(super) sources: Vec<Arc<dyn BackfillSource>>,
    pub(super) options: BackfillOptions,
    pub(super) decode: fn(&Topic, &RawValue) -> E,
    pub(super) text: fn(&E) -> Option<Cow<'_, str>>,
}

impl<E: BackfillEvent> Filling<E> {
    fn new(sources: Vec<Arc<dyn BackfillSource>>, options: BackfillOptions) -> Self {
        Self { sources, options, decode: E::from_body, text: E::body_text }
    }
}

impl<E> Filling<E> {
    /// The same for events of another type.
    pub(crate) fn speaking<F: BackfillEvent>(self) -> Filling<F> {
        Filling::new(self.sources, self.options)
    }
}

impl<E: BackfillEvent> StreamBuilder<E> {
    /// Fetches what was missed after each gap, and delivers it as events of the same topics and types, with
    /// [`Origin::Backfill`](crate::Origin::Backfill). Call it again for more sources; of several that cover a topic the
    /// first is asked. Default: nothing is fetched.
    ///
    /// [`Client::backfill`](crate::Client::backfill) has the platform's REST API as a source.
    ///
    /// # Order
    /// Live events come first: what was fetched is delivered when no live event waits, or after 64 of them in a row. Each
    /// topic of a gap that a source covers is named by exactly one
    /// [`BackfillComplete`](crate::Lifecycle::BackfillComplete) or
    /// [`BackfillFailed`](crate::Lifecycle::BackfillFailed) for that gap, after its events, by its single name if it is
    /// part of a combined one; topics that no source covers are named by none. A topic that has another gap while it is
    /// fetched is fetched once more, however many gaps there were.
    ///
    /// What was fetched is left out, and counted in [`StreamStats::backfill_stale`](crate::StreamStats::backfill_stale),
    /// when a live event of the topic was delivered that
    /// - names a later time, or the same time and came since the gap, where the bodies of both name one (presence,
    ///   routing status);
    /// - else, was delivered after the request had been sent, and tells of the same part of the topic's state (the
    ///   conversation, or the metric of a queue).
    ///
    /// A state that did not change in the gap is delivered too: it says that nothing was missed.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client, user: &str) -> genesys_cloud::Result<()> {
    /// use futures::TryStreamExt;
    /// use genesys_cloud::{Event, Origin, topics};
    ///
    /// let mut events = client
    ///     .stream()
    ///     .subscribe(topics::users::presence(user))
    ///     .backfill(client.backfill())
    ///     .start()
    ///     .await?;
    /// while let Some(delivery) = events.try_next().await? {
    ///     if let (Event::UsersPresence(_), Origin::Backfill { gap }) = (&delivery.event, delivery.origin) {
    ///         println!("missed in gap {gap}: {}", delivery.topic);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn backfill(mut self, sources: impl IntoBackfill) -> Self {
        self.filling().sources.extend(sources.into_backfill());
        self
    }

    /// How much of backfill goes on at once, and for how long. Default [`BackfillOptions::default`].
    pub fn backfill_options(mut self, options: BackfillOptions) -> Self {
        self.filling().options = options;
        self
    }

    fn filling(&mut self) -> &mut Filling<E> {
        self.backfill.get_or_insert_with(|| Filling::new(Vec::new(), BackfillOptions::default()))
    }
}
