//! Words: how a name is taken apart and put together again.

use std::collections::BTreeSet;

/// The words of a name in any spelling: `SMSEvent`, `queueId`, `OFF_QUEUE`, `endpoint.dnd`, in lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let chars: Vec<char> = part.chars().collect();
        let mut start = 0;
        for at in 1..chars.len() {
            let (before, here) = (chars[at - 1], chars[at]);
            let next_is_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
            let begins =
                here.is_ascii_uppercase() && (!before.is_ascii_uppercase() || next_is_lower);
            if begins {
                words.push(chars[start..at].iter().collect::<String>().to_lowercase());
                start = at;
            }
        }
        words.push(chars[start..].iter().collect::<String>().to_lowercase());
    }
    words
}

/// `QueueId`.
pub(crate) fn pascal(words: &[String]) -> String {
    words.iter().map(|word| capital(word)).collect()
}

/// `queue_id`.
pub(crate) fn snake(words: &[String]) -> String {
    words.join("_")
}

/// The word with a capital first letter.
pub(crate) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// One of many: `campaigns` is `campaign`.
pub(crate) fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "tuses"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem)
            if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) && !word.ends_with("dnis") =>
        {
            stem.to_owned()
        }
        _ => word.to_owned(),
    }
}

/// Words that Rust keeps for itself.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The name of a field or function: not a keyword, not beginning with a digit.
pub(crate) fn identifier(name: &str) -> String {
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    match name {
        _ if digit => format!("n{name}"),
        _ if KEYWORDS.contains(&name) || name == "extra" => format!("{name}_"),
        _ => name.to_owned(),
    }
}

/// The name, or the name with a number when it is taken; it is taken then.
pub(crate) fn free(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{name}{number}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_spelling_fall_into_words() {
        for (name, expected) in [
            ("queueId", "queue id"),
            ("SMSEvent", "sms event"),
            ("OFF_QUEUE", "off queue"),
            ("endpoint.dnd", "endpoint dnd"),
            ("V2MobiusAlertsTopicAlert", "v2 mobius alerts topic alert"),
            ("socket_closing", "socket closing"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn one_of_many() {
        for (many, one) in [
            ("campaigns", "campaign"),
            ("queues", "queue"),
            ("status", "status"),
            ("entities", "entity"),
            ("addresses", "address"),
            ("analysis", "analysis"),
            ("causes", "cause"),
            ("statuses", "status"),
            ("businessunits", "businessunit"),
        ] {
            assert_eq!(singular(many), one);
        }
    }

    #[test]
    fn keywords_and_digits_become_identifiers() {
        let made = ["type", "extra", "2fa", "id"].map(identifier);
        assert_eq!(made, ["type_", "extra_", "n2fa", "id"]);
    }
}
