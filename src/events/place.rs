//! Where in a JSON text a fault is.
//!
//! Reading a body again with every step noted would need a second copy of each type's reader. The text and the position
//! of the error tell the same, and are looked at only when there is an error.

use std::fmt::Write as _;

/// Longest path that is kept; deeper ones end there.
const LONGEST: usize = 512;

/// One step on the way to a value.
enum Step<'a> {
    /// In an object, with the name of the member that was read last.
    Member(Option<&'a str>),
    /// In a list, at this index.
    Index(usize),
}

/// The path of the value that an error is about, such as `participants[0].calls[1].state`; empty for the whole text.
///
/// `text` is valid JSON, as far as the error.
pub(crate) fn path(text: &str, error: &serde_json::Error) -> String {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let end = lines.map(str::len).sum::<usize>() + error.column();
    let mut steps: Vec<Step<'_>> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < end {
        let Some(byte) = bytes.get(at) else { break };
        match byte {
            b'{' => steps.push(Step::Member(None)),
            b'[' => steps.push(Step::Index(0)),
            b'}' | b']' => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(Step::Member(name)) => *name = None,
                Some(Step::Index(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let length = string(text.get(at + 1..).unwrap_or_default());
                if let Some(Step::Member(name @ None)) = steps.last_mut() {
                    *name = text.get(at + 1..at + 1 + length);
                }
                at += length + 1;
            }
            _ => {}
        }
        at += 1;
    }
    written(&steps)
}

/// Bytes to the quote that ends a string.
fn string(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn written(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        if path.len() > LONGEST {
            break;
        }
        match step {
            Step::Member(None) => {}
            Step::Member(Some(name)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Index(index) => {
                let _ = write!(path, "[{index}]");
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::bodies::SystemMessage;
    use crate::events::members::Members;

    fn of<T: serde::de::DeserializeOwned>(text: &str) -> String {
        path(text, &serde_json::from_str::<T>(text).err().expect(text))
    }

    #[test]
    fn a_fault_has_its_path_whatever_was_wrong_and_however_it_is_written() {
        type Deep = Members<Vec<Members<Vec<i64>>>>;
        for (text, expected) in [
            (r#"{"a":[{"b":["x"]}]}"#, "a[0].b[0]"),
            (r#"{"a":[{},{"b":[1,2,[3]]}]}"#, "a[1].b[2]"),
            (r#"{"a":[{},{"b":[1,2,{"c":3}]}]}"#, "a[1].b[2]"),
            ("{\n \"a\" : [\n {\"b\" :\n [1 , true ]}]}", "a[0].b[1]"),
            (r#"{"a":[],"q\"[":[{"b":[1,null]}]}"#, "q\\\"[[0].b[1]"),
            (r#"{"a":[{"b":[1]}],"c":{"d":1}}"#, "c"),
            (r#"{"a":[{"b":[1]}],"c":7}"#, "c"),
            (r#"{"a":[{"b":[1.5]}]}"#, "a[0].b[0]"),
            (r#"{"a":[{"b":"[{"}]}"#, "a[0].b"),
            ("[]", ""),
            ("7", ""),
            ("\"x\"", ""),
        ] {
            assert_eq!(of::<Deep>(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_that_is_a_list_has_no_path() {
        assert_eq!(of::<SystemMessage>("[[]]"), "");
        assert_eq!(of::<SystemMessage>(r#"{"message":{"a":1}}"#), "message");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            if let Err(error) = serde_json::from_str::<SystemMessage>(&text) {
                path(&text, &error);
            }
        }
    }
}
