//! One line about what happened to the stream.

use std::time::{Duration, SystemTime};

use genesys_cloud::{ChannelId, Lifecycle, Timestamp, Topic};

/// Whether it is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Loss,
    Plain,
}

/// A lifecycle item in words.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// Since the start.
    pub(crate) at: Duration,
    pub(crate) tone: Tone,
    pub(crate) what: &'static str,
    pub(crate) text: String,
}

impl Note {
    pub(crate) fn new(at: Duration, item: &Lifecycle) -> Self {
        let (tone, text) = words(item);
        Self { at, tone, what: item.what(), text }
    }
}

fn words(item: &Lifecycle) -> (Tone, String) {
    match item {
        Lifecycle::Connected { channel, new_channel, attempts } => {
            let dials = counted(u64::from(*attempts), "dial");
            let text = match (channel, new_channel) {
                (Some(channel), true) => format!("new {channel}, {dials}"),
                (Some(channel), false) => format!("same {channel}, {dials}"),
                (None, _) => format!("socket, {dials}"),
            };
            (Tone::Good, text)
        }
        Lifecycle::Disconnected { cause, was_live, retry_in, .. } => {
            let next = match retry_in {
                Some(wait) => format!("next dial in {}", seconds(*wait)),
                None => "no dial follows".to_owned(),
            };
            let text = format!("{next}: {cause} (was live for {})", seconds(*was_live));
            (Tone::Bad, text)
        }
        Lifecycle::Renewed { channel, overlap, .. } => {
            let overlap = seconds(*overlap);
            (
                Tone::Good,
                format!("{} took over, both flowed for {overlap}", shown(channel.as_ref())),
            )
        }
        Lifecycle::Resubscribed { channel, topics } => {
            let topics = counted(*topics as u64, "topic");
            (Tone::Good, format!("{topics} confirmed by {}", shown(channel.as_ref())))
        }
        Lifecycle::Subscribed { topics, since } => {
            (Tone::Good, format!("{} covered since {}", names(topics), clock(*since)))
        }
        Lifecycle::Unsubscribed { topics } => (Tone::Plain, names(topics)),
        Lifecycle::Rejected { topic, reason, missing_permissions } => {
            let mut text = format!("{}: {reason}", topic.name());
            if !missing_permissions.is_empty() {
                text = format!("{text} ({})", missing_permissions.join(", "));
            }
            (Tone::Bad, text)
        }
        Lifecycle::Gap { topics, covered_until, resumed_at, duration, cause, .. } => {
            let (from, to) = (clock(*covered_until), clock(*resumed_at));
            let text =
                format!("{} of {}, {from} to {to}: {cause}", seconds(*duration), names(topics));
            (Tone::Loss, text)
        }
        Lifecycle::BackfillComplete { gap, topics } => {
            (Tone::Good, format!("{} of gap {gap} fetched", names(topics)))
        }
        Lifecycle::BackfillFailed { gap, topics, error, .. } => {
            (Tone::Bad, format!("{} of gap {gap} could not be fetched: {error}", names(topics)))
        }
        Lifecycle::Lagged { dropped } => {
            (Tone::Loss, format!("{} dropped: we were too slow", counted(*dropped, "event")))
        }
        Lifecycle::Stopped { reason, uncovered } => {
            let topics: usize = uncovered.iter().map(|open| open.topics.len()).sum();
            let text = match topics {
                0 => reason.to_string(),
                _ => {
                    format!("{reason}; {} not covered at the end", counted(topics as u64, "topic"))
                }
            };
            (Tone::Plain, text)
        }
        _ => (Tone::Plain, String::new()),
    }
}

/// One topic by its name, several by their number.
fn names(topics: &[Topic]) -> String {
    match topics {
        [topic] => topic.name().to_owned(),
        _ => counted(topics.len() as u64, "topic"),
    }
}

pub(crate) fn shown(channel: Option<&ChannelId>) -> String {
    channel.map_or_else(|| "socket".to_owned(), ToString::to_string)
}

/// `1 event`, `2 events`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `0.389 s` below ten seconds, `12.3 s` above; cut, as the milliseconds of the JSON lines are.
pub(crate) fn seconds(time: Duration) -> String {
    let ms = time.as_millis();
    if ms < 10_000 {
        format!("{}.{:03} s", ms / 1_000, ms % 1_000)
    } else {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    }
}

/// The time of day in UTC, with milliseconds.
fn clock(time: SystemTime) -> String {
    let text = Timestamp::from(time);
    let text = text.as_str();
    text.get(11..).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use genesys_cloud::Gone;

    use super::*;

    #[test]
    fn a_channel_that_is_lost_is_bad_news_with_its_cause() {
        let lagged = Note::new(Duration::ZERO, &Lifecycle::Lagged { dropped: 1 });
        assert_eq!((lagged.tone, lagged.what), (Tone::Loss, "lagged"));
        assert_eq!(lagged.text, "1 event dropped: we were too slow");
        let item = Lifecycle::Disconnected {
            channel: None,
            cause: Gone::WriteTimeout,
            last_inbound: None,
            was_live: Duration::from_millis(3_021),
            retry_in: Some(Duration::from_millis(250)),
        };
        let note = Note::new(Duration::ZERO, &item);
        assert_eq!(note.tone, Tone::Bad);
        let text = "next dial in 0.250 s: write not finished in time (was live for 3.021 s)";
        assert_eq!(note.text, text);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_micros(389_900)), "0.389 s");
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3 s");
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(3_723_004);
        assert_eq!(clock(time), "01:02:03.004Z");
    }
}
