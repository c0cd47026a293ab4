//! The kinds of call that each operation is called with.

use genesys_cloud::Client;
use serde_json::{Value, json};

use crate::arguments::{Arguments, Got};
use crate::description::{Description, Kind, Operation};
use crate::platform::Platform;
use crate::random::{Odds, Random};
use crate::registry::Make;
use crate::spec::Schema;

/// What is sent holds what is published, and nothing else.
const SENT: Odds = Odds { unknown_member: 0.0, unknown_value: 0.0, ..Odds::MIXED };

#[derive(Clone, Copy)]
pub(crate) enum Round {
    /// What is required, and the least that can be answered.
    Bare,
    /// Everything.
    Full,
    /// Everything, and more that nobody knows in what is answered.
    AllNew,
    /// Every field of the answer, and every one null.
    Nulls,
    /// Something of everything.
    Mixed,
}

impl Round {
    pub(crate) const ALL: [Self; 7] =
        [Self::Bare, Self::Full, Self::AllNew, Self::Nulls, Self::Mixed, Self::Mixed, Self::Mixed];

    /// Calls the operation, and compares both what arrived and what came back.
    pub(crate) async fn check<'a>(
        self,
        description: &'a Description,
        operation: &'a Operation,
        make: Make,
        platform: &Platform,
        client: &Client,
        number: u64,
    ) -> Result<(), String> {
        let rng = fastrand::Rng::with_seed(number);
        let odds = if matches!(self, Self::Full) { Odds::FULL } else { SENT };
        let mut random = Random::new(&description.spec, odds, rng);
        let arguments = self.arguments(operation, &mut random);
        let rng = random.rng.fork();
        let odds = match self {
            Self::Full => Odds::FULL,
            Self::AllNew => Odds::ALL_NEW,
            _ => Odds::MIXED,
        };
        let mut random = Random::new(&description.spec, odds, rng);
        let (status, kind, body, expected) = self.answer(description, operation, &mut random);
        platform.answer(status, kind, body.clone());
        let made = make(&arguments);
        if let Some(id) = arguments.path.get("channelId").filter(|id| id.len() > 8)
            && made.shown().contains(id)
        {
            return Err(format!("the id of a channel shows: {}", made.shown()));
        }
        let got = made.call(client).await;
        match platform.last() {
            None => return Err(format!("nothing was sent: {got:?}")),
            Some(Err(fault)) => return Err(format!("{fault}; given {arguments:?}")),
            Some(Ok((id, arrived))) if id != operation.id || arrived != arguments => {
                return Err(format!("{id} got {arrived:?}, given {arguments:?}"));
            }
            Some(Ok(_)) => {}
        }
        match got {
            Ok(got) if got == expected => Ok(()),
            Ok(got) => Err(format!("\nread {got:?}\nsent {expected:?}")),
            Err(error) => Err(format!("{error} ({error:?}): {body}")),
        }
    }

    fn arguments<'a>(self, operation: &'a Operation, random: &mut Random<'a>) -> Arguments {
        let mut arguments = Arguments::default();
        for name in operation.path() {
            arguments.path.insert(name.to_owned(), segment(random));
        }
        for parameter in &operation.query {
            let there = match self {
                Self::Bare => false,
                Self::Full | Self::AllNew => true,
                _ => random.happens(0.5),
            };
            if there || parameter.required {
                let value = parameter_value(parameter.kind, random);
                arguments.query.insert(parameter.name.clone(), value);
            }
        }
        for name in &operation.headers {
            if !matches!(self, Self::Bare) {
                arguments.headers.insert(name.clone(), "de-DE,de;q=0.7".to_owned());
            }
        }
        arguments.body = operation.body.as_ref().map(|schema| self.body(schema, random));
        arguments
    }

    fn body<'a>(self, schema: &'a Schema, random: &mut Random<'a>) -> Value {
        match (self, schema) {
            (Self::Bare, Schema::List(_)) => json!([]),
            (Self::Bare, _) => json!({}),
            (_, schema) => root(schema, random.value(schema)),
        }
    }

    /// Status, content type and body of the answer, and what shall come of it.
    fn answer<'a>(
        self,
        description: &'a Description,
        operation: &'a Operation,
        random: &mut Random<'a>,
    ) -> (u16, &'static str, String, Got) {
        match (&operation.response, operation.method.as_str()) {
            (Some(schema), _) => {
                let value = match (self, schema) {
                    (Self::Bare, Schema::List(_)) => json!([]),
                    (Self::Bare, _) => json!({}),
                    (Self::Nulls, schema) => nulls(description, schema, random),
                    (_, schema) => random.value(schema),
                };
                let kind = ["application/json", "application/json; charset=utf-8", ""];
                let kind = random.rng.choice(kind).unwrap_or_default();
                (200, kind, value.to_string(), Got::Typed(root(schema, value)))
            }
            (None, "GET") => {
                let link = format!("https://files.example/{}?sig=a%2Fb", random.rng.u64(..));
                (307, "", link.clone(), Got::Location(link))
            }
            (None, "HEAD") => (200, "", String::new(), Got::Nothing),
            (None, _) if random.rng.bool() => (204, "", String::new(), Got::Nothing),
            (None, _) => (202, "application/json", "{\"any\":1}".to_owned(), Got::Nothing),
        }
    }
}

/// A whole body as it is read. A list that is one is a `Vec`, which has no place for nulls: they are left out.
fn root(schema: &Schema, mut value: Value) -> Value {
    if let (Schema::List(inner), Value::Array(items)) = (schema, &mut value)
        && !matches!(**inner, Schema::Any)
    {
        items.retain(|item| !item.is_null());
    }
    value
}

/// As many nulls as there are fields; what has none is any value.
fn nulls<'a>(description: &'a Description, schema: &'a Schema, random: &mut Random<'a>) -> Value {
    match description.spec.resolve(schema) {
        Schema::Object(_) => random.nulls(schema),
        Schema::List(inner) => json!([nulls(description, inner, random)]),
        _ => random.value(schema),
    }
}

/// Something that can stand in a path: not empty, and no step up or down.
fn segment(random: &mut Random<'_>) -> String {
    let text = random.text();
    if matches!(text.as_str(), "" | "." | "..") { "a b/c?d#e%2F&=ü+;".to_owned() } else { text }
}

fn parameter_value(kind: Kind, random: &mut Random<'_>) -> Value {
    let text = |random: &mut Random<'_>| random.text();
    match kind {
        Kind::Text => text(random).into(),
        Kind::Time => "2026-03-04T09:30:00.123+01:00".into(),
        Kind::Integer => random.rng.i64(..).into(),
        Kind::Bool => random.rng.bool().into(),
        Kind::Repeated => (0..random.rng.usize(1..4)).map(|_| text(random)).collect(),
        Kind::Commas => {
            (0..random.rng.usize(1..4)).map(|_| text(random).replace(',', " ")).collect()
        }
    }
}
