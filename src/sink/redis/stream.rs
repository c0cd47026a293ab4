//! Whole events, appended to a Redis Stream.

use super::keys::{StreamKey, check_key};
use super::settings::RedisSettings;
use super::stats::RedisStats;
use super::writer::{BEGIN, END, Payload, Writer};
use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::events::Lifecycle;
use crate::sink::event_sink::{Ack, Batch, Encoded, EventSink, WriteError};
use crate::sink::record::ToRecord;

/// Appends to the stream. `ARGV[3]` is its length, 0 for no limit; topic and JSON of each event follow.
///
/// Before Redis 7 scripts are replicated as they are, which would make other entry ids on a replica; the first line
/// asks for their effects to be replicated, which is what later versions always do.
const APPEND: &str = "
if redis.replicate_commands then redis.replicate_commands() end
local kind = redis.call('TYPE', KEYS[2])
kind = kind.ok or kind
if kind ~= 'stream' and kind ~= 'none' then return redis.error_reply('WRONGTYPE not a stream') end
local most, note = tonumber(ARGV[3]), ''
for i = 4, #ARGV, 2 do
  if most > 0 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'topic', ARGV[i], 'json', ARGV[i + 1])
  else
    redis.call('XADD', KEYS[2], '*', 'topic', ARGV[i], 'json', ARGV[i + 1])
  end
end";

/// Appends every item to a Redis Stream, in order: an entry with the fields `topic` and `json`.
///
/// Every item of the stream is an entry, lifecycle items included; [`ToRecord`] says what is in `json`. Events that the
/// buffer dropped are an entry too, in their place.
#[derive(Debug)]
pub struct RedisStream {
    writer: Writer,
    key: StreamKey,
}

/// An event as it is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEntry {
    /// The topic; empty when it has none.
    pub topic: Box<str>,
    /// The event as JSON.
    pub json: Vec<u8>,
}

impl StreamEntry {
    fn of(item: &impl ToRecord) -> Result<Self> {
        Ok(Self { topic: item.topic().into(), json: item.to_record()? })
    }
}

impl RedisStream {
    /// A sink that connects when it has something to write.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for an address, writer id or key that cannot be used.
    pub fn new(settings: RedisSettings, key: StreamKey) -> Result<Self> {
        check_key("the key of the stream", &key.key)?;
        let script = format!("{BEGIN}{APPEND}{END}");
        Ok(Self { writer: Writer::new(settings, &key.key, script)?, key })
    }

    /// What it has done so far.
    pub fn stats(&self) -> RedisStats {
        self.writer.stats()
    }

    fn payload(&self, entries: &[StreamEntry]) -> Payload {
        let mut args = vec![self.key.max_len.unwrap_or(0).to_string().into_bytes()];
        for entry in entries {
            args.push(entry.topic.as_bytes().to_vec());
            args.push(entry.json.clone());
        }
        Payload { keys: vec![self.key.key.to_string()], args }
    }
}

impl<T: ToRecord> EventSink<T> for RedisStream {
    type Record = StreamEntry;

    fn encode(&self, item: T) -> Encoded<StreamEntry> {
        match StreamEntry::of(&item) {
            Ok(entry) => {
                let bytes = size_of::<StreamEntry>() + entry.topic.len() + entry.json.len();
                Encoded::record(entry, bytes)
            }
            Err(error) => Encoded::refused(error.summary()),
        }
    }

    fn write<'a>(
        &'a self,
        batch: Batch<'a, StreamEntry>,
    ) -> BoxFuture<'a, Result<Ack, WriteError>> {
        Box::pin(async move {
            self.writer.commit(batch.id, || self.payload(batch.records)).await?;
            Ok(Ack::all(&batch))
        })
    }

    fn lagged(&self, dropped: u64) -> Option<StreamEntry> {
        StreamEntry::of(&Lifecycle::Lagged { dropped }).ok()
    }
}
