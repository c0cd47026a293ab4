//! What the documentation says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::names::Names;
use crate::shapes::{Kind, Model, Place, Uses, innermost};
use crate::words::{capital, words};

/// The texts of `words.txt`, by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Texts<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Texts<'a> {
    /// Reads `words.txt`.
    pub(crate) fn parse(text: &'a str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.split_once(" = ")).collect())
    }

    /// What is said of a topic: what its event means.
    pub(crate) fn topic(&self, topic: &str) -> String {
        self.0.get(topic).map_or_else(|| format!("An event of `{topic}`."), |&text| text.to_owned())
    }

    /// What is said of a type.
    pub(crate) fn named(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// What is said of a value of an enum.
    pub(crate) fn value(&self, name: &str, value: &str) -> String {
        let known = self.0.get(format!("{name}.{value}").as_str());
        known.map_or_else(|| format!("`{value}`."), |&text| text.to_owned())
    }

    /// What is said of a field.
    pub(crate) fn field(&self, name: &str, field: &str, kind: &Kind) -> String {
        let own = self.0.get(format!("{name}.{field}").as_str());
        let known = own.or_else(|| self.0.get(format!("*.{field}").as_str()));
        known.map_or_else(|| describe(field, kind), |&text| text.to_owned())
    }
}

/// A field by its name and type.
fn describe(field: &str, kind: &Kind) -> String {
    let all = words(field);
    let last = all.last().map_or("", String::as_str);
    let front = &all[..all.len().saturating_sub(1)];
    let plain = all.join(" ");
    let number = matches!(innermost(kind), Kind::Integer | Kind::Number);
    match (kind, last) {
        (Kind::Bool, _) => format!("Whether: {plain}."),
        (_, "id") if !front.is_empty() => format!("The id of the {}.", front.join(" ")),
        (Kind::List(_), "ids") if !front.is_empty() => format!("The ids: {}.", front.join(" ")),
        (_, "uri" | "url") if !front.is_empty() => format!("Where it is: {}.", front.join(" ")),
        (Kind::Time, _) => {
            let rest: Vec<&str> = all
                .iter()
                .map(String::as_str)
                .filter(|word| !["date", "time", "timestamp"].contains(word))
                .collect();
            if rest.is_empty() { "When.".to_owned() } else { format!("When: {}.", rest.join(" ")) }
        }
        (_, "ms" | "millis" | "milliseconds") if number => {
            format!("{}, in milliseconds.", capital(&front.join(" ")))
        }
        (_, unit @ ("seconds" | "minutes" | "hours" | "days" | "weeks" | "bytes"))
            if number && !front.is_empty() =>
        {
            format!("{}, in {unit}.", capital(&front.join(" ")))
        }
        (_, "percent" | "percentage") if number && !front.is_empty() => {
            format!("{}, in per cent.", capital(&front.join(" ")))
        }
        (Kind::Integer, "time" | "timestamp" | "date")
            if ["event", "created", "modified", "start", "end", "session", "current"]
                .contains(&all[0].as_str()) =>
        {
            format!("{}, in milliseconds since 1970.", capital(&plain))
        }
        _ => format!("{}.", capital(&plain)),
    }
}

/// Where a type occurs, for its documentation.
pub(crate) fn origin(model: &Model, names: &Names, uses: &Uses) -> String {
    let Some(place) = uses.places.first() else { return String::new() };
    if let Some(field) = place.path.last() {
        return format!("`{field}` of a `{}`.", names.parent(model, place));
    }
    let roots: Vec<&Place> = uses.places.iter().filter(|place| place.path.is_empty()).collect();
    let shown: Vec<String> =
        roots.iter().take(4).map(|place| format!("`{}`", place.topic)).collect();
    let more = if roots.len() > 4 { ", and more" } else { "" };
    format!("The body of {}{more}.", shown.join(", "))
}

/// The names that the vendor's SDKs have for a type.
pub(crate) fn classes(classes: &[String]) -> String {
    match classes {
        [only] => format!("Vendor class: `{only}`."),
        [first, rest @ ..] => {
            format!("Vendor classes: `{first}` and {} with the same shape.", rest.len())
        }
        [] => String::new(),
    }
}

/// A documentation comment, in lines of at most 110 characters.
pub(crate) fn comment(indent: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && indent.len() + line.len() + word.len() > 105 {
            let _ = writeln!(out, "{indent}/// {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}/// {line}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_described_by_its_name_and_type() {
        for (field, kind, text) in [
            ("queueId", Kind::Text, "The id of the queue."),
            ("dateCreated", Kind::Time, "When: created."),
            ("wrapupTimeoutMs", Kind::Integer, "Wrapup timeout, in milliseconds."),
            ("eventTime", Kind::Integer, "Event time, in milliseconds since 1970."),
            ("deleted", Kind::Bool, "Whether: deleted."),
            ("mediaType", Kind::Text, "Media type."),
        ] {
            assert_eq!(describe(field, &kind), text);
        }
    }

    #[test]
    fn a_text_of_ours_comes_first_the_most_special_one_before() {
        let texts = Texts::parse("# x\n*.id = Its id.\nUser.id = The user.\n");
        assert_eq!(texts.field("User", "id", &Kind::Text), "The user.");
        assert_eq!(texts.field("Queue", "id", &Kind::Text), "Its id.");
        assert_eq!(texts.value("State", "x"), "`x`.");
    }

    #[test]
    fn comments_are_wrapped() {
        let text = comment("    ", &"word ".repeat(40));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() < 120), "{text}");
    }
}
