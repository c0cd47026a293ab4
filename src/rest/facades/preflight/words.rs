//! Times and names in lines of a preflight.

use std::time::Duration;

/// `23 h 59 min`.
pub(super) fn duration(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{} s", time.as_secs()),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Words of the platform, for one line.
pub(super) fn shown(text: Option<&str>) -> String {
    let text: String =
        text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    if text.is_empty() { "without a name".to_owned() } else { format!("\"{text}\"") }
}

/// Whether a template such as `v2.users.{id}.presence` stands for a topic; a template stands for itself.
pub(super) fn stands_for(template: &str, topic: &str) -> bool {
    let (mut parts, mut segments) = (template.split('.'), topic.split('.'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some("{id}"), Some(_)) => {}
            (Some(part), Some(segment)) if part.eq_ignore_ascii_case(segment) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_names_and_templates() {
        let of = |secs| duration(Duration::from_secs(secs));
        assert_eq!([of(59), of(3_599), of(86_399)], ["59 s", "59 min", "23 h 59 min"]);
        assert_eq!(shown(Some("a\nb")), "\"ab\"");
        assert_eq!(shown(None), "without a name");
        let presence = "v2.users.{id}.presence";
        assert!(stands_for(presence, "v2.users.8f0c.presence") && stands_for(presence, presence));
        assert!(!stands_for(presence, "v2.users.8f0c.routingStatus"));
        assert!(!stands_for(presence, "v2.users.8f0c") && !stands_for("v2.users", presence));
    }
}
