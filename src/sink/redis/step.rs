//! What is kept of a routing interaction until it is written.

use serde_json::Number;

use super::keys::is_id;
use crate::events::bodies::RoutingInteraction;
use crate::sink::event_sink::Encoded;

/// Longest text that is stored, in bytes; the platform's have a few dozen.
const TEXT_LENGTH: usize = 1_024;
/// Longest wait, in milliseconds: thirty years. Sums of millions of these stay far below what Redis can count.
const LONGEST_WAIT: u64 = 1_000_000_000_000;

/// One step of an interaction in a queue, as it is added to the queue's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStep {
    pub(super) queue: Box<str>,
    pub(super) wait_ms: u64,
    pub(super) status: Option<Box<str>>,
    pub(super) event_type: Option<Box<str>>,
    pub(super) timestamp: Option<Box<str>>,
}

impl QueueStep {
    /// The queue.
    pub fn queue_id(&self) -> &str {
        &self.queue
    }

    /// The wait in milliseconds; 0 when the event had none.
    pub fn wait_ms(&self) -> u64 {
        self.wait_ms
    }

    /// The step of an event, or why there is none.
    pub(super) fn of(event: RoutingInteraction) -> Encoded<Self> {
        let Some(queue) = event.queue_id.filter(|id| !id.is_empty()) else {
            return Encoded::Skipped;
        };
        if !is_id(&queue) {
            return Encoded::refused("its queue id has characters that no id has, or too many");
        }
        let Some(wait_ms) = event.wait_time.map_or(Some(0), |wait| milliseconds(&wait)) else {
            return Encoded::refused("its wait is negative or longer than thirty years");
        };
        let timestamp = event.timestamp.map(|time| Box::from(time.as_str()));
        let texts = [&event.agent_status, &event.event_type, &timestamp];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT_LENGTH) {
            return Encoded::refused("its status, type or timestamp is longer than 1,024 bytes");
        }
        let length: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        let bytes = size_of::<Self>() + queue.len() + length;
        let (status, event_type) = (event.agent_status, event.event_type);
        Encoded::record(Self { queue, wait_ms, status, event_type, timestamp }, bytes)
    }
}

/// Whole milliseconds; a fraction is rounded to the nearest.
fn milliseconds(wait: &Number) -> Option<u64> {
    let whole = if let Some(whole) = wait.as_u64() {
        whole
    } else {
        let wait = wait.as_f64()?;
        if !(0.0..=1e12).contains(&wait) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^12")]
        let whole = wait.round() as u64;
        whole
    };
    (whole <= LONGEST_WAIT).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Encoded<QueueStep> {
        QueueStep::of(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn missing_and_null_fields_are_taken_and_an_event_without_a_queue_is_skipped() {
        let Encoded::Record { record, .. } = of(r#"{"queueId":"q","agentStatus":null}"#) else {
            panic!("not taken");
        };
        assert_eq!((record.queue_id(), record.wait_ms(), &record.status), ("q", 0, &None));
        assert_eq!(of("{}"), Encoded::Skipped);
        assert_eq!(of(r#"{"queueId":null,"waitTime":1}"#), Encoded::Skipped);
        assert_eq!(of(r#"{"queueId":""}"#), Encoded::Skipped);
    }

    #[test]
    fn a_queue_id_that_is_no_id_is_refused_and_not_written() {
        for id in ["a:b", "{x}", "a\\nb", "a\\r\\nSET x y", "a b", "\\u0000"] {
            let found = of(&format!(r#"{{"queueId":"{id}","waitTime":1}}"#));
            assert!(matches!(found, Encoded::Refused(_)), "{id}: {found:?}");
        }
    }

    #[test]
    fn waits_are_whole_milliseconds_and_never_negative() {
        let wait = |text: &str| match of(&format!(r#"{{"queueId":"q","waitTime":{text}}}"#)) {
            Encoded::Record { record, .. } => Some(record.wait_ms()),
            _ => None,
        };
        assert_eq!(wait("4200"), Some(4_200));
        assert_eq!(wait("250.0"), Some(250));
        assert_eq!(wait("12.5"), Some(13));
        assert_eq!(wait("1e3"), Some(1_000));
        assert_eq!(wait("1000000000000"), Some(LONGEST_WAIT));
        for bad in ["-1", "-0.6", "1000000000001", "1e300", "18446744073709551615"] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_that_is_far_too_long_is_refused() {
        let long = "x".repeat(TEXT_LENGTH + 1);
        let found = of(&format!(r#"{{"queueId":"q","agentStatus":"{long}"}}"#));
        assert!(matches!(found, Encoded::Refused(_)));
    }
}
