//! One connection, one script, and the key that makes every batch count once.

use std::sync::{Mutex, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, RedisError};
use tokio::time::timeout;

use super::fault::{fault, is_no_script, nonsense, too_slow};
use super::settings::RedisSettings;
use super::stats::RedisStats;
use crate::error::Result;
use crate::sink::event_sink::WriteError;

/// Stores who writes under the writer's key, and returns the sequence number that was there.
const TAKE_OVER: &str = "\
local marker = redis.call('GET', KEYS[1])
local seq, note = '0', ''
if marker then
  local _
  seq, _, note = string.match(marker, '^(%d+) (%S+) (%S*)$')
  if not seq then return redis.error_reply('BADMARKER not a sequence') end
end
redis.call('SET', KEYS[1], seq .. ' ' .. ARGV[1] .. ' ' .. note)
return seq";

/// The beginning of every script that writes a batch: nothing is done twice, nor for who has been replaced.
///
/// `KEYS[1]` is the writer's key, `ARGV[1]` who writes, `ARGV[2]` the sequence number of the batch.
pub(super) const BEGIN: &str = "\
local marker = redis.call('GET', KEYS[1])
if marker then
  local seq, owner, note = string.match(marker, '^(%d+) (%S+) (%S*)$')
  if not seq then return redis.error_reply('BADMARKER not a sequence') end
  if owner ~= ARGV[1] then return redis.error_reply('FENCED by another process') end
  if tonumber(seq) >= tonumber(ARGV[2]) then
    return {'again', tonumber(seq) == tonumber(ARGV[2]) and note or ''}
  end
end
";

/// The end of every script that writes a batch. `note` names the keys that were left out, so that an attempt that finds
/// the batch already in learns of them too.
pub(super) const END: &str = "
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[1] .. ' ' .. note)
return {marker and 'done' or 'anew', note}";

/// A batch as it is sent.
pub(super) struct Payload {
    pub(super) keys: Vec<String>,
    pub(super) args: Vec<Vec<u8>>,
}

/// A batch and its sequence number, counted from the beginning of this sink.
struct Sealed {
    id: u64,
    number: u64,
    payload: Payload,
}

struct Connection {
    redis: MultiplexedConnection,
    script: String,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// The sequence number that was stored before this sink began, once it is known.
    base: Option<u64>,
    /// Batches so far.
    sealed: u64,
    current: Option<Sealed>,
}

/// Writes batches, each exactly once.
pub(super) struct Writer {
    settings: RedisSettings,
    client: Client,
    address: String,
    marker: String,
    /// Names this sink among all that ever used the writer id.
    owner: String,
    script: String,
    state: tokio::sync::Mutex<State>,
    stats: Mutex<RedisStats>,
}

impl Writer {
    pub(super) fn new(settings: RedisSettings, prefix: &str, script: String) -> Result<Self> {
        let client = settings.client()?;
        Ok(Self {
            address: client.get_connection_info().addr().to_string(),
            marker: format!("{prefix}:writer:{}", settings.writer),
            owner: format!("{:016x}", fastrand::u64(..)),
            settings,
            client,
            script,
            state: tokio::sync::Mutex::default(),
            stats: Mutex::default(),
        })
    }

    pub(super) fn stats(&self) -> RedisStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut RedisStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn fault(&self, error: RedisError) -> WriteError {
        fault(&self.address, error)
    }

    /// Writes the batch `id`, unless an earlier attempt did. Returns which of its keys were left out.
    ///
    /// The payload is made once: under a sequence number the same is sent at every attempt.
    pub(super) async fn commit(
        &self,
        id: u64,
        payload: impl FnOnce() -> Payload,
    ) -> Result<String, WriteError> {
        let mut guard = self.state.lock().await;
        let state = &mut *guard;
        let sealed = match &mut state.current {
            Some(sealed) if sealed.id == id => &*sealed,
            current => {
                state.sealed += 1;
                current.insert(Sealed { id, number: state.sealed, payload: payload() })
            }
        };
        // Taken out while it is in use: an attempt that fails, or is given up half way, never leaves it behind.
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => self.connect(&mut state.base).await?,
        };
        let sequence = state.base.unwrap_or_default() + sealed.number;
        let (word, note) = self.run(&mut connection, sequence, &sealed.payload).await?;
        match &*word {
            "done" => self.count(|stats| stats.batches += 1),
            "again" => self.count(|stats| stats.already_in += 1),
            "anew" => self.count(|stats| {
                stats.batches += 1;
                stats.markers_lost += 1;
            }),
            _ => return Err(nonsense(&self.address)),
        }
        self.count(|stats| stats.sequence = sequence);
        state.connection = Some(connection);
        Ok(note)
    }

    async fn run(
        &self,
        connection: &mut Connection,
        sequence: u64,
        payload: &Payload,
    ) -> Result<(String, String), WriteError> {
        let command = |script: &str| {
            let mut command = redis::cmd("EVALSHA");
            command.arg(script).arg(payload.keys.len() + 1).arg(&self.marker).arg(&payload.keys);
            command.arg(&self.owner).arg(sequence).arg(&payload.args);
            command
        };
        let Connection { redis, script } = connection;
        match self.ask(redis, &command(script)).await {
            Err(error) if is_no_script(&error) => {
                *script = self.load(redis).await?;
                self.ask(redis, &command(script)).await.map_err(|error| self.fault(error))
            }
            outcome => outcome.map_err(|error| self.fault(error)),
        }
    }

    /// One command; its deadline is the connection's.
    async fn ask<T: FromRedisValue>(
        &self,
        redis: &mut MultiplexedConnection,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        self.count(|stats| stats.round_trips += 1);
        command.query_async(redis).await
    }

    async fn load(&self, redis: &mut MultiplexedConnection) -> Result<String, WriteError> {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(&self.script);
        self.ask(redis, &load).await.map_err(|error| self.fault(error))
    }

    /// Opens a connection. The first one also takes the writer's key over.
    async fn connect(&self, base: &mut Option<u64>) -> Result<Connection, WriteError> {
        let config = self.settings.connection();
        let opening = self.client.get_multiplexed_async_connection_with_config(&config);
        // The library's deadline does not cover the login on every path.
        let mut redis = match timeout(self.settings.connect_deadline(), opening).await {
            Ok(Ok(redis)) => redis,
            Ok(Err(error)) => return Err(self.fault(error)),
            Err(_) => return Err(too_slow(&self.address)),
        };
        let script = self.load(&mut redis).await?;
        if base.is_none() {
            let mut take = redis::cmd("EVAL");
            take.arg(TAKE_OVER).arg(1).arg(&self.marker).arg(&self.owner);
            let stored: u64 =
                self.ask(&mut redis, &take).await.map_err(|error| self.fault(error))?;
            *base = Some(stored);
            self.count(|stats| (stats.resumed_after, stats.sequence) = (stored, stored));
        }
        self.count(|stats| stats.connects += 1);
        Ok(Connection { redis, script })
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("address", &self.address)
            .field("writer", &self.settings.writer)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
