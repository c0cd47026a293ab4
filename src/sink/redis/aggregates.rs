//! Figures of each queue, kept in a hash.

use std::collections::HashMap;

use super::keys::{QueueKeys, check_key};
use super::settings::RedisSettings;
use super::stats::RedisStats;
use super::step::QueueStep;
use super::writer::{BEGIN, END, Payload, Writer};
use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::events::bodies::RoutingInteraction;
use crate::sink::event_sink::{Ack, Batch, Encoded, EventSink, WriteError};
use crate::streaming::delivery::Delivery;
use crate::streaming::typed::Typed;

/// Adds to the hashes. `ARGV[3]` is the expiry in seconds; six arguments follow for each queue: wait in seconds, wait in
/// milliseconds, events, then status, type and timestamp, each behind `=`, or empty to leave the field as it is.
///
/// All keys are looked at before one is changed: a command that fails would not undo those before it.
const ADD: &str = "
local function whole(text) return not text or (#text <= 18 and string.find(text, '^-?%d+$')) end
local function decimal(text)
  return not text or (#text <= 64 and (string.find(text, '^-?%d+%.?%d*$')
    or string.find(text, '^-?%d+%.?%d*[eE][-+]?%d+$')))
end
local left_out, notes = {}, {}
for i = 2, #KEYS do
  local had = redis.pcall('HMGET', KEYS[i], 'total_wait', 'total_wait_ms', 'event_count')
  if had.err then
    if not string.find(had.err, 'WRONGTYPE') then return had end
    left_out[i] = 'type'
  elseif not (decimal(had[1]) and whole(had[2]) and whole(had[3])) then
    left_out[i] = 'number'
  end
  if left_out[i] then notes[#notes + 1] = (i - 2) .. ':' .. left_out[i] end
end
local note = table.concat(notes, ',')
local names, expiry, at = {'last_agent_status', 'last_event_type', 'last_timestamp'}, tonumber(ARGV[3]), 4
for i = 2, #KEYS do
  if not left_out[i] then
    local total = redis.call('HINCRBYFLOAT', KEYS[i], 'total_wait', ARGV[at])
    redis.call('HINCRBY', KEYS[i], 'total_wait_ms', ARGV[at + 1])
    local count = redis.call('HINCRBY', KEYS[i], 'event_count', ARGV[at + 2])
    local average = count > 0 and string.format('%.6f', tonumber(total) / count) or '0'
    local set = {'HSET', KEYS[i], 'average_wait', average}
    for j, name in ipairs(names) do
      local value = ARGV[at + 2 + j]
      if value ~= '' then
        set[#set + 1] = name
        set[#set + 1] = string.sub(value, 2)
      end
    end
    redis.call(unpack(set))
    if expiry > 0 then redis.call('EXPIRE', KEYS[i], expiry) end
  end
  at = at + 6
end";

/// Keeps figures of each queue in a Redis hash, `{prefix}:{queue id}`.
///
/// | field | what |
/// |---|---|
/// | `total_wait` | the sum of the waits in seconds, by `HINCRBYFLOAT` |
/// | `total_wait_ms` | the same sum in milliseconds, a whole number |
/// | `event_count` | how many events |
/// | `average_wait` | `total_wait / event_count` in seconds, with six decimals, made in the same transaction |
/// | `last_agent_status`, `last_event_type`, `last_timestamp` | of the last event that had one, in order of arrival |
///
/// `HINCRBYFLOAT` counts in binary and writes 17 decimals, so the text of `total_wait` may end in digits far beyond the
/// millisecond, such as `123456.78900000000000147`; read as a double and rounded to the millisecond it is exact.
/// `total_wait_ms` needs no rounding. An event without a wait counts in `event_count` alone.
///
/// Events without a queue id are skipped. Events with an id that is no id, or a negative wait, are refused; so are events
/// of a queue whose key holds something else than these figures, which is left untouched. A batch is one round trip.
///
/// ```no_run
/// # async fn run(
/// #     events: impl futures::Stream<Item = genesys_cloud::Result<genesys_cloud::bodies::RoutingInteraction>>,
/// # ) -> genesys_cloud::Result<()> {
/// use genesys_cloud::sink::SinkRunner;
/// use genesys_cloud::sink::redis::{QueueKeys, RedisAggregates, RedisSettings};
///
/// let settings = RedisSettings::new("redis://127.0.0.1:6379/0", "wallboard-1");
/// let sink = RedisAggregates::new(settings, QueueKeys::default())?;
/// let report = SinkRunner::new(&sink).run(events).await;
/// println!("{}: {:?}, {:?}", report.end, report.stats, sink.stats());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RedisAggregates {
    writer: Writer,
    keys: QueueKeys,
}

impl RedisAggregates {
    /// A sink that connects when it has something to write.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for an address, writer id or prefix that cannot be used.
    pub fn new(settings: RedisSettings, keys: QueueKeys) -> Result<Self> {
        check_key("the prefix of the keys", &keys.prefix)?;
        let script = format!("{BEGIN}{ADD}{END}");
        Ok(Self { writer: Writer::new(settings, &keys.prefix, script)?, keys })
    }

    /// What it has done so far.
    pub fn stats(&self) -> RedisStats {
        self.writer.stats()
    }

    async fn add(&self, batch: Batch<'_, QueueStep>) -> Result<Ack, WriteError> {
        let note = self.writer.commit(batch.id, || self.payload(batch.records)).await?;
        let mut ack = Ack::all(&batch);
        if note.is_empty() {
            return Ok(ack);
        }
        // Seldom enough to be worked out again.
        let sums = sums(batch.records);
        for left_out in note.split(',') {
            let (index, why) = left_out.split_once(':').unwrap_or((left_out, ""));
            let Some(sum) = index.parse().ok().and_then(|index: usize| sums.get(index)) else {
                continue;
            };
            let reason = match why {
                "type" => "the key of its queue holds a value of another type",
                _ => "the key of its queue holds a figure that is no number",
            };
            for (index, step) in batch.records.iter().enumerate() {
                if *step.queue == *sum.queue {
                    ack = ack.refuse(index, reason);
                }
            }
        }
        Ok(ack)
    }

    fn payload(&self, steps: &[QueueStep]) -> Payload {
        let sums = sums(steps);
        let mut args = Vec::with_capacity(1 + sums.len() * 6);
        args.push(self.keys.seconds().to_string().into_bytes());
        for sum in &sums {
            let (seconds, rest) = (sum.wait_ms / 1_000, sum.wait_ms % 1_000);
            args.push(format!("{seconds}.{rest:03}").into_bytes());
            args.push(sum.wait_ms.to_string().into_bytes());
            args.push(sum.events.to_string().into_bytes());
            args.extend([sum.status, sum.event_type, sum.timestamp].map(optional));
        }
        let keys = sums.iter().map(|sum| format!("{}:{}", self.keys.prefix, sum.queue)).collect();
        Payload { keys, args }
    }
}

/// A text that may be missing.
fn optional(text: Option<&str>) -> Vec<u8> {
    text.map_or_else(Vec::new, |text| format!("={text}").into_bytes())
}

/// What a batch adds to one queue.
struct Sum<'a> {
    queue: &'a str,
    events: u64,
    wait_ms: u64,
    status: Option<&'a str>,
    event_type: Option<&'a str>,
    timestamp: Option<&'a str>,
}

/// The sums of a batch, in the order in which the queues first occur.
fn sums(steps: &[QueueStep]) -> Vec<Sum<'_>> {
    let mut places = HashMap::new();
    let mut sums: Vec<Sum<'_>> = Vec::new();
    for step in steps {
        let place = *places.entry(&*step.queue).or_insert_with(|| {
            sums.push(Sum {
                queue: &step.queue,
                events: 0,
                wait_ms: 0,
                status: None,
                event_type: None,
                timestamp: None,
            });
            sums.len() - 1
        });
        let sum = &mut sums[place];
        sum.events += 1;
        sum.wait_ms = sum.wait_ms.saturating_add(step.wait_ms);
        sum.status = step.status.as_deref().or(sum.status);
        sum.event_type = step.event_type.as_deref().or(sum.event_type);
        sum.timestamp = step.timestamp.as_deref().or(sum.timestamp);
    }
    sums
}

impl EventSink<RoutingInteraction> for RedisAggregates {
    type Record = QueueStep;

    fn encode(&self, item: RoutingInteraction) -> Encoded<QueueStep> {
        QueueStep::of(item)
    }

    fn write<'a>(&'a self, batch: Batch<'a, QueueStep>) -> BoxFuture<'a, Result<Ack, WriteError>> {
        Box::pin(self.add(batch))
    }
}

impl EventSink<Delivery<Typed<RoutingInteraction>>> for RedisAggregates {
    type Record = QueueStep;

    /// Lifecycle items and messages of another kind are skipped; those that could not be decoded are refused.
    fn encode(&self, item: Delivery<Typed<RoutingInteraction>>) -> Encoded<QueueStep> {
        match item.event {
            Typed::Body(body) => QueueStep::of(*body),
            Typed::Malformed { .. } => Encoded::refused("the message could not be decoded"),
            Typed::Lifecycle(_) | Typed::Unrecognized { .. } => Encoded::Skipped,
        }
    }

    fn write<'a>(&'a self, batch: Batch<'a, QueueStep>) -> BoxFuture<'a, Result<Ack, WriteError>> {
        Box::pin(self.add(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_the_last_text_that_was_there() {
        let step = |queue: &str, wait_ms, status: Option<&str>| QueueStep {
            queue: queue.into(),
            wait_ms,
            status: status.map(Box::from),
            event_type: None,
            timestamp: None,
        };
        let steps = [
            step("a", 1, Some("x")),
            step("b", 5, None),
            step("a", 2, None),
            step("a", 4, Some("y")),
        ];
        let sums = sums(&steps);
        let seen: Vec<_> =
            sums.iter().map(|sum| (sum.queue, sum.events, sum.wait_ms, sum.status)).collect();
        assert_eq!(seen, [("a", 3, 7, Some("y")), ("b", 1, 5, None)]);
    }
}
