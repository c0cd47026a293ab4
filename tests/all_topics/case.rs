//! Which bodies are made of a topic, and by which seed.

use serde_json::{Map, Value};

use crate::MAIN_JOB;
use crate::random::{Odds, Random};
use crate::site::Site;
use crate::spec::{Schema, Spec};

/// One kind of body.
pub(crate) enum Case<'a> {
    /// No body at all.
    Absent,
    /// `null`.
    Null,
    /// No members.
    Empty,
    /// Every field, and every one of them null.
    Nulls,
    /// Every field.
    Full,
    /// Every field, unknown members at each level and unknown values of each enum.
    AllNew,
    /// One place alone.
    Alone(Site<'a>),
    /// One field, list item or map value alone, which is null.
    NullAlone(Site<'a>),
    /// An unknown member at one level, and nothing else.
    UnknownMember(Site<'a>),
    /// An unknown value of one enum, and nothing else.
    UnknownValue(Site<'a>),
    /// Something of everything.
    Mixed,
}

impl<'a> Case<'a> {
    /// Every case of a body with these places, and as many mixed ones as there are others: `least` at least in all.
    pub(crate) fn all(spec: &'a Spec, sites: &[Site<'a>], least: usize) -> Vec<Self> {
        let mut cases = vec![Self::Absent, Self::Null, Self::Empty, Self::Nulls];
        for _ in 0..4 {
            cases.extend([Self::Full, Self::AllNew]);
        }
        for site in sites {
            if !site.is_body() {
                cases.push(Self::Alone(site.clone()));
            }
            if !site.is_body() {
                cases.push(Self::NullAlone(site.clone()));
            }
            match spec.resolve(site.schema) {
                Schema::Object(_) => cases.push(Self::UnknownMember(site.clone())),
                Schema::Enum(_) => cases.push(Self::UnknownValue(site.clone())),
                _ => {}
            }
        }
        let mixed = least.saturating_sub(cases.len()).max(least / 3);
        cases.extend(std::iter::repeat_with(|| Self::Mixed).take(mixed));
        cases
    }

    pub(crate) fn odds(&self) -> Odds {
        match self {
            Self::AllNew => Odds::ALL_NEW,
            Self::Full => Odds::FULL,
            _ => Odds::MIXED,
        }
    }

    /// The body; `None` when there is none.
    pub(crate) fn body(&self, schema: &'a Schema, random: &mut Random<'a>) -> Option<Value> {
        Some(match self {
            Self::Absent => return None,
            Self::Null => Value::Null,
            Self::Empty => Value::Object(Map::new()),
            Self::Nulls => random.nulls(schema),
            Self::Full | Self::AllNew | Self::Mixed => random.value(schema),
            Self::Alone(site) => site.alone(random.value(site.schema)),
            Self::NullAlone(site) => site.alone(Value::Null),
            Self::UnknownMember(site) => {
                site.alone(Value::Object(Map::from_iter([random.unknown_member()])))
            }
            Self::UnknownValue(site) => site.alone(random.unknown_value()),
        })
    }

    /// Whether the topic must have a type; `None` when that depends on the features of this build.
    pub(crate) fn has_type(template: &str, body_is_null: bool) -> Option<bool> {
        if body_is_null {
            return Some(false);
        }
        (cfg!(feature = "all-topics") || MAIN_JOB.contains(&template)).then_some(true)
    }
}

/// What `TOPIC_SEED` asks for.
pub(crate) enum Seed {
    /// Everything, by this number.
    Run(u64),
    /// One body of one topic.
    One { template: String, index: usize, number: u64 },
}

impl Seed {
    pub(crate) fn from_env() -> Self {
        let Ok(text) = std::env::var("TOPIC_SEED") else { return Self::Run(0) };
        let parts: Vec<&str> = text.split('#').collect();
        let parsed = match *parts.as_slice() {
            [number] => number.parse().ok().map(Self::Run),
            [template, index, number] => match (index.parse(), number.parse()) {
                (Ok(index), Ok(number)) => {
                    Some(Self::One { template: template.to_owned(), index, number })
                }
                _ => None,
            },
            _ => None,
        };
        parsed.unwrap_or_else(|| {
            panic!("TOPIC_SEED is neither a number nor topic#case#number: {text}")
        })
    }

    /// The number for one body; `None` when it is not asked for.
    pub(crate) fn of(&self, template: &str, index: usize) -> Option<u64> {
        match self {
            Self::Run(run) => {
                let bytes = template.bytes().chain(index.to_le_bytes()).chain(run.to_le_bytes());
                // FNV-1a: the same in every build, which the hasher of the standard library does not promise.
                Some(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                }))
            }
            Self::One { template: only, index: one, number } => {
                (only == template && *one == index).then_some(*number)
            }
        }
    }

    pub(crate) fn is_run(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}
