//! How far a stream has come, as data that another process goes on from.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checkpoint_text::{VERSION, Wire, version_of};
use super::deliveries::Window;
use super::ledger::Groups;
use crate::core::limits::CHANNEL_LIFE;
use crate::core::ports::ChannelInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// What a stream's consumer has taken so far, and the stream's notification channels: enough for another process to go on
/// from there. From [`EventStream::checkpoint`](crate::EventStream::checkpoint), for
/// [`EventStream::resume`](crate::EventStream::resume) and [`StreamBuilder::resume`](crate::StreamBuilder::resume).
///
/// **What it is written as is a credential**: with the address of a channel anybody reads its events. Keep it as a secret
/// is kept. `Debug` shows no address.
///
/// It is written and read by serde, or as JSON by [`to_json`](Self::to_json) and [`from_json`](Self::from_json), whose
/// errors say what is wrong. It has up to 65,536 deliveries, which make 1.4 MB of text, and its topics.
///
/// ```
/// use genesys_cloud::{Checkpoint, ErrorKind};
///
/// let error = Checkpoint::from_json(r#"{"v":99}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// let error = Checkpoint::from_json(r#"{"v":1,"taken_at":7}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Decode);
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    pub(super) taken_at: SystemTime,
    pub(super) ended: bool,
    /// Topics as they were added.
    pub(super) wanted: Vec<Topic>,
    /// Single topics by until when they were covered.
    pub(super) coverage: Groups,
    pub(super) channels: Vec<Kept>,
    pub(super) window: Option<Window>,
}

/// A channel of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) info: ChannelInfo,
    /// Whether the stream does without it.
    pub(crate) spare: bool,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (&self.info, &other.info);
        (&one.id, &one.connect_uri, one.expires, self.spare)
            == (&two.id, &two.connect_uri, two.expires, other.spare)
    }
}

impl Checkpoint {
    /// When it was taken, by the clock of the process that took it.
    pub fn taken_at(&self) -> SystemTime {
        self.taken_at
    }

    /// Whether the stream was over when it was taken, so that there is nothing after it.
    pub fn is_final(&self) -> bool {
        self.ended
    }

    /// The single topics, and until when the consumer has what came of each, by the clock of the process that took it;
    /// `None` for topics that never flowed.
    pub fn topics(&self) -> impl Iterator<Item = (&Topic, Option<SystemTime>)> {
        let each = |(until, topics): (&Option<SystemTime>, _)| (*until, topics);
        let groups = self.coverage.iter().map(each);
        groups.flat_map(|(until, topics): (_, &Vec<Topic>)| {
            topics.iter().map(move |topic| (topic, until))
        })
    }

    /// Leaves out topics that are not wanted any more: nobody asks for them, and no gap of theirs is told.
    pub fn retain_topics(&mut self, mut keep: impl FnMut(&Topic) -> bool) {
        for topics in self.coverage.values_mut() {
            topics.retain(&mut keep);
        }
        self.coverage.retain(|_, topics| !topics.is_empty());
        let wanted = std::mem::take(&mut self.wanted);
        for topic in wanted {
            let members = topic.members();
            let kept: Vec<Topic> = members.iter().filter(|member| keep(member)).cloned().collect();
            if kept.len() == members.len() {
                self.wanted.push(topic);
            } else {
                self.wanted.extend(kept);
            }
        }
    }

    /// All channels of the stream: they are credentials.
    pub fn channels(&self) -> Vec<ChannelInfo> {
        self.channels.iter().map(|kept| kept.info.clone()).collect()
    }

    /// The channels that the stream leaves to the process after it while it still runs: for
    /// [`StreamBuilder::own_channels`](crate::StreamBuilder::own_channels) of a stream that
    /// [stands by](crate::StreamBuilder::standby). They are credentials.
    ///
    /// The stream itself uses them only when the platform has no room for another. There are at most as many as the stream
    /// has in use, and none before it has replaced one, or has taken over from another process.
    pub fn spare_channels(&self) -> Vec<ChannelInfo> {
        let spare = self.channels.iter().filter(|kept| kept.spare);
        spare.map(|kept| kept.info.clone()).collect()
    }

    /// How many deliveries it has.
    pub fn deliveries(&self) -> usize {
        self.window.as_ref().map_or(0, Window::len)
    }

    /// Since when it has every delivery; `None` when it has none, because none was kept. What was received before, and
    /// comes to the next process too, is delivered by both.
    pub fn complete_since(&self) -> Option<SystemTime> {
        self.window.as_ref().map(|window| window.since)
    }

    /// As JSON: a credential.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode), never in practice: for a date that cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| unusable(&error))
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a checkpoint of another version of the format, which is then best taken as none:
    /// the stream starts without it. [`Decode`](ErrorKind::Decode) for what is no checkpoint, or is cut or damaged: a member
    /// that is missing, a topic that comes twice in the coverage, or one that is covered for longer than until it was taken.
    /// No error quotes from the text.
    pub fn from_json(text: &str) -> Result<Self> {
        let version = version_of(text).map_err(|error| unusable(&error))?;
        if version != VERSION {
            return Err(Error::config(other_version(version)));
        }
        let wire: Wire = serde_json::from_str(text).map_err(|error| unusable(&error))?;
        Self::try_from(wire)
    }

    /// By how much the clock of the process that took it is ahead of one that shows `now`, as far as can be told: it was
    /// taken before now.
    pub(super) fn ahead_of(&self, now: SystemTime) -> Duration {
        self.taken_at.duration_since(now).unwrap_or_default()
    }

    /// The channels that may still be there, those that were in use first.
    pub(super) fn living_channels(&self, now: SystemTime) -> Vec<ChannelInfo> {
        let age = now.duration_since(self.taken_at).unwrap_or_default();
        if age >= CHANNEL_LIFE {
            return Vec::new();
        }
        let mut kept: Vec<&Kept> = self.channels.iter().collect();
        kept.sort_by_key(|kept| kept.spare);
        kept.into_iter().map(|kept| kept.info.clone()).collect()
    }
}

pub(super) fn other_version(version: u32) -> String {
    format!(
        "a checkpoint of version {version} was written by another version of this crate, which reads {VERSION}: start \
         without it"
    )
}

/// Without the message, which may quote what is secret.
fn unusable(error: &serde_json::Error) -> Error {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it is cut",
        serde_json::error::Category::Syntax => "it is not JSON",
        _ => "it has not the form of one",
    };
    let (line, column) = (error.line(), error.column());
    let text = format!("this is no checkpoint: {what} (line {line}, column {column})");
    Error::new(ErrorKind::Decode, text)
}

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Wire::from(self).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(Wire::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<_> = self.channels.iter().map(|kept| &kept.info.id).collect();
        f.debug_struct("Checkpoint")
            .field("taken_at", &self.taken_at)
            .field("is_final", &self.ended)
            .field("topics", &self.topics().count())
            .field("channels", &channels)
            .field("deliveries", &self.deliveries())
            .field("complete_since", &self.complete_since())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::core::ids::ChannelId;
    use crate::streaming::deliveries::Recent;
    use crate::streaming::fingerprint::fingerprint;

    pub(in crate::streaming) fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::new(1_772_616_600 + seconds, 123_456_789)
    }

    pub(in crate::streaming) fn topic(name: &str) -> Topic {
        name.parse().unwrap()
    }

    pub(in crate::streaming) fn sample() -> Checkpoint {
        let mut recent = Recent::new(at(0));
        for n in 0..3_u8 {
            recent.note(Some(fingerprint("t", None, &[n])), at(u64::from(n)));
        }
        let channel = |n: usize, spare| {
            let id = ChannelId::new(format!("streaming-{n}-topsecret"));
            let uri = format!("wss://streaming.mypurecloud.com/channels/streaming-{n}-topsecret");
            let mut info = ChannelInfo::new(id, uri);
            info.expires = (n == 0).then(|| at(86_400));
            Kept { info, spare }
        };
        let mut coverage = Groups::new();
        coverage
            .insert(Some(at(5)), vec![topic("v2.users.1.presence"), topic("v2.users.2.presence")]);
        coverage.insert(None, vec![topic("v2.users.1.station")]);
        Checkpoint {
            taken_at: at(9),
            ended: true,
            wanted: vec![topic("v2.users.1?presence&station"), topic("v2.users.2.presence")],
            coverage,
            channels: vec![channel(1, true), channel(0, false)],
            window: Some(recent.window()),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let checkpoint = sample();
        let text = checkpoint.to_json().unwrap();
        assert_eq!(Checkpoint::from_json(&text).unwrap(), checkpoint);
        assert!(text.contains("2026-03-04T09:30:05.123456789Z"), "{text}");
        let bare = Checkpoint { window: None, channels: vec![], ..checkpoint };
        assert_eq!(Checkpoint::from_json(&bare.to_json().unwrap()).unwrap(), bare);
        assert_eq!((bare.deliveries(), bare.complete_since()), (0, None));
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_a_typed_error_that_quotes_nothing() {
        let text = sample().to_json().unwrap();
        let kind = |text: &str| {
            let error = Checkpoint::from_json(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
            error.kind()
        };
        for cut in (0..text.len()).step_by(7) {
            assert_eq!(kind(&text[..cut]), ErrorKind::Decode);
        }
        assert_eq!(kind(&text.replacen("\"v\":1", "\"v\":2", 1)), ErrorKind::Config);
        assert_eq!(kind(&text.replacen("\"v\":1,", "", 1)), ErrorKind::Decode);
        for (good, bad) in [
            ("\"ended\":true", "\"ended\":\"topsecret\""),
            ("2026-03-04T09:30:09", "2026-13-04T09:30:09"),
            ("\"v2.users.2.presence\"", "\"topsecret\""),
            ("\"prints\":\"", "\"prints\":\"A"),
            ("\"prints\":\"", "\"prints\":\"!"),
        ] {
            let bad = text.replacen(good, bad, 1);
            assert_ne!(bad, text);
            assert_eq!(kind(&bad), ErrorKind::Decode, "{good}");
        }
        assert!(serde_json::from_str::<Checkpoint>("{\"v\":7}").is_err());
    }

    #[test]
    fn debug_shows_no_address() {
        let text = format!("{:?}", sample());
        assert!(text.contains("channel-") && text.contains("deliveries: 3"), "{text}");
        assert!(!text.contains("topsecret") && !text.contains("wss:"), "{text}");
    }

    #[test]
    fn topics_that_are_not_wanted_any_more_are_left_out() {
        let mut checkpoint = sample();
        checkpoint.retain_topics(|topic| topic.name() != "v2.users.1.station");
        assert_eq!(checkpoint.topics().count(), 2);
        assert_eq!(checkpoint.wanted, [topic("v2.users.1.presence"), topic("v2.users.2.presence")]);
        checkpoint.retain_topics(|_| false);
        assert!(checkpoint.wanted.is_empty() && checkpoint.coverage.is_empty());
    }

    #[test]
    fn channels_of_the_day_before_are_gone() {
        let checkpoint = sample();
        let ids = |now| -> Vec<String> {
            let living = checkpoint.living_channels(now);
            living.iter().map(|channel| channel.id.expose()[..11].to_owned()).collect()
        };
        assert_eq!(ids(at(100)), ["streaming-0", "streaming-1"], "what was in use comes first");
        assert!(ids(at(9) + CHANNEL_LIFE).is_empty());
        assert_eq!(checkpoint.spare_channels().len(), 1);
        assert_eq!(checkpoint.ahead_of(at(3)), Duration::from_secs(6));
        assert_eq!(checkpoint.ahead_of(at(30)), Duration::ZERO);
    }
}
