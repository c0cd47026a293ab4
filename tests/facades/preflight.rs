//! A preflight: everything there, and each thing missing or unknown by itself.

use std::time::Instant;

use genesys_cloud::{
    Grant, NoLimit, Preflight, PreflightLine, PreflightState, PreflightSubject as Subject,
    Priority, RateLimiter, Requirements, WindowState,
};
use serde_json::{Value, json};

use crate::rig::{Call, Rig, forbidden, refusal};
use PreflightState::{Missing, Ok as Good, Unknown};

const TOKEN: &str = "GET /api/v2/tokens/me";
const ORGANIZATION: &str = "GET /api/v2/organizations/me";
const LIMITS: &str = "GET /api/v2/organizations/limits/namespaces/platform.api";
const TOPICS: &str = "GET /api/v2/notifications/availabletopics";
const CHANNELS: &str = "GET /api/v2/notifications/channels";
const INTEGRATIONS: &str = "GET /api/v2/integrations";
const GRANTS: &str = "GET /api/v2/authorization/subjects/me";
const QUEUES: &str = "GET /api/v2/routing/queues";
const DETAILS: &str = "GET /api/v2/analytics/conversations/details/jobs/availability";

fn needs() -> Requirements {
    Requirements::new()
        .scope("notifications")
        .permission("routing:queue:view")
        .topic_template("v2.detail.events.conversation.{id}.acw")
        .unwrap()
        .integration_type("premium-app-example")
        .channels(2)
        .requests_per_minute(60)
}

fn integration(intended: &str, reported: &str) -> Value {
    json!({
        "id": "i", "name": "Acme Wallboard", "integrationType": { "id": "premium-app-example" },
        "intendedState": intended, "reportedState": { "code": reported },
    })
}

/// An organisation in which everything is there, as client credentials see it.
fn good(call: &Call) -> (u16, Value) {
    let body = match call.line.as_str() {
        TOKEN => json!({
            "organization": { "id": "o", "name": "Customer" },
            "OAuthClient": { "id": "c", "name": "Wallboard", "authorizedGrantType": "CLIENT-CREDENTIALS" },
        }),
        ORGANIZATION => json!({ "id": "o", "name": "Customer", "state": "active" }),
        LIMITS => json!({ "entities": [
            { "key": "client.credentials.token.rate.per.minute", "value": 300 },
        ]}),
        TOPICS => json!({ "entities": [
            { "id": "v2.users.{id}.presence", "requiresPermissions": [] },
            {
                "id": "v2.detail.events.conversation.{id}.acw",
                "requiresPermissions": ["analytics:conversationDetail:view"],
            },
        ]}),
        CHANNELS => json!({ "entities": [{}, {}, {}] }),
        INTEGRATIONS => json!({ "entities": [integration("ENABLED", "ACTIVE")] }),
        QUEUES | DETAILS => json!({}),
        // Roles of client credentials are not listed here.
        _ => return refusal(404, "not.found", "not found"),
    };
    (200, body)
}

async fn with(
    needs: &Requirements,
    other: impl Fn(&Call) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> Preflight {
    let rig = Rig::start(move |_, call| other(call).unwrap_or_else(|| good(call))).await;
    rig.client.app_foundry().preflight(needs).await
}

fn line(report: &Preflight, subject: Subject) -> &PreflightLine {
    let mut found = report.lines.iter().filter(|line| line.subject == subject);
    found.next().unwrap_or_else(|| panic!("no line of {subject}: {report}"))
}

/// One answer is another: exactly this line is not ok any more, in this state and with these words.
async fn changed(
    path: &'static str,
    answer: (u16, Value),
    subjects: &[(Subject, PreflightState, &str)],
) {
    let report = with(&needs(), move |call| (call.line == path).then(|| answer.clone())).await;
    assert!(!report.is_ready(), "{report}");
    let bad: Vec<_> = report.lines.iter().filter(|line| line.state != Good).collect();
    assert_eq!(bad.len(), subjects.len(), "{report}");
    for (bad, (subject, state, words)) in bad.iter().zip(subjects) {
        assert_eq!((bad.subject, bad.state), (*subject, *state), "{report}");
        let remedy = bad.remedy.as_deref().unwrap_or_default();
        let text = format!("{} -> {remedy}", bad.detail);
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

#[tokio::test]
async fn everything_is_there() {
    let report = with(&needs(), |_| None).await;
    assert!(report.is_ready(), "{report}");
    let subjects: Vec<_> = report.lines.iter().map(|line| line.subject).collect();
    assert_eq!(
        subjects,
        [
            Subject::Token,
            Subject::Organization,
            Subject::Scope,
            Subject::Permission,
            Subject::Topic,
            Subject::Integration,
            Subject::Channels,
            Subject::Requests,
        ]
    );
    assert!(line(&report, Subject::Token).detail.contains("\"Wallboard\""));
    assert_eq!(&*line(&report, Subject::Channels).detail, "2 needed, 17 of 20 left");
    let shown = format!("{report} {report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains("hush"), "no token in {shown}");
    assert!(report.to_string().ends_with("ready: all 8 lines are ok"), "{report}");
}

#[tokio::test]
async fn what_is_not_required_is_not_asked_for() {
    let rig = Rig::start(|_, call| good(call)).await;
    let report = rig.client.app_foundry().preflight(&Requirements::new()).await;
    assert!(report.is_ready() && report.lines.len() == 2, "{report}");
    let mut lines = rig.lines();
    lines.sort();
    assert_eq!(lines, [ORGANIZATION, TOKEN]);
}

#[tokio::test]
async fn each_thing_can_be_missing() {
    let entities = |all: Value| (200, json!({ "entities": all }));
    let (permission, topic) = (Subject::Permission, Subject::Topic);
    let give = "give the OAuth client \"Wallboard\" a role with routing:queue:view";
    changed(QUEUES, forbidden("routing:queue:view"), &[(permission, Missing, give)]).await;
    let give = "a role with analytics:conversationDetail:view";
    changed(DETAILS, forbidden("x"), &[(topic, Missing, give)]).await;
    changed(TOPICS, entities(json!([])), &[(topic, Missing, "lists no such topic")]).await;
    let integration_line = |words| [(Subject::Integration, Missing, words)];
    changed(INTEGRATIONS, entities(json!([])), &integration_line("not installed")).await;
    let off = entities(json!([integration("DISABLED", "INACTIVE")]));
    changed(INTEGRATIONS, off, &integration_line("\"Acme Wallboard\" is not enabled")).await;
    let failing = entities(json!([integration("ENABLED", "ERROR")]));
    changed(INTEGRATIONS, failing, &integration_line("enabled, but ERROR")).await;
    let mut other = integration("ENABLED", "ACTIVE");
    other["integrationType"]["id"] = "another".into();
    changed(INTEGRATIONS, entities(json!([other])), &integration_line("not installed")).await;
    let full: Value = (0..19).map(|_| json!({})).collect();
    changed(CHANNELS, entities(full), &[(Subject::Channels, Missing, "1 of 20 left")]).await;
    let low = entities(json!([{ "key": "token.rate.per.minute", "value": 59 }]));
    changed(LIMITS, low, &[(Subject::Requests, Missing, "59 allowed")]).await;
    let deleted = (200, json!({ "name": "Customer", "state": "deleted" }));
    changed(ORGANIZATION, deleted, &[(Subject::Organization, Missing, "is deleted")]).await;
}

#[tokio::test]
async fn a_call_that_fails_is_a_line_and_ends_nothing() {
    let broken = || refusal(500, "internal.server.error", "it broke");
    let unknown = |subject| [(subject, Unknown, "it broke")];
    changed(QUEUES, broken(), &unknown(Subject::Permission)).await;
    changed(TOPICS, broken(), &unknown(Subject::Topic)).await;
    changed(INTEGRATIONS, broken(), &unknown(Subject::Integration)).await;
    changed(CHANNELS, broken(), &unknown(Subject::Channels)).await;
    changed(LIMITS, broken(), &unknown(Subject::Requests)).await;
    changed(ORGANIZATION, broken(), &unknown(Subject::Organization)).await;
    let both = [(Subject::Token, Unknown, "it broke"), (Subject::Scope, Unknown, "it broke")];
    changed(TOKEN, broken(), &both).await;
    let seen = "it takes integrations:integration:view";
    let refused = forbidden("integrations:integration:view");
    changed(INTEGRATIONS, refused, &[(Subject::Integration, Unknown, seen)]).await;
    let out_of_date = "could not be found out";
    changed(DETAILS, broken(), &[(Subject::Topic, Unknown, out_of_date)]).await;
}

#[tokio::test]
async fn a_refused_token_is_missing_and_everything_else_unknown() {
    let report = with(&needs(), |_| Some(refusal(401, "bad.credentials", "no"))).await;
    assert_eq!(line(&report, Subject::Token).state, Missing, "{report}");
    assert_eq!((report.missing().count(), report.unknown().count()), (1, 7), "{report}");
}

#[tokio::test]
async fn scopes_are_held_against_the_token_of_a_user() {
    let token = |scopes: Value| {
        json!({
            "authorizedScope": scopes,
            "OAuthClient": { "id": "c", "name": "Desk", "authorizedGrantType": "CODE" },
        })
    };
    let needs = Requirements::new().scope("routing:readonly");
    for (scopes, state) in [
        (json!(["routing:readonly"]), Good),
        (json!(["routing"]), Good),
        (json!(["routing:write", "users"]), Missing),
        (Value::Null, Missing),
    ] {
        let answer = token(scopes);
        let found = with(&needs, move |call| (call.line == TOKEN).then(|| (200, answer.clone())));
        let report = found.await;
        assert_eq!(line(&report, Subject::Scope).state, state, "{report}");
        assert!(line(&report, Subject::Token).detail.contains("a user of"), "{report}");
    }
}

#[tokio::test]
async fn roles_that_the_platform_lists_decide_and_nothing_is_tried_out() {
    let grants = json!({ "grants": [{ "role": { "name": "Viewer", "policies": [
        { "domain": "routing", "entityName": "*", "actions": ["view"] },
    ]}}]});
    let rig = Rig::start(move |_, call| match call.line.as_str() {
        GRANTS => (200, grants.clone()),
        _ => good(call),
    })
    .await;
    let needs = Requirements::new()
        .permission("routing:queue:view")
        .permission("routing:queue:edit")
        .permission("novel:thing:view");
    let report = rig.client.app_foundry().preflight(&needs).await;
    let found: Vec<_> = report.lines[2..].iter().map(|line| (&*line.name, line.state)).collect();
    let wanted = [
        ("novel:thing:view", Missing),
        ("routing:queue:edit", Missing),
        ("routing:queue:view", Good),
    ];
    assert_eq!(found, wanted, "{report}");
    assert!(report.lines[4].detail.contains("by the role \"Viewer\""), "{report}");
    assert!(!rig.lines().iter().any(|line| line == QUEUES), "{:?}", rig.lines());
}

#[tokio::test]
async fn a_permission_that_cannot_be_tried_out_is_unknown() {
    let needs = Requirements::new().permission("outbound:campaign:add");
    let report = with(&needs, |_| None).await;
    let line = line(&report, Subject::Permission);
    assert_eq!(line.state, Unknown, "{report}");
    assert!(line.remedy.as_deref().unwrap().contains("outbound:campaign:add"), "{report}");
}

#[tokio::test]
async fn what_a_topic_needs_is_what_the_platform_says_it_needs() {
    let (held, lacking) = ("routing:queue:view", "routing:wrapupCode:view");
    for (described, state) in [
        (json!({ "requiresPermissions": [held] }), Good),
        (json!({ "requiresPermissions": [held, lacking] }), Missing),
        (json!({ "requiresPermissions": [held, lacking], "requiresAnyValidator": true }), Good),
        (json!({ "requiresPermissions": [lacking], "enforced": false }), Good),
        (json!({ "permissionDetails": [{ "permissions": [lacking] }] }), Missing),
        (json!({ "requiresPermissions": ["novel:thing:view"] }), Unknown),
        (json!({ "requiresPermissions": [], "requiresCurrentUser": true }), Missing),
    ] {
        let mut topic = described.clone();
        topic["id"] = "v2.users.{id}.presence".into();
        let needs = Requirements::new().topic("v2.users.8f0c.presence").unwrap();
        let report = with(&needs, move |call| match call.line.as_str() {
            TOPICS => Some((200, json!({ "entities": [topic.clone()] }))),
            "GET /api/v2/routing/wrapupcodes" => Some(forbidden(lacking)),
            _ => None,
        })
        .await;
        assert_eq!(line(&report, Subject::Topic).state, state, "{described}: {report}");
    }
}

#[tokio::test]
async fn a_combined_topic_is_a_line_for_each_of_its_parts_and_no_topic_is_refused() {
    let needs = Requirements::new().topic("v2.users.8f0c?presence&routingStatus").unwrap();
    let report = with(&needs, |_| None).await;
    let found: Vec<_> = report.lines[2..].iter().map(|line| (&*line.name, line.state)).collect();
    let wanted = [("v2.users.8f0c.presence", Good), ("v2.users.8f0c.routingStatus", Missing)];
    assert_eq!(found, wanted, "{report}");
    assert!(Requirements::new().topic("no topic").is_err());
    assert!(Requirements::new().topic("v2.users.{id}.presence").is_err());
    assert!(Requirements::new().topic_template("no topic {id}").is_err());
}

/// A limiter that has settled for less than the platform allows.
struct Settled(u32);

impl RateLimiter for Settled {
    fn acquire(&self, now: Instant, token_generation: u64, priority: Priority) -> Grant {
        NoLimit.acquire(now, token_generation, priority)
    }

    fn state(&self, _: Instant) -> Option<WindowState> {
        let mut state = WindowState::new(self.0, 5);
        state.most = 300;
        Some(state)
    }
}

#[tokio::test]
async fn requests_that_others_use_up_are_missing_and_what_is_left_now_is_told() {
    for (share, state, words) in [
        (59, Missing, "others who use the same OAuth client leave 59 a minute"),
        (60, Good, "60 a minute needed, 300 allowed for a token, 55 of them left now"),
    ] {
        let rig = Rig::limited(Settled(share), |_, call| good(call)).await;
        let report = rig.client.app_foundry().preflight(&needs()).await;
        let line = line(&report, Subject::Requests);
        assert_eq!(line.state, state, "{report}");
        assert!(line.detail.contains(words), "{report}");
    }
}
