//! What a platform is started with.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use crate::core::limits;

/// Every setting, with the platform's own numbers as defaults.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) seed: u64,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) events_per_second: f64,
    pub(super) heartbeat: Duration,
    pub(super) token_life: Duration,
    pub(super) code_life: Duration,
    pub(super) channel_life: Duration,
    pub(super) closing_notice: Duration,
    pub(super) channels_per_client: usize,
    pub(super) requests_per_minute: u32,
    pub(super) legacy_rate_headers: bool,
    pub(super) mixed_envelopes: bool,
    pub(super) dead_channel_status: u16,
    pub(super) users: usize,
    pub(super) queues: usize,
    /// Conversations of the days before the start.
    pub(super) conversations: usize,
    pub(super) denied: BTreeSet<String>,
    pub(super) job_delay: Duration,
    pub(super) job_life: Duration,
    pub(super) cursor_life: Duration,
    pub(super) application_idle: Duration,
    pub(super) application_message_max: usize,
    pub(super) subscribe_deadline: Duration,
    /// The time at the start, when it is not the present, and who is told what sockets really do.
    #[cfg(test)]
    pub(super) tap: Option<(SystemTime, std::sync::Arc<super::tap::Tap>)>,
}

impl Config {
    /// The time at the start.
    #[cfg_attr(not(test), allow(clippy::unused_self, reason = "a test has a time of its own"))]
    pub(super) fn starts(&self) -> SystemTime {
        #[cfg(test)]
        if let Some((starts, _)) = &self.tap {
            return *starts;
        }
        SystemTime::now()
    }
}

/// How long an application may say nothing on its socket, and its largest message in bytes. They are this
/// simulator's own numbers: an application states them in `webSocket`.
const APPLICATION_IDLE: Duration = Duration::from_secs(60);
const APPLICATION_MESSAGE_MAX: usize = 65_536;

/// How long a job is on its way, how long its results are kept after that, and how long the cursor of a page of them
/// is good: this simulator's own numbers.
const JOB_DELAY: Duration = Duration::from_millis(200);
const JOB_LIFE: Duration = Duration::from_secs(86_400);
const CURSOR_LIFE: Duration = Duration::from_secs(600);

/// How long the first message of a socket that authenticates by it is awaited: this simulator's own number.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(10);

/// How long an authorization code is good: this simulator's own number. RFC 6749, section 4.1.2 allows ten minutes.
const CODE_LIFE: Duration = Duration::from_secs(300);

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 7,
            port: 0,
            tls: false,
            events_per_second: 40.0,
            heartbeat: limits::HEARTBEAT,
            token_life: limits::TOKEN_LIFE,
            code_life: CODE_LIFE,
            channel_life: limits::CHANNEL_LIFE,
            closing_notice: limits::CLOSING_NOTICE,
            channels_per_client: limits::CHANNELS_PER_CLIENT,
            requests_per_minute: limits::REQUESTS_PER_MINUTE,
            legacy_rate_headers: false,
            mixed_envelopes: false,
            dead_channel_status: 404,
            users: 10,
            queues: 4,
            conversations: 500,
            denied: BTreeSet::new(),
            job_delay: JOB_DELAY,
            job_life: JOB_LIFE,
            cursor_life: CURSOR_LIFE,
            application_idle: APPLICATION_IDLE,
            application_message_max: APPLICATION_MESSAGE_MAX,
            subscribe_deadline: SUBSCRIBE_DEADLINE,
            #[cfg(test)]
            tap: None,
        }
    }
}
