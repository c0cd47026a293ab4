//! How a checkpoint is written.

use std::collections::HashSet;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize};

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

/// The checkpoint as it is written. A member may be missing only here, so that the version is looked at first: one that is
/// read as if it said nothing is a loss that nobody is told of.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    v: Option<u32>,
    taken_at: Option<Stamp>,
    ended: Option<bool>,
    wanted: Option<Vec<String>>,
    coverage: Option<Vec<Group>>,
    channels: Option<Vec<Channel>>,
    /// `null` when no deliveries were kept, which is not the same as nothing.
    #[serde(default, deserialize_with = "there")]
    window: Option<Remembered>,
}

/// Deliveries, if any were kept.
#[derive(Serialize, Deserialize)]
struct Remembered(Option<Deliveries>);

#[derive(Serialize, Deserialize)]
struct Group {
    // By itself, serde takes an option that is missing for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    until: Option<Stamp>,
    topics: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Channel {
    id: String,
    connect_uri: String,
    #[serde(deserialize_with = "Option::deserialize")]
    expires: Option<Stamp>,
    spare: bool,
}

#[derive(Serialize, Deserialize)]
struct Deliveries {
    since: Stamp,
    /// Base64 of 16 bytes for each: fingerprint, and nanoseconds since 1970, both little-endian.
    prints: String,
}

/// A member that is there, be it `null`.
fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
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

/// Until when topics are covered, by groups. What says of one topic two things, or covers what had not been yet, hides a gap.
fn coverage(groups: &[Group], taken_at: SystemTime) -> Result<Groups> {
    let mut seen = HashSet::new();
    let mut coverage = Groups::new();
    for group in groups {
        let until = group.until.as_deref().map(time).transpose()?;
        if until > Some(taken_at) {
            return Err(damaged("a topic is covered for longer than until it was taken"));
        }
        let topics = topics(&group.topics)?;
        if !topics.iter().all(|topic| seen.insert(topic.clone())) {
            return Err(damaged("a topic comes twice in its coverage"));
        }
        coverage.entry(until).or_default().extend(topics);
    }
    Ok(coverage)
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("this is no checkpoint: {what}"))
}

/// A member of this version that is not there.
fn missing(member: &str) -> Error {
    damaged(&format!("it has no {member}"))
}

impl From<&Checkpoint> for Wire {
    fn from(checkpoint: &Checkpoint) -> Self {
        let names = |topics: &[Topic]| topics.iter().map(|topic| topic.name().to_owned()).collect();
        let group = |(until, topics): (&Option<SystemTime>, &Vec<Topic>)| Group {
            // A clock that was set back since shows a later time: what is covered less is told, what is covered more is not.
            until: until.map(|until| stamp(until.min(checkpoint.taken_at))),
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
            v: Some(VERSION),
            taken_at: Some(stamp(checkpoint.taken_at)),
            ended: Some(checkpoint.ended),
            wanted: Some(names(&checkpoint.wanted)),
            coverage: Some(checkpoint.coverage.iter().map(group).collect()),
            channels: Some(checkpoint.channels.iter().map(channel).collect()),
            window: Some(Remembered(window)),
        }
    }
}

impl TryFrom<Wire> for Checkpoint {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self> {
        let version = wire.v.ok_or_else(|| missing("v"))?;
        if version != VERSION {
            return Err(Error::config(other_version(version)));
        }
        let taken_at = time(&wire.taken_at.ok_or_else(|| missing("taken_at"))?)?;
        let ended = wire.ended.ok_or_else(|| missing("ended"))?;
        let wanted = wire.wanted.ok_or_else(|| missing("wanted"))?;
        let groups = wire.coverage.ok_or_else(|| missing("coverage"))?;
        let channels = wire.channels.ok_or_else(|| missing("channels"))?;
        let Remembered(window) = wire.window.ok_or_else(|| missing("window"))?;
        let count = groups.iter().map(|group| group.topics.len()).sum::<usize>();
        if count.max(wanted.len()) > MOST_TOPICS || channels.len() > MOST_CHANNELS {
            return Err(damaged("it has more topics or channels than there can be"));
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
            taken_at,
            ended,
            wanted: topics(&wanted)?,
            coverage: coverage(&groups, taken_at)?,
            channels: channels.into_iter().map(channel).collect::<Result<_>>()?,
            window: window.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::{at, sample, topic};
    use super::*;

    #[test]
    fn a_text_that_lacks_a_member_is_no_checkpoint_without_one() {
        let whole: serde_json::Value = serde_json::from_str(&sample().to_json().unwrap()).unwrap();
        let refused = |json: &serde_json::Value| {
            let error = Checkpoint::from_json(&json.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(serde_json::from_value::<Checkpoint>(json.clone()).is_err());
            error.to_string()
        };
        let members: Vec<_> = whole.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members.len(), 7);
        for member in &members {
            let mut json = whole.clone();
            json.as_object_mut().unwrap().remove(member);
            let text = refused(&json);
            assert!(member == "v" || text.contains(&format!("it has no {member}")), "{text}");
        }
        // As deep as it goes: what is covered until nobody knows when is not what never flowed.
        for place in ["/coverage/0", "/coverage/1", "/channels/0", "/channels/1", "/window"] {
            let inner = whole.pointer(place).unwrap().as_object().unwrap();
            for member in inner.keys() {
                let mut json = whole.clone();
                json.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(member);
                refused(&json);
            }
        }
    }

    #[test]
    fn coverage_that_is_later_than_the_checkpoint_or_says_two_things_of_a_topic_is_refused() {
        let mut later = sample();
        later.coverage.insert(Some(at(9)), vec![topic("v2.users.3.presence")]);
        let text = later.to_json().unwrap();
        assert_eq!(Checkpoint::from_json(&text).unwrap(), later, "up to when it was taken");
        let refused = |text: &str| {
            let error = Checkpoint::from_json(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            error.to_string()
        };
        let (good, bad) =
            ("\"until\":\"2026-03-04T09:30:09.123", "\"until\":\"2026-03-04T09:30:09.124");
        assert!(text.contains(good), "{text}");
        assert!(refused(&text.replacen(good, bad, 1)).contains("longer than"));

        let mut twice = sample();
        twice.coverage.insert(Some(at(7)), vec![topic("v2.users.1.presence")]);
        assert!(refused(&twice.to_json().unwrap()).contains("twice"));
        let mut twice = sample();
        twice.coverage.insert(Some(at(7)), vec![topic("v2.users.3.presence"); 2]);
        assert!(refused(&twice.to_json().unwrap()).contains("twice"));
    }

    #[test]
    fn what_was_taken_after_the_clock_was_set_back_is_read() {
        let mut ahead = sample();
        ahead.coverage.insert(Some(at(30)), vec![topic("v2.users.3.presence")]);
        let read = Checkpoint::from_json(&ahead.to_json().unwrap()).unwrap();
        let three = topic("v2.users.3.presence");
        let until = read.topics().find(|(topic, _)| **topic == three).unwrap().1;
        assert_eq!(until, Some(at(9)), "no longer than until it was taken");
        assert_eq!(read.topics().count(), ahead.topics().count());
    }

    #[test]
    fn a_text_of_version_1_is_read_whatever_becomes_of_this_one() {
        let text = r#"{"v":1,"taken_at":"2026-03-04T09:30:09.123456789Z","ended":false,
            "wanted":["v2.users.1?presence&station"],
            "coverage":[{"until":null,"topics":["v2.users.1.station"]},
                {"until":"2026-03-04T09:30:05.123456789Z","topics":["v2.users.1.presence"]}],
            "channels":[{"id":"streaming-0","connect_uri":"wss://streaming.mypurecloud.com/channels/streaming-0",
                "expires":null,"spare":false}],
            "window":null}"#;
        let read = Checkpoint::from_json(text).unwrap();
        let of = |name: &str| read.topics().find(|(topic, _)| topic.name() == name).unwrap().1;
        assert_eq!((of("v2.users.1.station"), of("v2.users.1.presence")), (None, Some(at(5))));
        assert_eq!((read.taken_at(), read.is_final(), read.channels().len()), (at(9), false, 1));
        assert_eq!(Checkpoint::from_json(&read.to_json().unwrap()).unwrap(), read);
    }
}
