//! The types that a pipeline knows.

use std::collections::HashMap;
use std::sync::Arc;

use super::frame_type::{FrameType, Sign};
use crate::error::{Error, Result};

/// The types that a pipeline knows, found by name or by leading byte. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Registry(Arc<Tables>);

#[derive(Debug)]
struct Tables {
    types: Vec<FrameType>,
    by_name: HashMap<Box<str>, usize>,
    by_byte: HashMap<u8, usize>,
}

impl Registry {
    /// The built-in types, and these.
    pub(super) fn new(own: Vec<FrameType>) -> Result<Self> {
        let is_replaced = |known: &FrameType| own.iter().any(|new| new.kind == known.kind);
        let mut types: Vec<_> =
            FrameType::built_in().into_iter().filter(|known| !is_replaced(known)).collect();
        types.extend(own);
        let (mut by_name, mut by_byte) = (HashMap::new(), HashMap::new());
        let mut names = std::collections::HashSet::new();
        for (index, kind) in types.iter().enumerate() {
            kind.check()?;
            let name = kind.kind.as_str();
            if !names.insert(name) {
                return Err(Error::config(format!("the frame type {name} is registered twice")));
            }
            let taken = match kind.sign {
                Sign::Name => by_name.insert(name.into(), index),
                Sign::Byte(lead) => by_byte.insert(lead, index),
            };
            if let Some(other) = taken.and_then(|index| types.get(index)) {
                let other = other.kind.as_str();
                return Err(Error::config(format!(
                    "frames of {name} and of {other} begin with the same byte: give one another"
                )));
            }
        }
        Ok(Self(Arc::new(Tables { types, by_name, by_byte })))
    }

    /// The type of binary messages that begin with this byte, with its index.
    pub(super) fn of_byte(&self, lead: u8) -> Option<(usize, &FrameType)> {
        let index = *self.0.by_byte.get(&lead)?;
        Some((index, self.0.types.get(index)?))
    }

    /// The type of JSON objects whose `type` is this, with its index.
    pub(super) fn of_name(&self, name: &str) -> Option<(usize, &FrameType)> {
        let index = *self.0.by_name.get(name)?;
        Some((index, self.0.types.get(index)?))
    }

    /// All types, in the order of their indices.
    pub(super) fn types(&self) -> &[FrameType] {
        &self.0.types
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{JsonType, PayloadType, Schema};

    fn refusal(types: Vec<FrameType>) -> String {
        Registry::new(types).unwrap_err().to_string()
    }

    #[test]
    fn a_type_takes_the_place_of_a_built_in_one_of_its_name() {
        let own = FrameType::json("keepalive")
            .schema(Schema::new().required("sequence", JsonType::Integer));
        let registry = Registry::new(vec![own]).unwrap();
        assert_eq!(registry.types().len(), 3);
        let (_, found) = registry.of_name("keepalive").unwrap();
        assert_eq!(found.kind, PayloadType::Keepalive);
        assert!(!found.schema.is_empty());
    }

    #[test]
    fn what_could_not_be_told_apart_is_refused() {
        let json = FrameType::json("a");
        assert!(refusal(vec![json.clone(), json]).contains("registered twice"));
        assert!(refusal(vec![FrameType::binary("a", 0x80)]).contains("same byte"));
        assert!(refusal(vec![FrameType::binary("a", b'{')]).contains("JSON"));
        assert!(refusal(vec![FrameType::json("")]).contains("cannot be named"));
        assert!(refusal(vec![FrameType::json("unknown")]).contains("cannot be named"));
        let schema = Schema::new().required("a", JsonType::Any);
        assert!(refusal(vec![FrameType::binary("a", 1).schema(schema)]).contains("validator"));
    }
}
