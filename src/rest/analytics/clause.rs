//! Conditions that belong together.

use crate::error::{Error, Result};
use crate::rest::analytics::predicate::{Dimension, Predicate};
use crate::rest::generated::models::QueryFilterType;

/// How conditions are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    And,
    Or,
}

impl From<Join> for QueryFilterType {
    fn from(join: Join) -> Self {
        match join {
            Join::And => Self::And,
            Join::Or => Self::Or,
        }
    }
}

/// Conditions of which all must hold, or one. There is at least one.
///
/// ```
/// use genesys_cloud::analytics::{Clause, SegmentDimension};
///
/// let queues = Clause::one_of(SegmentDimension::QueueId, ["77aa", "8f0c"])?;
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Clause<D: Dimension> {
    pub(crate) join: Join,
    pub(crate) predicates: Vec<Predicate<D>>,
}

impl<D: Dimension> Clause<D> {
    /// All of these hold.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there are none.
    pub fn all(predicates: impl IntoIterator<Item = Predicate<D>>) -> Result<Self> {
        Self::of(Join::And, predicates)
    }

    /// At least one of these holds.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there are none.
    pub fn any(predicates: impl IntoIterator<Item = Predicate<D>>) -> Result<Self> {
        Self::of(Join::Or, predicates)
    }

    /// The dimension has one of these values.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there are none.
    #[allow(clippy::needless_pass_by_value)] // As the predicates take it.
    pub fn one_of(
        dimension: D,
        values: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Result<Self> {
        let values = values.into_iter();
        Self::any(values.map(|value| Predicate::matches(dimension.clone(), value)))
    }

    pub(crate) fn of_two(join: Join, one: Predicate<D>, other: Predicate<D>) -> Self {
        Self { join, predicates: vec![one, other] }
    }

    fn of(join: Join, predicates: impl IntoIterator<Item = Predicate<D>>) -> Result<Self> {
        let predicates: Vec<_> = predicates.into_iter().collect();
        if predicates.is_empty() {
            return Err(Error::config("a clause without predicates says nothing: leave it out"));
        }
        Ok(Self { join, predicates })
    }
}

impl<D: Dimension> From<Predicate<D>> for Clause<D> {
    fn from(predicate: Predicate<D>) -> Self {
        Self { join: Join::And, predicates: vec![predicate] }
    }
}
