//! What `REST_SEED` asks for.

/// Which calls are made, and by which numbers.
pub(crate) enum Seed {
    /// Every one, by this number.
    Run(u64),
    /// One round of one operation.
    One { id: String, index: usize, number: u64 },
}

impl Seed {
    pub(crate) fn from_env() -> Self {
        let Ok(text) = std::env::var("REST_SEED") else { return Self::Run(0) };
        let parts: Vec<&str> = text.split('#').collect();
        let parsed = match *parts.as_slice() {
            [number] => number.parse().ok().map(Self::Run),
            [id, index, number] => match (index.parse(), number.parse()) {
                (Ok(index), Ok(number)) => Some(Self::One { id: id.to_owned(), index, number }),
                _ => None,
            },
            _ => None,
        };
        parsed.unwrap_or_else(|| {
            panic!("REST_SEED is neither a number nor operation#round#number: {text}")
        })
    }

    /// The number for one call; `None` when it is not asked for.
    pub(crate) fn of(&self, id: &str, index: usize) -> Option<u64> {
        match self {
            Self::Run(run) => {
                let bytes = id.bytes().chain(index.to_le_bytes()).chain(run.to_le_bytes());
                // FNV-1a: the same in every build, which the hasher of the standard library does not promise.
                Some(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                }))
            }
            Self::One { id: only, index: one, number } => {
                (only == id && *one == index).then_some(*number)
            }
        }
    }

    pub(crate) fn is_run(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}
