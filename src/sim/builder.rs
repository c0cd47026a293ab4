//! Settings of a platform before it starts.

use std::time::Duration;

use super::config::Config;
use super::dialogue::MESSAGE_MAX;
use super::platform::Platform;
use crate::error::{Error, Result};

/// Most users and most queues.
const POPULATION_MAX: usize = 100_000;

/// Most conversations of the past.
const CONVERSATIONS_MAX: usize = 10_000_000;

/// Longest life of a job or of a cursor.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Settings of a [`Platform`]; the defaults are the real platform's own numbers.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing runs before `start`"]
pub struct PlatformBuilder {
    pub(super) config: Config,
}

impl PlatformBuilder {
    /// The seed of everything random: ids, tokens and events; 7 unless it is set. With one seed and the same
    /// subscriptions, two platforms generate the same events, apart from their times. Certificates are not seeded.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// The port on 127.0.0.1; 0, which is the default, takes any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.config.port = port;
        self
    }

    /// HTTPS and WSS instead of plain text, with a certificate made at the start.
    pub fn tls(mut self, tls: bool) -> Self {
        self.config.tls = tls;
        self
    }

    /// Generated events a second, in total over the topics that open sockets listen to; 40 unless it is set, and
    /// 0 for none but those that are emitted.
    pub fn events_per_second(mut self, rate: f64) -> Self {
        self.config.events_per_second = rate;
        self
    }

    /// The heartbeat of channel sockets, and the keepalive of [`SocketKind::Frames`](super::SocketKind::Frames); 30 s
    /// unless it is set.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.config.heartbeat = interval;
        self
    }

    /// The life of a token; 86,400 s unless it is set.
    pub fn token_life(mut self, life: Duration) -> Self {
        self.config.token_life = life;
        self
    }

    /// The life of an authorization code; 300 s unless it is set.
    pub fn code_life(mut self, life: Duration) -> Self {
        self.config.code_life = life;
        self
    }

    /// The life of a channel since its last subscription; 24 h unless it is set.
    pub fn channel_life(mut self, life: Duration) -> Self {
        self.config.channel_life = life;
        self
    }

    /// The notice of `v2.system.socket_closing`, and the grace after the end of a token (there 60 s at most); 60 s
    /// unless it is set.
    pub fn closing_notice(mut self, notice: Duration) -> Self {
        self.config.closing_notice = notice;
        self
    }

    /// Channels of one OAuth client; 20 unless it is set.
    pub fn channels_per_client(mut self, channels: usize) -> Self {
        self.config.channels_per_client = channels;
        self
    }

    /// Requests of one token in a minute; 300 unless it is set. Token requests of one client have the same quota
    /// for themselves.
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.config.requests_per_minute = requests;
        self
    }

    /// Sends the `inin-ratelimit-*` headers, which the platform retired in 2021.
    pub fn legacy_rate_headers(mut self, send: bool) -> Self {
        self.config.legacy_rate_headers = send;
        self
    }

    /// Lets each channel socket write the envelope of an event in a manner of its own: other metadata, another order of the
    /// members, white space between them. The platform promises none of these; topic, correlation id and body are the
    /// same on all sockets.
    pub fn mixed_envelopes(mut self, mixed: bool) -> Self {
        self.config.mixed_envelopes = mixed;
        self
    }

    /// The HTTP status of a dial to a channel that does not exist; 404 unless it is set. The platform has been seen
    /// to answer 401 and 403 too.
    pub fn dead_channel_status(mut self, status: u16) -> Self {
        self.config.dead_channel_status = status;
        self
    }

    /// Users; 10 unless it is set.
    pub fn users(mut self, users: usize) -> Self {
        self.config.users = users;
        self
    }

    /// Queues; 4 unless it is set.
    pub fn queues(mut self, queues: usize) -> Self {
        self.config.queues = queues;
        self
    }

    /// Conversations of the 7 days before the start; 500 unless it is set. They are computed from the seed whenever they
    /// are asked for, and take no memory.
    pub fn conversations(mut self, conversations: usize) -> Self {
        self.config.conversations = conversations;
        self
    }

    /// A permission that no client has, such as `analytics:conversationDetail:view`; may be called again for more. Where
    /// any one of several is enough, an operation is refused when all of them are denied.
    pub fn deny_permission(mut self, permission: impl Into<String>) -> Self {
        self.config.denied.insert(permission.into());
        self
    }

    /// How long a job is queued and pending until it is fulfilled; 200 ms unless it is set.
    pub fn job_delay(mut self, delay: Duration) -> Self {
        self.config.job_delay = delay;
        self
    }

    /// How long the results of a job are kept; 24 h unless it is set. After that its results are 410, and after twice
    /// that it is not known any more.
    pub fn job_life(mut self, life: Duration) -> Self {
        self.config.job_life = life;
        self
    }

    /// How long the cursor of a page of results is good; 10 min unless it is set.
    pub fn cursor_life(mut self, life: Duration) -> Self {
        self.config.cursor_life = life;
        self
    }

    /// `timeoutMillis` of applications: how long a client may say nothing on the socket of one; 60 s unless it is set.
    pub fn application_idle(mut self, timeout: Duration) -> Self {
        self.config.application_idle = timeout;
        self
    }

    /// `maxMessageSize` of applications: the largest message of a client on the socket of one, in bytes; 65,536 unless
    /// it is set.
    pub fn application_message_max(mut self, bytes: usize) -> Self {
        self.config.application_message_max = bytes;
        self
    }

    /// How long the first message of [`SocketKind::Realtime`](super::SocketKind::Realtime) is awaited; 10 s unless it
    /// is set.
    pub fn subscribe_deadline(mut self, deadline: Duration) -> Self {
        self.config.subscribe_deadline = deadline;
        self
    }

    /// Starts the platform on the current tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a setting that makes no sense, and
    /// [`ErrorKind::Transport`](crate::ErrorKind::Transport) when the port cannot be had.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it leaves nothing behind.
    pub async fn start(self) -> Result<Platform> {
        self.check()?;
        Platform::start(self.config).await
    }

    pub(super) fn check(&self) -> Result<()> {
        let config = &self.config;
        let wrong = if !config.events_per_second.is_finite() || config.events_per_second < 0.0 {
            "events_per_second must be a number from 0"
        } else if config.events_per_second > 1_000_000.0 {
            "events_per_second must be at most 1,000,000"
        } else if config.heartbeat.is_zero() {
            "heartbeat must be longer than zero"
        } else if config.channels_per_client == 0 {
            "channels_per_client must be at least 1"
        } else if !(400..=599).contains(&config.dead_channel_status) {
            "dead_channel_status must be from 400 to 599"
        } else if config.users.max(config.queues) > POPULATION_MAX {
            "users and queues must be at most 100,000"
        } else if config.conversations > CONVERSATIONS_MAX {
            "conversations must be at most 10,000,000"
        } else if config.job_delay.max(config.job_life).max(config.cursor_life) > LONGEST {
            "job_delay, job_life and cursor_life must be at most 365 days"
        } else if config.application_idle.is_zero() || config.subscribe_deadline.is_zero() {
            "application_idle and subscribe_deadline must be longer than zero"
        } else if !(1..=MESSAGE_MAX).contains(&config.application_message_max) {
            "application_message_max must be from 1 to 512,000"
        } else {
            return Ok(());
        };
        Err(Error::config(wrong))
    }
}
