//! How many channels some topics need, before anything is connected.

use std::collections::BTreeSet;

use super::packing::{Bounds, Packing};
use crate::core::limits::TOPICS_PER_CHANNEL;
use crate::error::Result;
use crate::events::{IntoTopic, Topic};

/// How many channels some topics need, and which topic is on which: computed without a network.
///
/// Topics that differ only in their last part, such as the presence and the routing status of one user, are combined
/// into one name (`v2.users.ID?presence&routingStatus`, at most 200 characters), which counts once towards the
/// platform's 1,000 of a channel, as in Genesys' own streaming client. Their events come under the single topics.
///
/// ```
/// use genesys_cloud::CapacityPlan;
///
/// let users = (0..2_200).flat_map(|n| {
///     [format!("v2.users.u{n}.presence"), format!("v2.users.u{n}.routingStatus")]
/// });
/// let plan = CapacityPlan::for_topics(users, 5)?;
/// assert_eq!((plan.topics(), plan.names(), plan.channels().len()), (4_400, 2_200, 3));
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityPlan {
    channels: Vec<PlannedChannel>,
    bounds: Bounds,
}

/// One channel of a [`CapacityPlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedChannel {
    /// The single topics.
    pub topics: Vec<Topic>,
    /// What the platform is asked for: topics, some of them combined.
    pub names: Vec<Box<str>>,
}

impl CapacityPlan {
    /// The plan of these topics, combined ones taken apart first, over at most `max_channels` channels of 1,000.
    ///
    /// # Errors
    /// [`Capacity`](crate::ErrorKind::Capacity) with the numbers when they need more,
    /// [`Config`](crate::ErrorKind::Config) for a text that is no topic.
    pub fn for_topics<T: IntoTopic>(
        topics: impl IntoIterator<Item = T>,
        max_channels: usize,
    ) -> Result<Self> {
        let topics = topics.into_iter().map(IntoTopic::into_topic).collect::<Result<Vec<_>>>()?;
        Self::of(&topics, Bounds::new(max_channels, TOPICS_PER_CHANNEL))
    }

    pub(crate) fn of(topics: &[Topic], bounds: Bounds) -> Result<Self> {
        let members: BTreeSet<Topic> = topics.iter().flat_map(Topic::members).collect();
        let packing = Packing::spread(bounds, &members)?;
        let channels = packing.loads().map(|(_, load)| PlannedChannel {
            topics: load.topics().cloned().collect(),
            names: load.wire(),
        });
        Ok(Self { channels: channels.collect(), bounds })
    }

    /// The channels. There is at least one.
    pub fn channels(&self) -> &[PlannedChannel] {
        &self.channels
    }

    /// The number of single topics.
    pub fn topics(&self) -> usize {
        self.channels.iter().map(|channel| channel.topics.len()).sum()
    }

    /// The number of names after combining: what counts towards the limit of a channel.
    pub fn names(&self) -> usize {
        self.channels.iter().map(|channel| channel.names.len()).sum()
    }

    /// How many more names fit, on the channels that there are and on those that may be opened.
    pub fn room(&self) -> usize {
        self.bounds.channels * self.bounds.names - self.names()
    }
}
