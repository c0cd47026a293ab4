//! Any deserializer as a source.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::events::cursor::find;
use crate::events::gaps::Gaps;
use crate::events::json::Json;
use crate::events::read::{Each, EachMember, Failed, Fields, Source, Value};

/// Lets `read` have a deserializer as a source.
pub(crate) fn with<'de, D: Deserializer<'de>, T>(
    from: D,
    read: impl FnOnce(&mut dyn Source) -> Result<T, Failed>,
) -> Result<T, D::Error> {
    OneSeed { read, required: false, gaps: &mut Gaps::default() }.deserialize(from)
}

/// Reads a value; null is none.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Value>(from: D) -> Result<T, D::Error> {
    let read = |from: &mut dyn Source| T::read(from)?.ok_or(Failed);
    OneSeed { read, required: true, gaps: &mut Gaps::default() }.deserialize(from)
}

/// Reads an object; null is none.
pub(crate) fn body<'de, D: Deserializer<'de>>(
    from: D,
    body: &mut dyn Fields,
) -> Result<(), D::Error> {
    BodySeed(body).deserialize(from)
}

/// A deserializer as a source.
struct One<'de, 'g, D: Deserializer<'de>> {
    from: Option<D>,
    /// Null is an error of the deserializer, which knows where it is.
    required: bool,
    gaps: &'g mut Gaps,
    text: Cow<'de, str>,
    error: Option<D::Error>,
}

impl<'de, D: Deserializer<'de>> One<'de, '_, D> {
    fn read<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failed> {
        read(&mut self.from, self.required, seed, &mut self.error)
    }

    fn into_error(self) -> D::Error {
        self.error.unwrap_or_else(|| D::Error::custom("a value was read twice"))
    }
}

/// Reads the one value of a deserializer that is still there.
fn read<'de, D: Deserializer<'de>, S: DeserializeSeed<'de>>(
    from: &mut Option<D>,
    required: bool,
    seed: S,
    error: &mut Option<D::Error>,
) -> Result<Option<S::Value>, Failed> {
    let Some(from) = from.take() else { return Err(Failed) };
    let value = if required {
        seed.deserialize(from).map(Some)
    } else {
        from.deserialize_option(Maybe(seed))
    };
    value.map_err(|why| {
        *error = Some(why);
        Failed
    })
}

impl<'de, D: Deserializer<'de>> Source for One<'de, '_, D> {
    fn text(&mut self) -> Result<Option<&str>, Failed> {
        match self.read(TextSeed)? {
            Some(text) => {
                self.text = text;
                Ok(Some(&self.text))
            }
            None => Ok(None),
        }
    }

    fn integer(&mut self) -> Result<Option<i64>, Failed> {
        self.read(PhantomData)
    }

    fn number(&mut self) -> Result<Option<Number>, Failed> {
        self.read(PhantomData)
    }

    fn boolean(&mut self) -> Result<Option<bool>, Failed> {
        self.read(PhantomData)
    }

    fn json(&mut self) -> Result<Option<Json>, Failed> {
        self.read(PhantomData)
    }

    fn list(&mut self, each: &mut Each<'_>) -> Result<bool, Failed> {
        let seed = ListSeed(each, self.gaps);
        Ok(read(&mut self.from, self.required, seed, &mut self.error)?.is_some())
    }

    fn members(&mut self, each: &mut EachMember<'_>) -> Result<bool, Failed> {
        let seed = MembersSeed(each, self.gaps);
        Ok(read(&mut self.from, self.required, seed, &mut self.error)?.is_some())
    }

    fn body(&mut self, body: &mut dyn Fields) -> Result<bool, Failed> {
        Ok(self.read(BodySeed(body))?.is_some())
    }

    fn gap(&mut self) {
        self.gaps.note();
    }
}

/// Null, or what the seed reads.
struct Maybe<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Maybe<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(from).map(Some)
    }
}

struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct ListSeed<'a, 'b>(&'a mut Each<'b>, &'a mut Gaps);

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let ListSeed(each, gaps) = self;
        loop {
            gaps.step();
            // The end of the list is counted by the step before it.
            let one = OneSeed { read: &mut *each, required: false, gaps };
            if list.next_element_seed(one)?.is_none() {
                return Ok(());
            }
        }
    }
}

/// Reads one value by a function.
struct OneSeed<'g, F> {
    read: F,
    required: bool,
    gaps: &'g mut Gaps,
}

impl<'de, T, F> DeserializeSeed<'de> for OneSeed<'_, F>
where
    F: FnOnce(&mut dyn Source) -> Result<T, Failed>,
{
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        let Self { read, required, gaps } = self;
        let mut one = One { from: Some(from), required, gaps, text: Cow::default(), error: None };
        read(&mut one).map_err(|Failed| one.into_error())
    }
}

struct MembersSeed<'a, 'b>(&'a mut EachMember<'b>, &'a mut Gaps);

impl<'de> DeserializeSeed<'de> for MembersSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let MembersSeed(each, gaps) = self;
        while let Some(key) = map.next_key_seed(KeySeed { names: &[], next: 0 })? {
            if let Key::Unknown(name) = key {
                let read = |from: &mut dyn Source| each(name.into(), from);
                map.next_value_seed(OneSeed { read, required: false, gaps })?;
            }
        }
        Ok(())
    }
}

struct BodySeed<'a>(&'a mut dyn Fields);

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.0.name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let BodySeed(body) = self;
        let names = body.names();
        let mut next = 0;
        let mut gaps = Gaps::default();
        while let Some(key) = map.next_key_seed(KeySeed { names, next })? {
            match key {
                Key::Known(field) => {
                    gaps.restart();
                    let read = |from: &mut dyn Source| body.read(field, from);
                    let seed = OneSeed { read, required: false, gaps: &mut gaps };
                    let null = map.next_value_seed(seed)?;
                    body.extra().note(field, null, &mut gaps);
                    next = field + 1;
                }
                Key::Unknown(name) => {
                    let value: Json = map.next_value()?;
                    body.extra().push(name, value);
                }
            }
        }
        Ok(())
    }
}

enum Key<'de> {
    Known(usize),
    Unknown(Cow<'de, str>),
}

/// Finds a name among the fields, where it is likely first: behind the one before.
struct KeySeed {
    names: &'static [&'static str],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(find(self.names, self.next, name).map_or(Key::Unknown(Cow::Borrowed(name)), Key::Known))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(find(self.names, self.next, name)
            .map_or_else(|| Key::Unknown(Cow::Owned(name.to_owned())), Key::Known))
    }
}
