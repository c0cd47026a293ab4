//! Where in a frame its body is.

use std::ops::Range;

use serde_json::value::RawValue;

/// Where in a frame its body is: noted while the frame is read, so that nobody has to look for it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyAt {
    /// There is none, or the frame could not be read: the whole frame stands for it.
    #[default]
    Nowhere,
    /// Exactly here.
    Exact(Range<usize>),
    /// It begins here; where in this it ends, nobody had to know.
    Within(Range<usize>),
}

impl BodyAt {
    /// A part of a frame that is the body.
    pub(super) fn exact(frame: &str, body: Option<&str>) -> Self {
        body.and_then(|body| place(frame, body)).map_or(Self::Nowhere, Self::Exact)
    }

    /// A part of a frame that begins with the body.
    pub(super) fn within(frame: &str, part: &str) -> Self {
        place(frame, part).map_or(Self::Nowhere, Self::Within)
    }

    /// The body, of the frame in which it was found.
    pub(crate) fn of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let part = |range: &Range<usize>| frame.get(range.clone());
        let body = match self {
            Self::Nowhere => None,
            Self::Exact(range) => part(range),
            Self::Within(range) => part(range).and_then(first_value),
        };
        body.unwrap_or(frame)
    }
}

fn first_value(part: &[u8]) -> Option<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(part).into_iter::<&RawValue>();
    values.next()?.ok().map(|value| value.get().as_bytes())
}

/// Where a part of a text is in it, without the white space around the part.
fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let part = part.trim_matches([' ', '\t', '\n', '\r']);
    let begin = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = begin.checked_add(part.len())?;
    (end <= text.len()).then_some(begin..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_found_where_it_was_seen() {
        let frame = r#"{"eventBody": {"a":[1]} ,"x":{}}"#;
        let body = |at: &BodyAt| String::from_utf8(at.of(frame.as_bytes()).to_vec()).unwrap();
        assert_eq!(body(&BodyAt::exact(frame, Some(&frame[13..24]))), r#"{"a":[1]}"#);
        assert_eq!(body(&BodyAt::within(frame, &frame[13..])), r#"{"a":[1]}"#);
        assert_eq!(body(&BodyAt::exact(frame, None)), frame);
    }

    #[test]
    fn without_a_body_the_frame_stands_for_it() {
        let frame = "nonsense";
        for at in [BodyAt::within(frame, frame), BodyAt::Exact(5..90), BodyAt::Nowhere] {
            assert_eq!(at.of(frame.as_bytes()), frame.as_bytes(), "{at:?}");
        }
        assert_eq!(BodyAt::exact("other", Some(frame)).of(b"other"), b"other");
    }
}
