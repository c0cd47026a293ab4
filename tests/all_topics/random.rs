//! Random values of a shape.

use serde_json::{Map, Value, json};

use crate::spec::{Schema, Spec};

/// How many levels of one definition may be inside each other.
const RECURSION: usize = 2;

/// Members of a body that are random in number: when they are used up, only empty objects and lists follow.
const MEMBERS: usize = 120;

const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "0",
    "a",
    "\"",
    "\\",
    "\\u0041",
    "line\nbreak\r\ttab",
    "\u{0}\u{8}\u{c}\u{1f}\u{7f}",
    "é",
    "ß∂漢字",
    "\u{1F469}\u{200D}\u{1F4BB}",
    "\u{2028}\u{FEFF}\u{FFFF}\u{10FFFF}",
    "{\"topicName\":\"v2.nobody\"}",
];

const TIMES: &[&str] = &[
    "2026-03-04T09:30:00.123Z",
    "2026-03-04T09:30:00Z",
    "2026-03-04T10:30:00.123456789+01:00",
    "1970-01-01T00:00:00.000Z",
    "9999-12-31T23:59:60Z",
    "2026-03-04",
    "2026-13-99T99:99:99Z",
    "2026-03-04T09:30:00.123+0000",
    "yesterday",
    "",
    "1772616600123",
];

/// What may happen to a member.
#[derive(Clone, Copy)]
pub(crate) struct Odds {
    /// A field is there.
    pub(crate) present: f64,
    /// A field, list item or map value that is there is null.
    pub(crate) null: f64,
    /// An object has a member that no shape has.
    pub(crate) unknown_member: f64,
    /// An enum has a value that no shape has.
    pub(crate) unknown_value: f64,
    /// Items of a list or map, at most.
    pub(crate) items: usize,
    /// Whether the number of members is bounded.
    pub(crate) bounded: bool,
}

impl Odds {
    /// Every field, once.
    pub(crate) const FULL: Self = Self {
        present: 1.0,
        null: 0.0,
        unknown_member: 0.0,
        unknown_value: 0.0,
        items: 1,
        bounded: false,
    };
    /// Every field, an unknown member in every object and an unknown value in every enum.
    pub(crate) const ALL_NEW: Self = Self { unknown_member: 1.0, unknown_value: 1.0, ..Self::FULL };
    /// Something of everything.
    pub(crate) const MIXED: Self = Self {
        present: 0.6,
        null: 0.15,
        unknown_member: 0.2,
        unknown_value: 0.2,
        items: 3,
        bounded: true,
    };
}

/// A source of random values.
pub(crate) struct Random<'a> {
    spec: &'a Spec,
    odds: Odds,
    pub(crate) rng: fastrand::Rng,
    open: Vec<&'a str>,
    members: usize,
}

impl<'a> Random<'a> {
    pub(crate) fn new(spec: &'a Spec, odds: Odds, rng: fastrand::Rng) -> Self {
        Self { spec, odds, rng, open: Vec::new(), members: 0 }
    }

    /// A value of this shape; never null.
    pub(crate) fn value(&mut self, schema: &'a Schema) -> Value {
        match schema {
            Schema::Reference(name) => {
                if self.open.iter().filter(|open| **open == name).count() >= RECURSION {
                    return json!({});
                }
                self.open.push(name);
                let value = self.value(self.spec.resolve(schema));
                self.open.pop();
                value
            }
            Schema::Object(fields) => self.object(fields),
            Schema::Map(inner) => {
                let members = (0..self.count()).map(|_| (self.name(), self.member(inner)));
                Value::Object(members.collect())
            }
            Schema::List(inner) => (0..self.count()).map(|_| self.member(inner)).collect(),
            Schema::Text => self.text().into(),
            Schema::Time => TIMES[self.rng.usize(..TIMES.len())].into(),
            Schema::Enum(values) => match self.rng.choice(values) {
                Some(value) if !self.happens(self.odds.unknown_value) => value.as_str().into(),
                _ => self.unknown_value(),
            },
            Schema::Integer => self.integer().into(),
            Schema::Number => self.number(),
            Schema::Bool => self.rng.bool().into(),
            Schema::Any => self.anything(2),
        }
    }

    /// A body with every field, and all of them null.
    pub(crate) fn nulls(&self, schema: &Schema) -> Value {
        match self.spec.resolve(schema) {
            Schema::Object(fields) => {
                Value::Object(fields.iter().map(|(name, _)| (name.clone(), Value::Null)).collect())
            }
            _ => json!({}),
        }
    }

    /// A value that does not fit this shape; `None` when everything does.
    pub(crate) fn misfit(&mut self, schema: &'a Schema) -> Option<Value> {
        let text = json!("misfit");
        let choices = match self.spec.resolve(schema) {
            Schema::Any => return None,
            // An object of anything may have the type of any JSON.
            Schema::Map(inner) if matches!(**inner, Schema::Any) => return None,
            Schema::Text | Schema::Time | Schema::Enum(_) => [json!(7), json!(true), json!([])],
            Schema::Integer | Schema::Number => [text, json!(false), json!({})],
            Schema::Bool => [text, json!(1), json!([true])],
            Schema::List(_) => [text, json!(1.5), json!({})],
            Schema::Object(_) | Schema::Map(_) => [text, json!(0), json!([])],
            Schema::Reference(name) => panic!("{name} refers to a reference"),
        };
        self.rng.choice(choices)
    }

    /// A value that no enum has.
    pub(crate) fn unknown_value(&mut self) -> Value {
        format!("NEW VALUE {}", self.text()).into()
    }

    /// A name and value that no shape has.
    pub(crate) fn unknown_member(&mut self) -> (String, Value) {
        let value = if self.happens(0.2) { Value::Null } else { self.anything(2) };
        (format!("new {}", self.text()), value)
    }

    fn object(&mut self, fields: &'a [(String, Schema)]) -> Value {
        let mut members = Map::new();
        for (name, schema) in fields {
            if self.odds.bounded && self.members >= MEMBERS {
                break;
            }
            if self.happens(self.odds.present) {
                self.members += 1;
                members.insert(name.clone(), self.member(schema));
            }
        }
        if self.happens(self.odds.unknown_member) {
            members.extend([self.unknown_member()]);
        }
        Value::Object(members)
    }

    fn member(&mut self, schema: &'a Schema) -> Value {
        if self.happens(self.odds.null) { Value::Null } else { self.value(schema) }
    }

    fn count(&mut self) -> usize {
        match (self.odds.bounded, self.members >= MEMBERS) {
            (false, _) => self.odds.items,
            (true, true) => 0,
            (true, false) => self.rng.usize(0..=self.odds.items),
        }
    }

    /// Any JSON.
    pub(crate) fn anything(&mut self, depth: usize) -> Value {
        match self.rng.u8(..if depth == 0 { 4 } else { 6 }) {
            0 => self.text().into(),
            1 => self.integer().into(),
            2 => self.number(),
            3 => self.rng.bool().into(),
            4 => (0..self.rng.usize(..3)).map(|_| self.anything(depth - 1)).collect(),
            _ => {
                let count = self.rng.usize(..3);
                let members = (0..count).map(|_| (self.name(), self.anything(depth - 1)));
                Value::Object(members.collect())
            }
        }
    }

    pub(crate) fn text(&mut self) -> String {
        match self.rng.u8(..4) {
            0 => TEXTS[self.rng.usize(..TEXTS.len())].to_owned(),
            1 => {
                let length = self.rng.usize(..12);
                (0..length).map(|_| self.rng.char(..)).collect()
            }
            _ => {
                let length = self.rng.usize(..24);
                (0..length).map(|_| self.rng.alphanumeric()).collect()
            }
        }
    }

    fn name(&mut self) -> String {
        if self.rng.bool() { self.text() } else { format!("k{}", self.rng.u16(..)) }
    }

    fn integer(&mut self) -> i64 {
        match self.rng.u8(..8) {
            0 => 0,
            1 => i64::MIN,
            2 => i64::MAX,
            3 => self.rng.i64(..),
            _ => self.rng.i64(-1_000..1_000_000),
        }
    }

    /// Floats of any size that is finite, whole ones among them, and integers.
    fn number(&mut self) -> Value {
        match self.rng.u8(..5) {
            0 => self.integer().into(),
            1 => f64::from(self.rng.i32(..)).into(),
            2 => self.rng.f64().into(),
            3 => [0.0, 1.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21][self.rng.usize(..6)].into(),
            _ => match f64::from_bits(self.rng.u64(..)) {
                number if number.is_finite() => number.into(),
                _ => json!(1.5),
            },
        }
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.rng.f64() < probability
    }
}
