//! Notification channels and their subscriptions.

use std::time::SystemTime;

use serde::Deserialize;

use crate::core::date;
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::{ChannelInfo, TopicState};
use crate::error::{Error, ErrorKind, Result};
use crate::rest::api::{Api, Call};
use crate::rest::available_topic::{AvailableTopic, ExpandTopic};
use crate::rest::subscription::{ChannelTopic, Listing, Wanted, states};
use crate::transport::http::request::Priority;

const CHANNELS: &str = "/api/v2/notifications/channels";
const CHANNEL: &str = "/api/v2/notifications/channels/{channelId}";
const SUBSCRIPTIONS: &str = "/api/v2/notifications/channels/{channelId}/subscriptions";
const AVAILABLE_TOPICS: &str = "/api/v2/notifications/availabletopics";

/// Whose channels are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IncludeChannels {
    /// Those of this token.
    #[default]
    Token,
    /// Those of the OAuth client, with any token; the ones of other tokens come without an id.
    OauthClient,
}

/// The notification API: channels, and the topics they are subscribed to.
///
/// Streams do all of this by themselves; this is for those who manage channels of their own.
///
/// Dropping the future of any call abandons it: what it asked for may or may not have taken effect.
#[derive(Clone, Debug)]
pub struct Notifications {
    pub(super) api: Api,
    pub(super) priority: Priority,
}

/// A channel as it comes; only one with an id can be used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    id: Option<String>,
    connect_uri: Option<String>,
    expires: Option<String>,
}

/// A channel of a listing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedChannel {
    /// Its id and address; `None` for a channel of another token.
    pub channel: Option<ChannelInfo>,
    /// When it ends unless it is subscribed again.
    pub expires: Option<SystemTime>,
}

/// Adding, or setting the whole.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    Add,
    Replace,
}

impl Notifications {
    pub(crate) fn new(api: Api) -> Self {
        Self { api, priority: Priority::default() }
    }

    /// The same API with another place in the line for the rate limiter.
    pub(crate) fn with_priority(&self, priority: Priority) -> Self {
        Self { api: self.api.clone(), priority }
    }

    /// Creates a channel. The 21st of an OAuth client ends the one that was used the longest ago.
    ///
    /// Not repeated unless it is certain that the platform did nothing with it: a second channel might push out somebody else's.
    ///
    /// # Errors
    /// As every call: [`Auth`](ErrorKind::Auth), [`Forbidden`](ErrorKind::Forbidden),
    /// [`Throttled`](ErrorKind::Throttled), [`Transport`](ErrorKind::Transport), [`Timeout`](ErrorKind::Timeout),
    /// [`Decode`](ErrorKind::Decode), or the status.
    ///
    /// # Cancel safety
    /// A dropped call may leave a channel behind; it ends after [`limits::CHANNEL_LIFE`].
    pub async fn create_channel(&self) -> Result<ChannelInfo> {
        let call = self.api.post(CHANNELS).secret_answer();
        let channel: Channel = call.priority(self.priority).fetch().await?;
        let usable = channel.info();
        usable.ok_or_else(|| {
            Error::new(ErrorKind::Decode, "the new channel comes without id or connectUri")
        })
    }

    /// The channels that exist.
    ///
    /// # Errors
    /// As [`create_channel`](Self::create_channel).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn channels(&self, include: IncludeChannels) -> Result<Vec<ListedChannel>> {
        let include = match include {
            IncludeChannels::Token => "token",
            IncludeChannels::OauthClient => "oauthclient",
        };
        let call = self.api.get(CHANNELS).query("includechannels", include);
        let call = call.secret_answer().priority(self.priority);
        let listing: Listing<Channel> = call.fetch().await?;
        let listed = listing
            .entities
            .into_iter()
            .map(|channel| ListedChannel { expires: channel.expires(), channel: channel.info() });
        Ok(listed.collect())
    }

    /// Whether a channel exists.
    ///
    /// # Errors
    /// As [`create_channel`](Self::create_channel), except that 404 is `false`.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn channel_exists(&self, channel: &ChannelId) -> Result<bool> {
        let call = self.api.head(CHANNEL);
        match self.of(call, channel).send().await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a channel is subscribed to.
    ///
    /// # Errors
    /// As [`create_channel`](Self::create_channel); [`NotFound`](ErrorKind::NotFound) when the channel is gone.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn subscriptions(&self, channel: &ChannelId) -> Result<Vec<TopicState>> {
        let call = self.api.get(SUBSCRIPTIONS);
        let listing: Listing<ChannelTopic> = self.of(call, channel).fetch().await?;
        Ok(listing.entities.into_iter().filter_map(ChannelTopic::state).collect())
    }

    /// Adds topics to a channel, and renews its life. One state comes back for each topic.
    ///
    /// Without `ignore_errors` one bad topic fails the whole call.
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions); [`Capacity`](ErrorKind::Capacity) for more than
    /// [`limits::TOPICS_PER_CHANNEL`] topics, before anything is sent.
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn add(
        &self,
        channel: &ChannelId,
        topics: &[Box<str>],
        ignore_errors: bool,
    ) -> Result<Vec<TopicState>> {
        let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
        self.put_or_post(Verb::Add, channel, &topics, ignore_errors).await
    }

    /// Makes topics the whole subscription of a channel, and renews its life. One state comes back for each topic.
    ///
    /// Without `ignore_errors` one bad topic fails the whole call.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn replace(
        &self,
        channel: &ChannelId,
        topics: &[Box<str>],
        ignore_errors: bool,
    ) -> Result<Vec<TopicState>> {
        let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
        self.put_or_post(Verb::Replace, channel, &topics, ignore_errors).await
    }

    /// Removes every topic of a channel.
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn remove_all(&self, channel: &ChannelId) -> Result<()> {
        let call = self.api.delete(SUBSCRIPTIONS);
        self.of(call, channel).send().await
    }

    /// Removes some topics of a channel.
    ///
    /// The platform has no call for it: the subscription is read and written again without them. That is **not
    /// atomic**: what another adds between the two is lost.
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn remove(
        &self,
        channel: &ChannelId,
        topics: &[Box<str>],
    ) -> Result<Vec<TopicState>> {
        let present = self.subscriptions(channel).await?;
        let gone = |topic: &str| topics.iter().any(|gone| gone.eq_ignore_ascii_case(topic));
        let rest: Vec<&str> = present
            .iter()
            .filter(|state| state.rejected.is_none() && !gone(&state.topic))
            .map(|state| &*state.topic)
            .collect();
        if rest.is_empty() {
            self.remove_all(channel).await?;
            return Ok(Vec::new());
        }
        self.put_or_post(Verb::Replace, channel, &rest, true).await
    }

    /// The topics that exist, with the parts that are asked for; previews too with `include_preview`.
    ///
    /// # Errors
    /// As [`create_channel`](Self::create_channel).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn available_topics(
        &self,
        expand: &[ExpandTopic],
        include_preview: bool,
    ) -> Result<Vec<AvailableTopic>> {
        let mut call = self.api.get(AVAILABLE_TOPICS).priority(self.priority);
        for part in expand {
            call = call.query("expand", part.as_str());
        }
        if include_preview {
            call = call.query("includePreview", "true");
        }
        let listing: Listing<AvailableTopic> = call.fetch().await?;
        Ok(listing.entities)
    }

    fn of<'a>(&self, call: Call<'a>, channel: &ChannelId) -> Call<'a> {
        call.secret_id("channelId", channel.expose()).priority(self.priority)
    }

    pub(super) async fn put_or_post(
        &self,
        verb: Verb,
        channel: &ChannelId,
        topics: &[&str],
        ignore_errors: bool,
    ) -> Result<Vec<TopicState>> {
        let most = limits::TOPICS_PER_CHANNEL;
        if topics.len() > most {
            return Err(Error::new(
                ErrorKind::Capacity,
                format!("{} topics are more than the {most} that a channel takes", topics.len()),
            ));
        }
        let call = match verb {
            // Adding what is there already changes nothing.
            Verb::Add => self.api.post(SUBSCRIPTIONS).retry_unsafe(),
            Verb::Replace => self.api.put(SUBSCRIPTIONS),
        };
        let wanted: Vec<Wanted<'_>> = topics.iter().map(|id| Wanted { id }).collect();
        let call = self.of(call, channel).json(&wanted);
        let call = if ignore_errors { call.query("ignoreErrors", "true") } else { call };
        let listing: Listing<ChannelTopic> = call.fetch().await?;
        Ok(states(topics.iter().copied(), listing.entities))
    }
}

impl Channel {
    /// `None` also for a date that cannot be read: it is for show, and not worth failing for.
    fn expires(&self) -> Option<SystemTime> {
        date::parse(self.expires.as_deref()?)
    }

    fn info(self) -> Option<ChannelInfo> {
        let expires = self.expires();
        let id = self.id.filter(|id| !id.is_empty())?;
        let uri = self.connect_uri.filter(|uri| !uri.is_empty())?;
        let mut info = ChannelInfo::new(ChannelId::new(id), uri);
        info.expires = expires;
        Some(info)
    }
}
