//! One frame of each kind, as the platform writes it, and what a user reads from it.

use std::time::{Duration, SystemTime};

use genesys_cloud::bodies::{
    CommunicationState, Conversation, Direction, DisconnectReasonType, DisconnectType,
    RoutingState, SystemReason, UserPresence,
};
use genesys_cloud::{Event, Frame, Json, Timestamp};
use serde_json::Value;

const PRESENCE: &str = r#"
{ "topicName": "v2.users.8f0c0000-0000-4000-8000-0000000000e1.presence", "version": "2",
  "eventBody": { "source": "PURECLOUD",
    "presenceDefinition": {"id": "e08eaf1b-0000-4000-8000-000000000001", "systemPresence": "ON_QUEUE"},
    "primary": true, "message": "", "modifiedDate": "2026-03-04T09:01:10.120Z" },
  "metadata": {"CorrelationId": "290034f4-0000-4000-8000-0000000000aa"} }"#;

const ROUTING_STATUS: &str = r#"
{ "topicName": "v2.users.8f0c0000-0000-4000-8000-0000000000e1.routingStatus", "version": "2",
  "eventBody": { "id": "8f0c0000-0000-4000-8000-0000000000e1",
    "routingStatus": {"status": "INTERACTING", "startTime": "2026-03-04T09:12:20.010Z"} },
  "metadata": {"CorrelationId": "4be1"} }"#;

const CONVERSATION: &str = r#"
{ "topicName": "v2.users.8f0c.conversations", "version": "2",
  "eventBody": { "id": "a7c1", "recordingState": "ACTIVE", "participants": [
    { "id": "p1", "purpose": "customer", "name": "Chris Caller", "address": "tel:+15550100", "queueId": "77aa",
      "connectedTime": "2026-03-04T09:12:01.114Z", "wrapupRequired": false, "mediaRoles": ["full"], "attributes": {},
      "calls": [ {"id": "s1", "state": "connected", "initialState": "offering", "direction": "inbound", "held": false,
        "muted": false, "confined": false, "recording": true, "recordingState": "active", "securePause": false,
        "provider": "Edge", "connectedTime": "2026-03-04T09:12:01.300Z", "disconnectType": null, "disconnectReasons": []} ] },
    { "id": "p2", "purpose": "agent", "userId": "8f0c", "name": "Kim Agent", "queueId": "77aa",
      "connectedTime": "2026-03-04T09:12:20.000Z", "endTime": "2026-03-04T09:15:40.002Z", "wrapupRequired": true,
      "wrapupPrompt": "optional", "mediaRoles": ["full"], "attributes": {"case": "4711"},
      "calls": [ {"id": "s2", "state": "disconnected", "initialState": "alerting", "direction": "inbound", "held": false,
        "muted": false, "confined": false, "peerId": "s1", "provider": "Edge", "publicIpAddress": "203.0.113.7",
        "connectedTime": "2026-03-04T09:12:20.000Z", "disconnectedTime": "2026-03-04T09:15:40.002Z",
        "disconnectType": "transport.failure",
        "disconnectReasons": [ {"type": "q850", "code": 38, "phrase": "Network out of order", "reason": "network"} ],
        "afterCallWork": {"state": "pending"}, "afterCallWorkRequired": true} ] } ] },
  "metadata": {"CorrelationId": "6f1d"} }"#;

const OBSERVATIONS: &str = r#"
{ "topicName": "v2.analytics.queues.77aa.observations", "version": "2",
  "eventBody": { "group": {"queueId": "77aa", "mediaType": "voice"},
    "data": [ { "interval": "2026-03-04T09:12:12.000Z/2026-03-04T09:12:12.000Z",
      "metrics": [ {"metric": "oWaiting", "stats": {"count": 0}}, {"metric": "oInteracting", "stats": {"count": 4}} ] } ] },
  "metadata": {"CorrelationId": "be77"} }"#;

const TOKEN_REVOKED: &str = r#"
{ "topicName": "v2.system.token_revoked.8f0c", "version": "2",
  "eventBody": { "channelId": "streaming-7-k2m1", "systemTopicType": "token_revoked", "reason": "user_tokens_revoked",
    "organizationId": "0f5b", "userId": "8f0c", "oauthClientId": "c11e", "message": "token revoked", "data": {} },
  "metadata": {"CorrelationId": "77"} }"#;

const SOCKET_CLOSING: &str = r#"
{ "topicName": "v2.system.socket_closing", "version": "2",
  "eventBody": { "message": "closing in 60 seconds", "channelId": "streaming-7-k2m1" }, "metadata": {"CorrelationId": "9a"} }"#;

const HEARTBEAT: &str =
    r#"{ "topicName": "channel.metadata", "eventBody": { "message": "WebSocket Heartbeat" } }"#;

/// A topic that has no type without its feature.
const USER_END: &str = r#"
{ "topicName": "v2.detail.events.conversation.a7c1.user.end", "version": "2",
  "eventBody": { "eventTime": 1772615740002, "conversationId": "a7c1", "mediaType": "VOICE", "heldDurationMs": 0 },
  "metadata": {"CorrelationId": "31aa"} }"#;

/// A topic that the platform may have one day.
const NOBODY_KNOWS: &str = r#"
{ "topicName": "v2.brand.new.a7c1.things", "version": "2", "eventBody": { "eventTime": 1772615740002 },
  "metadata": {"CorrelationId": "31aa"} }"#;

fn decode(text: &str) -> Frame {
    Frame::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_sample_has_its_variant_and_is_written_as_it_was_read() {
    for (text, variant, id) in [
        (PRESENCE, "UsersPresence", "8f0c0000-0000-4000-8000-0000000000e1"),
        (ROUTING_STATUS, "UsersRoutingStatus", "8f0c0000-0000-4000-8000-0000000000e1"),
        (CONVERSATION, "UsersConversations", "8f0c"),
        (OBSERVATIONS, "AnalyticsQueuesObservations", "77aa"),
        (TOKEN_REVOKED, "System", "8f0c"),
        (SOCKET_CLOSING, "System", ""),
        (HEARTBEAT, "ChannelMetadata", ""),
        (NOBODY_KNOWS, "Unrecognized", "a7c1"),
    ] {
        let frame = decode(text);
        assert_eq!((frame.event.variant(), frame.topic.id()), (variant, id), "{text}");
        assert_eq!(Frame::peek_topic(text).as_deref(), Some(frame.topic.name()));
        let value: Value = serde_json::from_str(text).expect("a sample is JSON");
        assert_eq!(serde_json::to_value(&frame).expect("JSON"), value, "{text}");
        let line = serde_json::to_string(&frame).expect("JSON");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[test]
fn presence() {
    let frame = decode(PRESENCE);
    let Event::UsersPresence(presence) = &frame.event else { panic!("{frame:?}") };
    let definition = presence.presence_definition.as_ref().expect("a definition");
    assert_eq!(definition.system_presence.as_deref(), Some("ON_QUEUE"));
    assert_eq!((presence.primary, presence.message.as_deref()), (Some(true), Some("")));
    let changed = presence.modified_date.as_ref().and_then(Timestamp::to_system_time);
    let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(1_772_614_870_120);
    assert_eq!(changed, Some(expected));
    assert_eq!(frame.correlation_id().as_deref(), Some("290034f4-0000-4000-8000-0000000000aa"));
    assert_eq!(frame.version().map(Json::as_str), Some("\"2\""));
}

#[test]
fn routing_status() {
    let Event::UsersRoutingStatus(body) = decode(ROUTING_STATUS).event else { panic!() };
    let status = body.routing_status.expect("a status");
    assert_eq!(status.status, Some(RoutingState::Interacting));
}

#[test]
fn an_unknown_status_is_kept() {
    let text = ROUTING_STATUS.replace("INTERACTING", "DAYDREAMING");
    let Event::UsersRoutingStatus(body) = decode(&text).event else { panic!() };
    let status = body.routing_status.and_then(|status| status.status);
    assert_eq!(status, Some(RoutingState::Other("DAYDREAMING".into())));
}

#[test]
fn a_conversation_of_a_user_and_of_a_queue() {
    let of_queue = CONVERSATION.replace("v2.users.8f0c", "v2.routing.queues.77aa");
    let Event::UsersConversations(conversation) = decode(CONVERSATION).event else { panic!() };
    let Event::RoutingQueuesConversations(same) = decode(&of_queue).event else { panic!() };
    assert_eq!(conversation, same);

    let participants = conversation.participants.as_deref().expect("participants");
    let [customer, agent] = participants else { panic!("{participants:?}") };
    let case = agent.attributes.as_ref().and_then(|attributes| attributes.get("case"));
    assert_eq!(case.map(|case| &**case), Some("4711"));
    let call = |calls: &Option<Vec<_>>| calls.as_ref().and_then(|calls| calls.first().cloned());
    let held: genesys_cloud::bodies::Call = call(&customer.calls).expect("a call");
    assert_eq!((held.state, held.disconnect_type), (Some(CommunicationState::Connected), None));
    let lost = call(&agent.calls).expect("a call");
    assert_eq!(lost.direction, Some(Direction::Inbound));
    assert_eq!(lost.disconnect_type, Some(DisconnectType::TransportFailure));
    let reasons = lost.disconnect_reasons.expect("reasons");
    assert_eq!(
        (reasons[0].type_.clone(), reasons[0].code),
        (Some(DisconnectReasonType::Q850), Some(38))
    );
}

#[test]
fn observations() {
    let Event::AnalyticsQueuesObservations(body) = decode(OBSERVATIONS).event else { panic!() };
    let group = body.group.expect("a group");
    assert_eq!(group.get("mediaType").map(|media| &**media), Some("voice"));
    let data = body.data.expect("data");
    let metrics = data[0].metrics.as_deref().expect("metrics");
    let counts: Vec<_> = metrics
        .iter()
        .map(|metric| {
            let count = metric.stats.as_ref().and_then(|stats| stats.get("count"));
            (metric.metric.as_deref(), count.and_then(serde_json::Number::as_i64))
        })
        .collect();
    assert_eq!(counts, [(Some("oWaiting"), Some(0)), (Some("oInteracting"), Some(4))]);
}

#[test]
fn a_system_message_does_not_print_its_channel() {
    let Event::System(body) = decode(TOKEN_REVOKED).event else { panic!() };
    assert_eq!(body.reason, Some(SystemReason::UserTokensRevoked));
    assert!(!format!("{body:?}").contains("k2m1"), "{body:?}");
}

#[test]
fn a_topic_without_a_type_keeps_its_body() {
    let Event::Unrecognized { topic, body } = decode(NOBODY_KNOWS).event else { panic!() };
    assert_eq!(topic.id(), "a7c1");
    assert!(body.get().contains("1772615740002"));
}

#[cfg(not(feature = "detail-events"))]
#[test]
fn a_topic_whose_feature_is_off_keeps_its_body_and_knows_its_id() {
    let frame = decode(USER_END);
    let Event::Unrecognized { topic, body } = &frame.event else { panic!("{frame:?}") };
    assert_eq!(topic.id(), "a7c1");
    assert!(body.get().contains("1772615740002"));
    let value: Value = serde_json::from_str(USER_END).expect("a sample is JSON");
    assert_eq!(serde_json::to_value(&frame).expect("JSON"), value);
}

#[cfg(feature = "detail-events")]
#[test]
fn a_topic_whose_feature_is_on_is_typed() {
    let frame = decode(USER_END);
    let Event::DetailEventsConversationUserEnd(body) = &frame.event else { panic!("{frame:?}") };
    assert_eq!((body.event_time, body.held_duration_ms), (Some(1_772_615_740_002), Some(0)));
    assert_eq!(body.conversation_id.as_deref(), Some("a7c1"));
}

#[test]
fn a_body_is_found_by_its_type_whatever_its_topic() {
    let of_queue = CONVERSATION.replace("v2.users.8f0c", "v2.routing.queues.77aa");
    for text in [CONVERSATION, &of_queue] {
        let event = decode(text).event;
        let conversation = event.body_as::<Conversation>().expect("a conversation");
        assert_eq!(conversation.id.as_deref(), Some("a7c1"));
        assert!(event.body_as::<UserPresence>().is_none());
        assert!(event.clone().into_body::<UserPresence>().is_none());
        assert!(event.into_body::<Conversation>().is_some());
    }
    assert!(decode(NOBODY_KNOWS).event.body_as::<Conversation>().is_none());
}
