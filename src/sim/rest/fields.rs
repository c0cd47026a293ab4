//! What filters and groups can ask of a conversation, by the names of its dimensions.

use std::borrow::Cow;

use super::conversation::{Conversation, Participant, Segment};
use super::filter::Row;
use super::plan::AGENT;

/// One segment with all that stands above it; less for what is about more.
#[derive(Clone, Copy)]
pub(super) struct Place<'c, 'a> {
    pub(super) conversation: &'c Conversation<'a>,
    pub(super) participant: Option<&'c Participant<'a>>,
    pub(super) segment: Option<&'c Segment<'a>>,
    pub(super) division: &'c str,
}

/// Every segment of a conversation.
pub(super) fn places<'c, 'a>(
    conversation: &'c Conversation<'a>,
    division: &'c str,
) -> impl Iterator<Item = Place<'c, 'a>> {
    conversation.participants.iter().flat_map(move |participant| {
        participant.segments.iter().map(move |segment| Place {
            conversation,
            participant: Some(participant),
            segment: Some(segment),
            division,
        })
    })
}

impl Place<'_, '_> {
    /// What a session as a whole has: its last end, its only queue.
    fn of_session(&self, name: &str) -> Option<Cow<'_, str>> {
        let plan = &self.conversation.plan;
        let participant = self.participant?;
        let from_agent = participant.place == AGENT;
        Some(match name {
            "purpose" => participant.purpose.into(),
            "userId" => plan.agent.filter(|_| from_agent)?.id.as_str().into(),
            "participantName" => plan.agent.filter(|_| from_agent)?.name.as_str().into(),
            "sessionId" => plan.sessions.get(participant.place)?.to_string().into(),
            "peerId" if participant.place > 0 => plan.sessions[0].to_string().into(),
            "flowId" => participant.flow?.id.as_str().into(),
            "flowName" => participant.flow?.name.into(),
            "flowType" => participant.flow?.kind.into(),
            "exitReason" => participant.flow.map(|_| "TRANSFER")?.into(),
            _ => return self.of_segment(name),
        })
    }

    fn of_segment(&self, name: &str) -> Option<Cow<'_, str>> {
        let all = self.participant.map_or(&[][..], |participant| participant.segments.as_slice());
        // Without a segment it is about the session: what any of its segments has.
        let one = self.segment.map_or(all, std::slice::from_ref);
        let first = |of: &dyn Fn(&Segment<'_>) -> Option<String>| one.iter().find_map(of);
        let text = |text: Option<&str>| text.map(str::to_owned);
        let found = match name {
            "queueId" => first(&|one| text(one.queue)),
            "disconnectType" => first(&|one| text(one.disconnect)),
            "errorCode" => first(&|one| one.error()),
            "wrapUpCode" => first(&|one| text(one.wrap_up)),
            "segmentType" => self.segment.map(|one| one.kind.to_owned()),
            "sipResponseCode" => first(&|one| {
                one.carrier.filter(|(kind, ..)| *kind == "sip").map(|(_, code, _)| code.to_string())
            }),
            "conference" => self.segment.map(|_| "false".to_owned()),
            _ => None,
        };
        found.map(Cow::Owned)
    }
}

impl Row for Place<'_, '_> {
    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let plan = &self.conversation.plan;
        Some(match name {
            "conversationId" => plan.id.to_string().into(),
            "divisionId" => self.division.into(),
            "originatingDirection" | "direction" => "inbound".into(),
            "mediaType" => plan.media.into(),
            "remote" => plan.remote.into(),
            "ani" => match plan.media {
                "voice" | "callback" => plan.ani.to_string().into(),
                _ => return None,
            },
            "addressFrom" => match plan.media {
                "voice" | "callback" => return None,
                _ => plan.ani.to_string().into(),
            },
            "provider" if plan.media == "voice" => "Edge".into(),
            _ => return self.of_session(name),
        })
    }

    fn number(&self, name: &str) -> Option<f64> {
        if name == "mediaStatsMinConversationMos" {
            return self.conversation.mos;
        }
        self.time(name).map(as_number).or_else(|| self.text(name)?.parse().ok())
    }

    fn time(&self, name: &str) -> Option<i64> {
        match name {
            "conversationStart" => Some(self.conversation.plan.started),
            "conversationEnd" => self.conversation.plan.ended,
            "segmentEnd" => self.segment?.end,
            _ => None,
        }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        if name == "tSegmentDuration" {
            let segment = self.segment?;
            return Some(as_number(segment.end? - segment.start));
        }
        let metrics = self.conversation.participants.iter().flat_map(|one| &one.metrics);
        let mut sum = None;
        for metric in metrics.filter(|metric| metric.name == name) {
            sum = Some(sum.unwrap_or(0.0) + as_number(metric.value));
        }
        sum
    }
}

/// Times and durations are far below 2^52 ms.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn as_number(value: i64) -> f64 {
    value as f64
}
