//! For each of the ten frames, a struct of three of its fields as one would write it by hand; it loses the rest.

use serde::Deserialize;

/// A struct of three fields.
macro_rules! three {
    ($name:ident { $($field:ident: $type:ty = $json:literal),* }) => {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only read from JSON")]
        pub(crate) struct $name { $(#[serde(rename = $json)] $field: Option<$type>),* }
    };
}

three!(Presence {
    source: String = "source",
    primary: bool = "primary",
    date: String = "modifiedDate"
});
three!(Routing {
    id: String = "id",
    status: Status = "routingStatus",
    error: String = "errorInfo"
});
three!(Status { user: String = "userId", state: String = "status", start: String = "startTime" });
three!(Call {
    id: String = "id",
    recording: String = "recordingState",
    address: String = "address"
});
three!(Group { queue: String = "queueId", media: String = "mediaType", flow: String = "flowId" });
three!(Figures { group: Group = "group", a: bool = "none", b: bool = "nothing" });
three!(Activity { id: String = "id", status: Status = "routingStatus", queues: Vec<String> = "activeQueueIds" });
three!(Transcript {
    id: String = "conversationId",
    time: String = "eventTime",
    leg: String = "communicationId"
});
three!(UserEnd { time: i64 = "eventTime", id: String = "conversationId", user: String = "userId" });
three!(Progress {
    called: f64 = "numberOfContactsCalled",
    total: f64 = "totalNumberOfContacts",
    percent: i64 = "percentage"
});
three!(Adherence {
    state: String = "adherenceState",
    impact: String = "impact",
    since: String = "adherenceChangeTime"
});
three!(Workitem { id: String = "id", name: String = "name", status: String = "statusId" });
