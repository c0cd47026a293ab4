//! How a checkpoint is written.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, Kept, other_version};
use super::deliveries::Window;
use super::ledger::Groups;
use crate::core::ids::ChannelId;
use crate::core::limits::{CHANNELS_PER_CLIENT, TOPICS_PER_CHANNEL};
use crate::core::ports::ChannelInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;
/// Topics that are read: what all channels hold, each a combination of many.
const MOST_TOPICS: usize = 16 * TOPICS_PER_CHANNEL * CHANNELS_PER_CLIENT;
/// Channels that are read: in use, and spare.
const MOST_CHANNELS: usize = 2 * CHANNELS_PER_CLIENT;

/// A point in time, in RFC 3339 with nanoseconds.
type Stamp = String;

/// The checkpoint as it is written. Every member has a default, so that the version is looked at first.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    #[serde(default)]
    v: u32,
    #[serde(default)]
    taken_at: Stamp,
    #[serde(default)]
    ended: bool,
    #[serde(default)]
    wanted: Vec<String>,
    #[serde(default)]
    coverage: Vec<Group>,
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    window: Option<Deliveries>,
}

#[derive(Serialize, Deserialize)]
struct Group {
    until: Option<Stamp>,
    topics: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Channel {
    id: String,
    connect_uri: String,
    expires: Option<Stamp>,
    #[serde(default)]
    spare: bool,
}

#[derive(Serialize, Deserialize)]
struct Deliveries {
    since: Stamp,
    /// Base64 of 16 bytes for each: fingerprint, and nanoseconds since 1970, both little-endian.
    prints: String,
}

/// The version of what may be a checkpoint.
pub(super) fn version_of(text: &str) -> Result<u32, serde_json::Error> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    serde_json::from_str::<Versioned>(text).map(|found| found.v)
}

/// Times that cannot be written become the nearest that can.
fn stamp(at: SystemTime) -> Stamp {
    let far = if at < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::try_from(at).unwrap_or(far).to_string()
}

fn time(stamp: &str) -> Result<SystemTime> {
    let parsed: jiff::Timestamp = stamp.parse().map_err(|_| damaged("a date cannot be read"))?;
    Ok(parsed.into())
}

fn topics(names: &[String]) -> Result<Vec<Topic>> {
    let topics = names.iter().map(|name| name.parse());
    topics.collect::<Result<_>>().map_err(|_| damaged("a topic is none"))
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("this is no checkpoint: {what}"))
}

impl From<&Checkpoint> for Wire {
    fn from(checkpoint: &Checkpoint) -> Self {
        let names = |topics: &[Topic]| topics.iter().map(|topic| topic.name().to_owned()).collect();
        let group = |(until, topics): (&Option<SystemTime>, &Vec<Topic>)| Group {
            until: until.map(stamp),
            topics: names(topics),
        };
        let channel = |Kept { info, spare }: &Kept| Channel {
            id: info.id.expose().to_owned(),
            connect_uri: info.connect_uri.expose().to_owned(),
            expires: info.expires.map(stamp),
            spare: *spare,
        };
        let window = checkpoint.window.as_ref().map(|window| Deliveries {
            since: stamp(window.since),
            prints: BASE64.encode(window.to_bytes()),
        });
        Self {
            v: VERSION,
            taken_at: stamp(checkpoint.taken_at),
            ended: checkpoint.ended,
            wanted: names(&checkpoint.wanted),
            coverage: checkpoint.coverage.iter().map(group).collect(),
            channels: checkpoint.channels.iter().map(channel).collect(),
            window,
        }
    }
}

impl TryFrom<Wire> for Checkpoint {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self> {
        let Wire { v, taken_at, ended, wanted, coverage, channels, window } = wire;
        if v != VERSION {
            return Err(Error::config(other_version(v)));
        }
        let count = coverage.iter().map(|group| group.topics.len()).sum::<usize>();
        if count.max(wanted.len()) > MOST_TOPICS || channels.len() > MOST_CHANNELS {
            return Err(damaged("it has more topics or channels than there can be"));
        }
        let mut groups = Groups::new();
        for group in coverage {
            let until = group.until.as_deref().map(time).transpose()?;
            groups.entry(until).or_default().extend(topics(&group.topics)?);
        }
        let channel = |Channel { id, connect_uri, expires, spare }: Channel| {
            let mut info = ChannelInfo::new(ChannelId::new(id), connect_uri);
            info.expires = expires.as_deref().map(time).transpose()?;
            Ok(Kept { info, spare })
        };
        let window = window.map(|Deliveries { since, prints }| {
            let bytes = BASE64.decode(prints).ok();
            let window = bytes.and_then(|bytes| Window::of_bytes(&bytes));
            let entries = window.ok_or_else(|| damaged("its deliveries cannot be read"))?;
            Ok::<_, Error>(Window { since: time(&since)?, ..entries })
        });
        Ok(Self {
            taken_at: time(&taken_at)?,
            ended,
            wanted: topics(&wanted)?,
            coverage: groups,
            channels: channels.into_iter().map(channel).collect::<Result<_>>()?,
            window: window.transpose()?,
        })
    }
}
