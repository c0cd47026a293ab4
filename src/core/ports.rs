//! The seams that cut two cycles: HTTP needs a token and auth needs HTTP; streams need channels made by REST.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Instant, SystemTime};

use crate::core::ids::ChannelId;
use crate::core::secret::Secret;
use crate::error::Result;

/// A boxed future, so that the seams stay object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An OAuth access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// What goes behind `Bearer`.
    pub secret: Secret,
    /// Counts the tokens of one source: a later token has a larger number.
    pub generation: u64,
    /// When it was asked for, if known: its age counts from there.
    pub issued_at: Option<Instant>,
    /// When the platform stops taking it, if known.
    pub expires_at: Option<Instant>,
    /// The scopes that the token response named.
    pub scopes: Vec<Box<str>>,
}

impl AccessToken {
    /// A token; `generation` tells it from earlier ones of the same source.
    pub fn new(secret: impl Into<Secret>, generation: u64) -> Self {
        let (issued_at, expires_at) = (None, None);
        Self { secret: secret.into(), generation, issued_at, expires_at, scopes: Vec::new() }
    }
}

/// Where tokens come from.
pub trait TokenSource: Send + Sync {
    /// A token that is valid now; cached by the source.
    ///
    /// # Errors
    /// [`Auth`](crate::ErrorKind::Auth) and [`Forbidden`](crate::ErrorKind::Forbidden) are final; others passed their
    /// own retries.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>>;

    /// The platform refused this token: do not hand it out again. Ignored when a newer one is already there.
    fn invalidate(&self, refused: &AccessToken);

    /// A newer token than this one, which is good but too old for a connection that is to live long. Everybody else goes on
    /// with the one that is there until there is another. When none can be had, it is the same one.
    ///
    /// The default drops the old one as if it had been refused. A source that can do better should: when its login service
    /// is down, nobody has a token then.
    ///
    /// # Errors
    /// As [`token`](Self::token). Who asks may go on with the token that it has.
    fn newer<'a>(&'a self, than: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(async move {
            self.invalidate(than);
            self.token().await
        })
    }

    /// Resolves with the generation of a newer token once there is one.
    ///
    /// The default never resolves: a source whose token does not change.
    fn rotated(&self, after: u64) -> BoxFuture<'_, u64> {
        let _ = after;
        Box::pin(std::future::pending())
    }
}

/// A notification channel as the platform describes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// Its id.
    pub id: ChannelId,
    /// The address of its socket: a credential.
    pub connect_uri: Secret,
    /// When it ends unless it is subscribed again.
    pub expires: Option<SystemTime>,
}

impl ChannelInfo {
    /// A channel with its socket's address.
    pub fn new(id: ChannelId, connect_uri: impl Into<Secret>) -> Self {
        Self { id, connect_uri: connect_uri.into(), expires: None }
    }
}

/// How many channels there are, and those of them that can be used.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ChannelListing {
    /// Channels that count towards the limit of [`limits`](crate::limits::CHANNELS_PER_CLIENT), whoever made them.
    pub in_use: usize,
    /// Those that this token made: of others the platform does not tell the id.
    pub known: Vec<ChannelInfo>,
}

impl ChannelListing {
    /// So many channels, and those of this token.
    pub fn new(in_use: usize, known: Vec<ChannelInfo>) -> Self {
        Self { in_use, known }
    }
}

/// What the platform says of one topic of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicState {
    /// The topic as the platform wrote it.
    pub topic: Box<str>,
    /// Whether it was refused.
    pub rejected: Option<Rejection>,
}

/// Why a topic was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The platform's reason.
    pub reason: Box<str>,
    /// The permissions that are missing.
    pub missing_permissions: Vec<Box<str>>,
}

impl TopicState {
    /// A topic that was taken.
    pub fn permitted(topic: impl Into<Box<str>>) -> Self {
        Self { topic: topic.into(), rejected: None }
    }

    /// A topic that was refused.
    pub fn rejected(
        topic: impl Into<Box<str>>,
        reason: impl Into<Box<str>>,
        missing_permissions: Vec<Box<str>>,
    ) -> Self {
        let rejected = Some(Rejection { reason: reason.into(), missing_permissions });
        Self { topic: topic.into(), rejected }
    }
}

/// What a stream needs of the notification REST API.
///
/// Every call reports one bad topic for that topic alone: the others of the same call take effect.
pub trait ChannelApi: Send + Sync {
    /// Creates a channel.
    fn create(&self) -> BoxFuture<'_, Result<ChannelInfo>>;
    /// Whether the channel still exists.
    fn exists<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Result<bool>>;
    /// Makes `topics` the channel's whole subscription, and renews the channel's life.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the channel is gone.
    fn replace<'a>(
        &'a self,
        channel: &'a ChannelId,
        topics: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Vec<TopicState>>>;
    /// What the channel is subscribed to. Called now and then, and never urgent.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the channel is gone.
    fn subscriptions<'a>(
        &'a self,
        channel: &'a ChannelId,
    ) -> BoxFuture<'a, Result<Vec<TopicState>>>;
    /// Removes every topic of the channel. The platform has no call that deletes a channel; one without topics and
    /// without a socket is the first to give way.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the channel is gone.
    fn clear<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Result<()>>;
    /// The channels that exist.
    fn list(&self) -> BoxFuture<'_, Result<ChannelListing>>;
    /// Adds topics to the channel's subscription.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the channel is gone.
    fn add<'a>(
        &'a self,
        channel: &'a ChannelId,
        topics: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Vec<TopicState>>>;
}

const _: fn(&dyn TokenSource) = |_| {};
const _: fn(&dyn ChannelApi) = |_| {};

impl fmt::Debug for dyn TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

impl fmt::Debug for dyn ChannelApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelApi")
    }
}
