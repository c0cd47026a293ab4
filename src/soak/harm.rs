//! Faults of every kind, and changes that the owner of a stream asks for.

use fastrand::Rng;

use super::run::Run;
use crate::sim::Fault;

/// The kinds of faults, as the simulator names them.
pub(super) const FAULTS: &[&str] = &[
    "refuse_connect",
    "slow_handshake",
    "close",
    "reset",
    "silence",
    "no_heartbeat",
    "socket_closing",
    "evict_channel",
    "expire_token",
    "revoke_token",
    "http",
    "forbid_topic",
    "duplicate",
    "reorder",
    "drop",
    "delay",
    "malformed",
    "invalid_utf8",
    "oversize",
    "unknown_topic",
    "unknown_field",
    "unknown_enum",
    "trickle",
    "clock_skew",
    "unsolicited_pong",
    "late_pong",
    "no_pong",
    "idle_timeout",
    "proxy_cut",
];

/// What the owner of a stream does.
pub(super) const CHANGES: &[&str] =
    &["renew", "rebalance", "subscribe", "unsubscribe", "rotate", "stall"];

/// Close codes that say that it may work again.
const CODES: [u16; 7] = [1000, 1001, 1003, 1011, 1012, 1013, 4001];

/// Paths of calls and dials, and what they may be answered without ending a stream.
const ANSWERS: [(&str, &[u16]); 5] = [
    ("/api/v2/notifications", &[429, 500, 502, 503, 504]),
    ("/api/v2/notifications/channels/", &[429, 503]),
    ("/api/v2/notifications/channels", &[401, 503]),
    ("/oauth/token", &[429, 503]),
    ("/channels/", &[401, 404, 429, 500, 503]),
];

/// Bytes of a frame that is over the limit of the soak.
const OVER: usize = 300_000;

fn one<T: Copy>(random: &mut Rng, all: &[T]) -> T {
    all[random.usize(..all.len())]
}

/// A fault of a kind, and whether it is for every socket alike.
fn fault(random: &mut Rng, kind: &str, topic: String) -> (Fault, bool) {
    let often = random.f64() * 0.3;
    let count = random.u32(1..5);
    let fault = match kind {
        "refuse_connect" => Fault::RefuseConnect { for_ms: random.u64(100..8_000) },
        "slow_handshake" => {
            let longest = one(random, &[500, 5_000, 25_000]);
            Fault::SlowHandshake { delay_ms: random.u64(1..longest) }
        }
        "close" => Fault::Close { code: one(random, &CODES), reason: "soak".into() },
        "reset" => Fault::Reset,
        "silence" => Fault::Silence { for_ms: random.u64(1_000..90_000) },
        "no_heartbeat" => Fault::NoHeartbeat { for_ms: random.u64(30_000..120_000) },
        "socket_closing" => Fault::SocketClosing { after_ms: Some(random.u64(500..60_000)) },
        "evict_channel" => Fault::EvictChannel,
        "expire_token" => Fault::ExpireToken,
        "revoke_token" => Fault::RevokeToken,
        "http" => {
            let (path, statuses) = one(random, &ANSWERS);
            let status = one(random, statuses);
            Fault::Http {
                path: path.into(),
                status,
                retry_after: random.bool().then(|| random.u64(..6)),
                // A second refusal in a row of the same call would be the end.
                count: if status == 401 { 1 } else { count },
                html: random.bool(),
            }
        }
        "forbid_topic" => Fault::ForbidTopic { topic },
        "duplicate" => Fault::Duplicate { probability: often },
        "reorder" => Fault::Reorder { probability: often },
        "drop" => Fault::Drop { probability: often },
        // Less than an overlap: what a channel has not sent when it is closed, it does not send at all.
        "delay" => Fault::Delay { ms: random.u64(1..2_000), jitter_ms: random.u64(..2_000) },
        "malformed" => Fault::Malformed { count },
        "invalid_utf8" => Fault::InvalidUtf8 { count },
        "oversize" => Fault::Oversize { bytes: random.usize(1_000..OVER) },
        "unknown_topic" => Fault::UnknownTopic { count },
        "unknown_field" => Fault::UnknownField,
        "unknown_enum" => Fault::UnknownEnum,
        "trickle" => Fault::Trickle,
        "clock_skew" => Fault::ClockSkew { ms: random.i64(-86_400_000..86_400_000) },
        "unsolicited_pong" => Fault::UnsolicitedPong { count },
        "late_pong" => Fault::LatePong { delay_ms: random.u64(1..2_000) },
        "no_pong" => Fault::NoPong { for_ms: random.u64(1_000..60_000) },
        "idle_timeout" => Fault::IdleTimeout,
        "proxy_cut" => Fault::ProxyCut { after_ms: random.u64(..3_000) },
        other => panic!("no fault is called {other}"),
    };
    // Of two channels both must say the same of one event.
    let alike = ["unknown_field", "unknown_enum", "http", "clock_skew", "forbid_topic"];
    (fault, alike.contains(&kind) || random.u8(..8) == 0)
}

impl Run {
    /// Does something wrong, somewhere.
    pub(super) fn harm(&mut self) {
        if self.kinds.is_empty() {
            self.kinds = FAULTS.to_vec();
            self.random.shuffle(&mut self.kinds);
        }
        let Some(kind) = self.kinds.pop() else { return };
        let open = self.platform.open_channels();
        let channel = self.random.choice(&open).cloned();
        // One that the channel has, so that it is felt when the channel is subscribed again.
        let topic = channel.as_ref().and_then(|channel| self.judge.truth.any_of(channel));
        let topic = self.judge.topics().name(topic.unwrap_or_default()).to_owned();
        let (fault, all) = fault(&mut self.random, kind, topic);
        let lasts = matches!(
            kind,
            "slow_handshake"
                | "forbid_topic"
                | "duplicate"
                | "reorder"
                | "drop"
                | "delay"
                | "unknown_field"
                | "unknown_enum"
                | "trickle"
                | "late_pong"
                | "clock_skew"
        );
        if lasts {
            let until = self.step + self.random.u64(2..30);
            self.lift_at.get_or_insert(until);
        }
        self.strike(kind, channel.as_deref().filter(|_| !all), fault);
        // Some are only felt by who has to come back.
        let felt = matches!(kind, "refuse_connect" | "slow_handshake" | "forbid_topic" | "http");
        if felt {
            let (kind, fault) = match self.random.u8(..3) {
                0 => ("evict_channel", Fault::EvictChannel),
                _ => ("reset", Fault::Reset),
            };
            if let Some(channel) = channel {
                self.strike(kind, Some(&channel), fault);
            }
        }
    }

    fn strike(&mut self, kind: &'static str, channel: Option<&str>, fault: Fault) {
        self.judge.line(|| format!("fault: {fault:?} on {}", channel.unwrap_or("all")));
        let struck = match channel {
            Some(channel) => self.platform.fault_on(channel, fault),
            None => self.platform.fault(fault),
        };
        // A channel may have gone since.
        if struck.is_ok() {
            *self.judge.report.faults.entry(kind).or_default() += 1;
        }
    }

    /// Asks the stream for something.
    pub(super) async fn change(&mut self) {
        let kind = one(&mut self.random, CHANGES);
        let done = match kind {
            "renew" => self.handle.renew().await.is_ok(),
            "rebalance" => self.handle.rebalance().await.is_ok(),
            "subscribe" => self.subscribe().await,
            "unsubscribe" => self.unsubscribe().await,
            "rotate" => self.rotate().await,
            _ => {
                self.stalled_until = self.step + self.random.u64(2..8);
                true
            }
        };
        if done {
            self.judge.line(|| format!("change: {kind}"));
            *self.judge.report.changes.entry(kind).or_default() += 1;
        }
    }

    fn draw(random: &mut Rng, from: &mut Vec<usize>) -> Vec<usize> {
        let most = (from.len() / 4).min(200);
        let count = if most == 0 { from.len().min(1) } else { random.usize(1..=most) };
        (0..count).map(|_| from.swap_remove(random.usize(..from.len()))).collect()
    }

    fn names(&self, topics: &[usize]) -> Vec<String> {
        topics.iter().map(|topic| self.judge.topics().name(*topic).to_owned()).collect()
    }

    async fn subscribe(&mut self) -> bool {
        let topics = Self::draw(&mut self.random, &mut self.unwanted);
        let names = self.names(&topics);
        match self.handle.subscribe_all(names).await {
            Ok(()) => {
                self.wanted.extend(topics);
                true
            }
            Err(error) => {
                self.judge.line(|| format!("change: not subscribed: {error}"));
                self.unwanted.extend(topics);
                false
            }
        }
    }

    async fn unsubscribe(&mut self) -> bool {
        let topics = Self::draw(&mut self.random, &mut self.wanted);
        let names = self.names(&topics);
        let done = self.handle.unsubscribe_all(names).await.is_ok();
        self.unwanted.extend(topics);
        done
    }

    /// The token is replaced by a newer one, though it was good.
    async fn rotate(&mut self) -> bool {
        let Ok(token) = self.tokens.token().await else { return false };
        self.tokens.invalidate(&token);
        true
    }
}
