//! Which legs of conversations a fault ended.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::Fault;
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::interval::Interval;
use crate::rest::analytics::predicate::Dimension;
use crate::rest::conversation_ends::{ConversationEnd, MOST_CONVERSATIONS, Search};
use crate::rest::disconnect_kind::DisconnectKind;
use crate::rest::generated::models::{
    SegmentDetailQueryFilter, SegmentDetailQueryPredicateDimension,
};

/// A query for the legs of conversations that a fault ended, from
/// [`AnalyticsApi::disconnect_report`](super::AnalyticsApi::disconnect_report).
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use genesys_cloud::analytics::{Interval, Predicate, SegmentDimension};
///
/// let report = client
///     .analytics()
///     .disconnect_report(Interval::last(Duration::from_secs(3_600))?)
///     .filter(Predicate::matches(SegmentDimension::MediaType, "voice"))
///     .fetch()
///     .await?;
/// for count in &report.by_kind {
///     println!("{} {}", count.name.as_deref().unwrap_or("without a kind"), count.ends);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is fetched"]
pub struct DisconnectQuery {
    analytics: AnalyticsApi,
    interval: Interval,
    filters: Vec<SegmentDetailQueryFilter>,
    conversations: usize,
    fault: Fault,
}

impl DisconnectQuery {
    pub(crate) fn new(analytics: AnalyticsApi, interval: Interval) -> Self {
        let conversations = MOST_CONVERSATIONS;
        Self { analytics, interval, filters: Vec::new(), conversations, fault: Fault::default() }
    }

    /// Selects conversations that have a segment that fits; several filters must all hold.
    pub fn filter(
        mut self,
        filter: impl Into<Filter<SegmentDetailQueryPredicateDimension>>,
    ) -> Self {
        self.filters.extend(self.fault.take(Dimension::write(&filter.into())));
        self
    }

    /// Conversations that are read at most, the latest first, in whole pages of 100. Default 1,000.
    pub fn most_conversations(mut self, most: usize) -> Self {
        if most == 0 {
            self.fault.say("a report reads at least one conversation: most_conversations() was 0");
        }
        self.conversations = most;
        self
    }

    /// Reads the conversations of which a leg ended by a transport failure, an error, a timeout or the platform itself,
    /// and counts those legs. Legs of the same conversations that ended in a usual way are left out.
    ///
    /// It finds conversations that started on a day (UTC) that the interval touches, and of them what ended in it.
    ///
    /// # Errors
    /// See [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn fetch(&self) -> Result<DisconnectReport> {
        self.fault.check()?;
        let longest = self.analytics.limits().conversation_details;
        self.interval.check(longest, "a query for details of conversations")?;
        let filters = self.filters.iter().map(serde_json::to_value);
        let filters: Vec<_> = filters
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Error::config("a filter cannot be written").with_source(error))?;
        let search = Search {
            start: self.interval.start(),
            end: self.interval.end(),
            conversations: self.conversations,
            filters: &filters,
        };
        let keep = |end: &ConversationEnd| end.is_abnormal() && self.interval.contains(end.at);
        let found = search.run(self.analytics.api(), self.analytics.call_options(), keep).await?;
        Ok(DisconnectReport::new(self.interval, found.ends, found.truncated))
    }
}

/// Which legs of conversations a fault ended, the earliest first, and how many of them there are by what they share.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DisconnectReport {
    /// When.
    pub interval: Interval,
    /// The conversations of these ends.
    pub conversations: usize,
    /// The ends, with error, SIP and Q.850 codes, and the audio's quality where there was any.
    pub ends: Vec<ConversationEnd>,
    /// Whether there may be more than were read.
    pub truncated: bool,
    /// By how they ended.
    pub by_kind: Vec<EndCount>,
    /// By the error code.
    pub by_error_code: Vec<EndCount>,
    /// By the queue.
    pub by_queue: Vec<EndCount>,
    /// By the user whose leg it was.
    pub by_user: Vec<EndCount>,
    /// By the edge that handled the leg.
    pub by_edge: Vec<EndCount>,
}

/// How many ends share something; the most first, then by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndCount {
    /// What they share: a kind, a code or an id; `None` for those that have none.
    pub name: Option<Box<str>>,
    /// How many there are.
    pub ends: usize,
}

impl DisconnectReport {
    fn new(interval: Interval, ends: Vec<ConversationEnd>, truncated: bool) -> Self {
        let conversations: HashSet<&str> = ends.iter().map(|end| &*end.conversation_id).collect();
        Self {
            interval,
            conversations: conversations.len(),
            truncated,
            by_kind: count(&ends, |end| end.disconnect.as_ref().map(DisconnectKind::as_str)),
            by_error_code: count(&ends, |end| end.error_code.as_deref()),
            by_queue: count(&ends, |end| end.queue_id.as_deref()),
            by_user: count(&ends, |end| end.user_id.as_deref()),
            by_edge: count(&ends, |end| end.edge_id.as_deref()),
            ends,
        }
    }
}

fn count<'a>(
    ends: &'a [ConversationEnd],
    of: impl Fn(&'a ConversationEnd) -> Option<&'a str>,
) -> Vec<EndCount> {
    let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for end in ends {
        *counts.entry(of(end)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts
        .into_iter()
        .map(|(name, ends)| EndCount { name: name.map(Into::into), ends })
        .collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.ends));
    counts
}
