//! Enums that the platform may add to.

/// Defines an enum of texts that keeps the values it does not know.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$value_doc:meta])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$value_doc])* $variant,)*
            /// A value that this version does not know, as received.
            Other(Box<str>),
        }

        impl $name {
            /// The value as the platform writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::events::read::Value for $name {
            fn read(
                from: &mut dyn $crate::events::read::Source,
            ) -> Result<Option<Self>, $crate::events::read::Failed> {
                Ok(from.text()?.map(Self::from))
            }
        }

        impl $crate::events::write::Write for $name {
            fn write(
                &self,
                to: &mut dyn $crate::events::write::Sink,
            ) -> Result<(), $crate::events::read::Failed> {
                to.text(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::events::serde_source::required(from)
            }
        }
    };
}
pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::events::bodies::{DisconnectType, RoutingState};

    #[test]
    fn known_values_have_variants_and_their_own_spelling() {
        let cause: DisconnectType = serde_json::from_str("\"transport.failure\"").unwrap();
        assert_eq!(cause, DisconnectType::TransportFailure);
        assert_eq!(cause.as_str(), "transport.failure");
        let idle = RoutingState::from("idle");
        assert_eq!(idle, RoutingState::Other("idle".into()));
        assert_eq!(RoutingState::Idle.to_string(), "IDLE");
        assert!(serde_json::from_str::<RoutingState>("1").is_err());
    }

    #[test]
    fn a_platform_value_called_other_is_not_an_unknown_one() {
        assert_eq!(DisconnectType::from("other"), DisconnectType::OtherValue);
    }

    proptest! {
        #[test]
        fn any_value_survives_a_round_trip(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let state: RoutingState = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(state.as_str(), &*text);
            prop_assert_eq!(serde_json::to_string(&state).unwrap(), json);
        }
    }
}
