//! Frames as text: envelopes of every kind, and values written in ways that a plain writer does not use.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// A frame, and its text.
pub(crate) struct Sample {
    pub(crate) frame: Value,
    pub(crate) text: String,
}

impl Sample {
    /// Puts a body into a random envelope; `None` is a frame without a body.
    pub(crate) fn new(template: &str, body: Option<Value>, random: &mut Random<'_>) -> Self {
        let mut members = vec![("topicName".to_owned(), topic(template, random).into())];
        if let Some(version) = version(random) {
            members.push(("version".to_owned(), version));
        }
        members.extend(body.map(|body| ("eventBody".to_owned(), body)));
        if let Some(metadata) = metadata(random) {
            members.push(("metadata".to_owned(), metadata));
        }
        while random.happens(0.2) {
            let (name, value) = random.unknown_member();
            if members.iter().all(|(other, _)| *other != name) {
                members.push((name, value));
            }
        }
        if random.rng.bool() {
            random.rng.shuffle(&mut members);
        }
        let frame: Map<String, Value> = members.iter().cloned().collect();
        let mut out = Writer { text: String::new(), spaced: random.happens(0.2) };
        out.object(members, random);
        Self { frame: Value::Object(frame), text: out.text }
    }
}

fn topic(template: &str, random: &mut Random<'_>) -> String {
    let filled: Vec<String> = template
        .split('.')
        .map(|segment| match segment {
            "{id}" => format!("{:08x}-{:04x}", random.rng.u32(..), random.rng.u16(..)),
            // The platform tells names apart without regard to case.
            fixed if random.happens(0.1) => fixed.to_uppercase(),
            fixed => fixed.to_owned(),
        })
        .collect();
    filled.join(".")
}

fn version(random: &mut Random<'_>) -> Option<Value> {
    match random.rng.u8(..6) {
        0 => None,
        1 => Some(json!(2)),
        2 => Some(Value::Null),
        _ => Some(json!("2")),
    }
}

fn metadata(random: &mut Random<'_>) -> Option<Value> {
    match random.rng.u8(..8) {
        0 => None,
        1 => Some(Value::Null),
        2 => Some(json!({})),
        3 => Some(random.anything(2)),
        4 => {
            let mut members = Map::from_iter([random.unknown_member()]);
            members.insert("CorrelationId".to_owned(), random.text().into());
            Some(members.into())
        }
        _ => Some(json!({ "CorrelationId": format!("{:016x}", random.rng.u64(..)) })),
    }
}

struct Writer {
    text: String,
    spaced: bool,
}

impl Writer {
    fn object(&mut self, members: Vec<(String, Value)>, random: &mut Random<'_>) {
        self.text.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            self.separate(index, random);
            self.string(&name, random);
            self.space(random);
            self.text.push(':');
            self.space(random);
            self.value(value, random);
        }
        self.space(random);
        self.text.push('}');
    }

    fn value(&mut self, value: Value, random: &mut Random<'_>) {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.into_iter().collect();
                random.rng.shuffle(&mut members);
                self.object(members, random);
            }
            Value::Array(items) => {
                self.text.push('[');
                for (index, item) in items.into_iter().enumerate() {
                    self.separate(index, random);
                    self.value(item, random);
                }
                self.text.push(']');
            }
            Value::String(text) => self.string(&text, random),
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() && random.happens(0.2) => {
                    let exponent = format!("{float:E}");
                    self.text += &exponent;
                }
                _ => self.text += &number.to_string(),
            },
            plain => self.text += &plain.to_string(),
        }
    }

    /// Writes all characters as escapes now and then.
    fn string(&mut self, text: &str, random: &mut Random<'_>) {
        if random.happens(0.05) {
            let escaped = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            self.text.push('"');
            self.text.extend(escaped);
            self.text.push('"');
        } else {
            self.text += &json!(text).to_string();
        }
    }

    fn separate(&mut self, index: usize, random: &mut Random<'_>) {
        if index > 0 {
            self.space(random);
            self.text.push(',');
        }
        self.space(random);
    }

    fn space(&mut self, random: &mut Random<'_>) {
        if self.spaced {
            self.text += ["", " ", "\n", "\t \r\n"][random.rng.usize(..4)];
        }
    }
}
