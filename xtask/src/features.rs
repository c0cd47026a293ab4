//! Which Cargo feature a topic belongs to.

/// The longest prefix counts; those with a slash are families of REST operations. A topic family that is not here is `other-topics`.
const FEATURES: &[(&str, &str)] = &[
    ("analytics/", "rest-analytics"),
    ("audits/", "rest-audits"),
    ("conversations/", "rest-conversations"),
    ("integrations/", "rest-integrations"),
    ("notifications/", "rest-notifications"),
    ("oauth/", "rest-oauth"),
    ("organizations/", "rest-organizations"),
    ("presence/", "rest-presence"),
    ("routing/", "rest-routing"),
    ("tokens/", "rest-tokens"),
    ("usage/", "rest-usage"),
    ("users/", "rest-users"),
    ("v2.analytics.", "analytics"),
    ("v2.architect.", "architect"),
    ("v2.bot.", "conversations"),
    ("v2.businessunits.", "workforce"),
    ("v2.coaching.", "performance"),
    ("v2.conversations.", "conversations"),
    ("v2.detail.", "detail-events"),
    ("v2.employeeperformance.", "performance"),
    ("v2.externalcontacts.", "external-contacts"),
    ("v2.flows.", "architect"),
    ("v2.gamification.", "performance"),
    ("v2.groups.", "users"),
    ("v2.journey.", "journey"),
    ("v2.managementunits.", "workforce"),
    ("v2.outbound.", "outbound"),
    ("v2.quality.", "performance"),
    ("v2.routing.", "routing"),
    ("v2.speechandtextanalytics.", "speech"),
    ("v2.taskmanagement.", "tasks"),
    ("v2.telephony.", "telephony"),
    ("v2.users.", "users"),
    ("v2.users.{id}.employeeengagement.", "performance"),
    ("v2.users.{id}.outbound.", "outbound"),
    ("v2.users.{id}.wem.", "performance"),
    ("v2.users.{id}.workforcemanagement.", "workforce"),
    ("v2.video.", "conversations"),
    ("v2.webdeployments.", "web-messaging"),
    ("v2.webmessaging.", "web-messaging"),
    ("v2.wem.", "performance"),
    ("v2.workflows.", "conversations"),
    ("v2.workforcemanagement.", "workforce"),
];

/// The feature of a topic.
pub(crate) fn of(topic: &str) -> &'static str {
    FEATURES
        .iter()
        .filter(|(prefix, _)| topic.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map_or("other-topics", |(_, feature)| feature)
}

/// Topics whose bodies are written by hand, with the stream that acts on them.
pub(crate) fn is_by_hand(topic: &str) -> bool {
    ["v2.system.", "v2.subscription.", "channel."].iter().any(|prefix| topic.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_counts() {
        assert_eq!(of("v2.users.{id}.presence"), "users");
        assert_eq!(of("v2.users.{id}.workforcemanagement.schedules"), "workforce");
        assert_eq!(of("v2.brand.new"), "other-topics");
        assert_eq!(of("presence/get_x.response"), "rest-presence");
        assert!(is_by_hand("v2.system.socket_closing") && !is_by_hand("v2.users.{id}.tokens"));
    }
}
