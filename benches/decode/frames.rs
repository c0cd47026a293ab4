//! Ten frames as the platform writes them.

use crate::readers::{one_pass, two_passes};
use crate::{plain, three};

/// One frame.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    topic: &'static str,
    body: &'static str,
    /// Reads a struct of its fields as it finds the body.
    pub(crate) one_pass: fn(&str),
    /// Reads three of its fields.
    pub(crate) three: fn(&str),
    /// Reads the same when it has found the end of the body.
    pub(crate) two_passes: fn(&str),
}

impl Sample {
    pub(crate) fn text(&self) -> String {
        frame(self.topic, self.body)
    }
}

/// A topic of conversations.
pub(crate) const CONVERSATIONS: &str =
    "v2.users.8f0c0000-0000-4000-8000-0000000000e1.conversations";

fn frame(topic: &str, body: &str) -> String {
    let id = "290034f4-0000-4000-8000-0000000000aa";
    format!(
        r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{id}"}}}}"#
    )
}

/// A conversation with as many participants as fit into so many bytes.
pub(crate) fn conversation_of(topic: &str, bytes: usize) -> String {
    let count = (bytes / PARTICIPANT.len()).max(1);
    let participants = vec![PARTICIPANT; count].join(",");
    frame(topic, &format!(r#"{{"id":"a7c1","participants":[{participants}]}}"#))
}

const PARTICIPANT: &str = r#"{"id":"0b6e0000-0000-4000-8000-000000000001","purpose":"agent","name":"Kim Agent","address":"tel:+15550100","queueId":"77aa0000-0000-4000-8000-000000000001","userId":"8f0c0000-0000-4000-8000-0000000000e1","connectedTime":"2026-03-04T09:12:20.000Z","wrapupRequired":true,"wrapupPrompt":"optional","mediaRoles":["full"],"attributes":{"caseNumber":"4711"},"calls":[{"id":"51de0000-0000-4000-8000-000000000001","state":"disconnected","initialState":"alerting","direction":"inbound","held":false,"muted":false,"confined":false,"recording":true,"recordingState":"active","securePause":false,"provider":"Edge","connectedTime":"2026-03-04T09:12:20.000Z","disconnectType":null,"disconnectReasons":[],"self":{"name":"Kim Agent","addressNormalized":"sip:kim@example.com"},"afterCallWork":{"state":"pending"}}]}"#;

/// The frames.
pub(crate) const FRAMES: &[Sample] = &[
    Sample {
        name: "presence",
        topic: "v2.users.8f0c0000-0000-4000-8000-0000000000e1.presence",
        body: r#"{"source":"PURECLOUD","presenceDefinition":{"id":"e08eaf1b-0000-4000-8000-000000000001","systemPresence":"ON_QUEUE"},"primary":true,"message":"","modifiedDate":"2026-03-04T09:01:10.120Z"}"#,
        one_pass: one_pass::<plain::Presence>,
        three: one_pass::<three::Presence>,
        two_passes: two_passes::<plain::Presence>,
    },
    Sample {
        name: "routing status",
        topic: "v2.users.8f0c0000-0000-4000-8000-0000000000e1.routingStatus",
        body: r#"{"id":"8f0c0000-0000-4000-8000-0000000000e1","routingStatus":{"userId":"8f0c0000-0000-4000-8000-0000000000e1","status":"INTERACTING","startTime":"2026-03-04T09:12:20.010Z"},"errorInfo":null}"#,
        one_pass: one_pass::<plain::Routing>,
        three: one_pass::<three::Routing>,
        two_passes: two_passes::<plain::Routing>,
    },
    Sample {
        name: "conversation",
        topic: CONVERSATIONS,
        body: r#"{"id":"a7c10000-0000-4000-8000-000000000090","recordingState":"ACTIVE","maxParticipants":3,"participants":[{"id":"0b6e0000-0000-4000-8000-000000000001","purpose":"customer","name":"Chris Caller","address":"tel:+15550100","connectedTime":"2026-03-04T09:12:01.114Z","wrapupRequired":false,"mediaRoles":["full"],"attributes":{},"calls":[{"id":"51de0000-0000-4000-8000-000000000001","state":"connected","initialState":"offering","direction":"inbound","held":false,"muted":false,"confined":false,"recording":true,"recordingState":"active","securePause":false,"provider":"Edge","connectedTime":"2026-03-04T09:12:01.300Z","disconnectType":null,"disconnectReasons":[],"self":{"name":"Chris Caller","addressNormalized":"tel:+15550100"}}]},{"id":"0b6e0000-0000-4000-8000-000000000002","purpose":"agent","userId":"8f0c0000-0000-4000-8000-0000000000e1","name":"Kim Agent","queueId":"77aa0000-0000-4000-8000-000000000001","connectedTime":"2026-03-04T09:12:20.000Z","endTime":"2026-03-04T09:15:40.002Z","wrapupRequired":true,"wrapupPrompt":"optional","mediaRoles":["full"],"attributes":{"case":"4711"},"calls":[{"id":"51de0000-0000-4000-8000-000000000002","state":"disconnected","initialState":"alerting","direction":"inbound","held":false,"muted":false,"confined":false,"recording":false,"provider":"Edge","connectedTime":"2026-03-04T09:12:20.000Z","disconnectedTime":"2026-03-04T09:15:40.002Z","disconnectType":"transport.failure","disconnectReasons":[{"type":"q850","code":38,"phrase":"Network out of order"}],"afterCallWork":{"state":"pending"},"afterCallWorkRequired":true}]}]}"#,
        one_pass: one_pass::<plain::Conversation>,
        three: one_pass::<three::Call>,
        two_passes: two_passes::<plain::Conversation>,
    },
    Sample {
        name: "queue observations",
        topic: "v2.analytics.queues.77aa0000-0000-4000-8000-000000000001.observations",
        body: r#"{"group":{"queueId":"77aa0000-0000-4000-8000-000000000001","mediaType":"voice"},"data":[{"interval":"2026-03-04T09:12:12.000Z/2026-03-04T09:12:12.000Z","metrics":[{"metric":"oWaiting","stats":{"count":4}},{"metric":"oInteracting","stats":{"count":12}},{"metric":"oOnQueueUsers","qualifier":"IDLE","stats":{"count":3}},{"metric":"oActiveUsers","stats":{"count":17}}]}]}"#,
        one_pass: one_pass::<plain::Observations>,
        three: one_pass::<three::Figures>,
        two_passes: two_passes::<plain::Observations>,
    },
    Sample {
        name: "user activity",
        topic: "v2.users.8f0c0000-0000-4000-8000-0000000000e1.activity",
        body: r#"{"id":"8f0c0000-0000-4000-8000-0000000000e1","routingStatus":{"status":"IDLE","startTime":"2026-03-04T09:12:20.010Z"},"presence":{"presenceDefinition":{"id":"e08eaf1b-0000-4000-8000-000000000001","systemPresence":"ON_QUEUE"},"presenceMessage":"","modifiedDate":"2026-03-04T09:01:10.120Z"},"outOfOffice":{"active":false,"modifiedDate":"2026-03-01T08:00:00.000Z"},"activeQueueIds":["77aa0000-0000-4000-8000-000000000001","77aa0000-0000-4000-8000-000000000002"],"dateActiveQueuesChanged":"2026-03-04T09:01:10.120Z"}"#,
        one_pass: one_pass::<plain::Activity>,
        three: one_pass::<three::Activity>,
        two_passes: two_passes::<plain::Activity>,
    },
    Sample {
        name: "transcript",
        topic: "v2.conversations.a7c10000-0000-4000-8000-000000000090.transcription",
        body: r#"{"eventTime":"2026-03-04T09:12:31.120Z","organizationId":"0f5b0000-0000-4000-8000-000000000001","conversationId":"a7c10000-0000-4000-8000-000000000090","communicationId":"51de0000-0000-4000-8000-000000000001","sessionStartTimeMs":1772615540002,"transcriptionStartTimeMs":1772615541870,"transcripts":[{"utteranceId":"c0de0000-0000-4000-8000-000000000001","isFinal":true,"channel":"EXTERNAL","alternatives":[{"confidence":0.8731,"offsetMs":11870,"durationMs":1540,"transcript":"where is my order","words":[{"confidence":0.9412,"offsetMs":11870,"durationMs":310,"word":"where"},{"confidence":0.8804,"offsetMs":12200,"durationMs":190,"word":"is"},{"confidence":0.7931,"offsetMs":12410,"durationMs":240,"word":"my"},{"confidence":0.8777,"offsetMs":12700,"durationMs":710,"word":"order"}]}],"engineProvider":"GENESYS","engineId":"r2d2","engineName":"GENESYS EVTS","dialect":"en-US","agentAssistEnabled":false,"voiceTranscriptionEnabled":true}]}"#,
        one_pass: one_pass::<plain::Transcription>,
        three: one_pass::<three::Transcript>,
        two_passes: two_passes::<plain::Transcription>,
    },
    Sample {
        name: "detail event, user end",
        topic: "v2.detail.events.conversation.a7c10000-0000-4000-8000-000000000090.user.end",
        body: r#"{"eventTime":1772615740002,"conversationId":"a7c10000-0000-4000-8000-000000000090","participantId":"0b6e0000-0000-4000-8000-000000000002","sessionId":"51de0000-0000-4000-8000-000000000002","disconnectType":"PEER","mediaType":"VOICE","provider":"Edge","direction":"INBOUND","ani":"tel:+15550100","dnis":"tel:+15550199","userId":"8f0c0000-0000-4000-8000-0000000000e1","divisionId":"d1f10000-0000-4000-8000-000000000001","queueId":"77aa0000-0000-4000-8000-000000000001","interactingDurationMs":200002,"heldDurationMs":0,"alertingDurationMs":4120}"#,
        one_pass: one_pass::<plain::UserEnd>,
        three: one_pass::<three::UserEnd>,
        two_passes: two_passes::<plain::UserEnd>,
    },
    Sample {
        name: "campaign progress",
        topic: "v2.outbound.campaigns.ca3f0000-0000-4000-8000-000000000001.progress",
        body: r#"{"campaign":{"id":"ca3f0000-0000-4000-8000-000000000001","name":"Spring"},"numberOfContactsCalled":1204.0,"numberOfContactsMessaged":0.0,"totalNumberOfContacts":5000.0,"percentage":24,"numberOfContactsSkipped":{"UNCALLABLE":17,"ATTEMPT_LIMIT":3},"additionalProperties":{}}"#,
        one_pass: one_pass::<plain::Progress>,
        three: one_pass::<three::Progress>,
        two_passes: two_passes::<plain::Progress>,
    },
    Sample {
        name: "adherence",
        topic: "v2.users.8f0c0000-0000-4000-8000-0000000000e1.workforcemanagement.adherence",
        body: r#"{"user":{"id":"8f0c0000-0000-4000-8000-0000000000e1"},"managementUnitId":"3a3a0000-0000-4000-8000-000000000001","businessUnitId":"b0b00000-0000-4000-8000-000000000001","scheduledActivityCategory":"OnQueueWork","systemPresence":"On Queue","routingStatus":"INTERACTING","actualActivityCategory":"OnQueueWork","isOutOfOffice":false,"adherenceState":"InAdherence","impact":"Neutral","adherenceChangeTime":"2026-03-04T09:00:00.000Z","presenceUpdateTime":"2026-03-04T09:01:10.120Z","activeQueues":[{"id":"77aa0000-0000-4000-8000-000000000001"}],"removedFromManagementUnit":false,"nextActivityReminders":[{"activityCategory":"Break","startDate":"2026-03-04T10:30:00.000Z"}]}"#,
        one_pass: one_pass::<plain::Adherence>,
        three: one_pass::<three::Adherence>,
        two_passes: two_passes::<plain::Adherence>,
    },
    Sample {
        name: "work item",
        topic: "v2.taskmanagement.workitems.3e3e0000-0000-4000-8000-000000000001",
        body: r#"{"id":"3e3e0000-0000-4000-8000-000000000001","name":"Refund 4711","typeId":"7e7e0000-0000-4000-8000-000000000001","priority":500,"dateCreated":"2026-03-04T09:00:00.000Z","dateModified":"2026-03-04T09:12:20.010Z","durationSeconds":600,"ttl":1780000000,"statusId":"57a70000-0000-4000-8000-000000000001","statusCategory":"InProgress","workbinId":"b1b10000-0000-4000-8000-000000000001","assigneeId":"8f0c0000-0000-4000-8000-0000000000e1","operation":"update","changes":[{"op":"replace","field":"assigneeId","oldValue":null,"newValue":"8f0c0000-0000-4000-8000-0000000000e1"}],"assignmentState":"Connected","queueId":"77aa0000-0000-4000-8000-000000000001","customFields":{"amount_decimal":{"dataType":"decimal","value":"19.90"}},"skillIds":["5c110000-0000-4000-8000-000000000001"]}"#,
        one_pass: one_pass::<plain::Workitem>,
        three: one_pass::<three::Workitem>,
        two_passes: two_passes::<plain::Workitem>,
    },
];
