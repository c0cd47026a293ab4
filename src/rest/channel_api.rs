//! The notification API as streams see it: one bad topic never spoils the others.

use crate::core::ids::ChannelId;
use crate::core::limits::CHANNELS_PER_CLIENT;
use crate::core::ports::{BoxFuture, ChannelApi, ChannelInfo, ChannelListing, TopicState};
use crate::error::{Error, ErrorKind, Result};
use crate::rest::notifications::{IncludeChannels, Notifications, Verb};
use crate::rest::subscription::named;
use crate::transport::http::request::Priority;

/// The code of a call that failed as a whole because a topic is unknown or malformed, even with `ignoreErrors`.
const INVALID_TOPIC: &str = "notification.invalid.topic";

/// Most calls that are spent on finding bad topics: a fifth of a minute's. Enough to tell three bad ones from a thousand
/// when the platform does not say which they are (ten halvings of two calls each).
const MOST_CALLS: usize = 60;

impl Notifications {
    /// Adds topics, and finds out which of them make the platform refuse all.
    ///
    /// Good ones are added on the way, and nothing is removed: whoever is subscribed stays subscribed.
    async fn narrow(
        &self,
        channel: &ChannelId,
        topics: &[&str],
        first: &Error,
    ) -> Result<Vec<TopicState>> {
        let mut states = Vec::with_capacity(topics.len());
        let mut open = divide(topics, first, &mut states);
        let mut calls = 0;
        while let Some(batch) = open.pop() {
            if calls == MOST_CALLS {
                states.extend(batch.iter().map(|topic| {
                    TopicState::rejected(
                        *topic,
                        "refused together with others, and not tried alone: too many topics are invalid",
                        Vec::new(),
                    )
                }));
                continue;
            }
            calls += 1;
            match self.put_or_post(Verb::Add, channel, &batch, true).await {
                Ok(found) => states.extend(found),
                Err(error) if is_invalid_topic(&error) => {
                    open.extend(divide(&batch, &error, &mut states));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(states)
    }

    async fn subscribe(
        &self,
        verb: Verb,
        channel: &ChannelId,
        topics: &[Box<str>],
    ) -> Result<Vec<TopicState>> {
        let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
        if topics.is_empty() {
            if let Verb::Replace = verb {
                self.remove_all(channel).await?;
            }
            return Ok(Vec::new());
        }
        let error = match self.put_or_post(verb, channel, &topics, true).await {
            Err(error) if is_invalid_topic(&error) => error,
            done => return done,
        };
        let mut states = self.narrow(channel, &topics, &error).await?;
        if let Verb::Replace = verb {
            let is_good = |topic: &str| {
                states.iter().any(|state| &*state.topic == topic && state.rejected.is_none())
            };
            let good: Vec<&str> = topics.iter().copied().filter(|topic| is_good(topic)).collect();
            if good.is_empty() {
                self.remove_all(channel).await?;
            } else {
                let last = self.put_or_post(verb, channel, &good, true).await?;
                states.retain(|state| state.rejected.is_some());
                states.extend(last);
            }
        }
        Ok(states)
    }
}

fn is_invalid_topic(error: &Error) -> bool {
    error.kind() == ErrorKind::Status(400) && error.code() == Some(INVALID_TOPIC)
}

/// Splits a batch that was refused as a whole: bad topics that the error names go to `states`, the rest is to be tried.
fn divide<'a>(batch: &[&'a str], error: &Error, states: &mut Vec<TopicState>) -> Vec<Vec<&'a str>> {
    let mut reject = |topic: &str| {
        states.push(TopicState::rejected(topic, error.to_string(), Vec::new()));
    };
    if let [only] = batch {
        reject(only);
        return Vec::new();
    }
    let bad = named(error.body().unwrap_or_default(), batch);
    // An error that names all of them says nothing.
    if !bad.is_empty() && bad.len() < batch.len() {
        for topic in &bad {
            reject(topic);
        }
        let rest = batch.iter().copied().filter(|topic| !bad.contains(topic));
        return vec![rest.collect()];
    }
    let (one, other) = batch.split_at(batch.len() / 2);
    vec![one.to_vec(), other.to_vec()]
}

impl ChannelApi for Notifications {
    fn create(&self) -> BoxFuture<'_, Result<ChannelInfo>> {
        Box::pin(async { self.with_priority(Priority::Reconnect).create_channel().await })
    }

    fn exists<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { self.with_priority(Priority::Reconnect).channel_exists(channel).await })
    }

    fn subscriptions<'a>(
        &'a self,
        channel: &'a ChannelId,
    ) -> BoxFuture<'a, Result<Vec<TopicState>>> {
        Box::pin(async {
            let patient = self.with_priority(Priority::Backfill);
            Notifications::subscriptions(&patient, channel).await
        })
    }

    fn clear<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { self.with_priority(Priority::Backfill).remove_all(channel).await })
    }

    /// The limit is one of a user and an OAuth client together, and the platform lists by token or by OAuth client. When
    /// a client has more channels than one user may have, several users share it: then only those of this token count.
    fn list(&self) -> BoxFuture<'_, Result<ChannelListing>> {
        Box::pin(async {
            let urgent = self.with_priority(Priority::Reconnect);
            let all = urgent.channels(IncludeChannels::OauthClient).await?;
            let known: Vec<_> = all.iter().filter_map(|listed| listed.channel.clone()).collect();
            let shared = all.len() > CHANNELS_PER_CLIENT;
            let in_use = if shared { known.len() } else { all.len() };
            Ok(ChannelListing::new(in_use, known))
        })
    }

    fn replace<'a>(
        &'a self,
        channel: &'a ChannelId,
        topics: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Vec<TopicState>>> {
        Box::pin(async {
            let urgent = self.with_priority(Priority::Reconnect);
            urgent.subscribe(Verb::Replace, channel, topics).await
        })
    }

    fn add<'a>(
        &'a self,
        channel: &'a ChannelId,
        topics: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Vec<TopicState>>> {
        Box::pin(async {
            let urgent = self.with_priority(Priority::Reconnect);
            urgent.subscribe(Verb::Add, channel, topics).await
        })
    }
}
