//! What a platform is started with.

use std::time::Duration;

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
    pub(super) channel_life: Duration,
    pub(super) closing_notice: Duration,
    pub(super) channels_per_client: usize,
    pub(super) requests_per_minute: u32,
    pub(super) legacy_rate_headers: bool,
    pub(super) dead_channel_status: u16,
    pub(super) users: usize,
    pub(super) queues: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 7,
            port: 0,
            tls: false,
            events_per_second: 40.0,
            heartbeat: limits::HEARTBEAT,
            token_life: limits::TOKEN_LIFE,
            channel_life: limits::CHANNEL_LIFE,
            closing_notice: limits::CLOSING_NOTICE,
            channels_per_client: limits::CHANNELS_PER_CLIENT,
            requests_per_minute: limits::REQUESTS_PER_MINUTE,
            legacy_rate_headers: false,
            dead_channel_status: 404,
            users: 10,
            queues: 4,
        }
    }
}
