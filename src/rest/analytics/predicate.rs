//! One condition of a filter.

use std::fmt::{self, Debug, Display};

use crate::error::{Error, Result};
use crate::rest::analytics::clause::Clause;
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::range::Range;
use crate::rest::generated::models::{NumericRange, QueryPredicateOperator, QueryPredicateType};

/// What the filters of one kind of query can name: the dimensions are the values of this type.
///
/// It is sealed: the platform says which there are. A dimension that this version does not know is
/// `Other("…".into())`.
pub trait Dimension: Clone + Debug + Display + Send + Sync + private::Sealed + 'static {
    /// The metrics that the same filters can name.
    type Metric: Clone + Debug + Display + Send + Sync + 'static;

    /// A filter as it is sent.
    type Written: Clone + Debug + Send + Sync + 'static;

    /// Writes a filter.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a value without text and for a range without numbers in it.
    fn write(filter: &Filter<Self>) -> Result<Self::Written>;
}

/// A metric that filters can name: it says of which query. It is sealed.
pub trait Metric: Clone + Debug + Display + Send + Sync + private::Sealed + 'static {
    /// The dimensions of the same filters.
    type Dimension: Dimension<Metric = Self>;
}

pub(crate) mod private {
    pub trait Sealed {}
}

/// The metrics of filters that have none: there is no value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMetric {}

impl Display for NoMetric {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// One condition: a dimension or a metric, and what must hold for it.
///
/// ```
/// use genesys_cloud::analytics::{ConversationDimension, Predicate, Range, SegmentDimension};
///
/// let voice = Predicate::matches(SegmentDimension::MediaType, "voice");
/// let failed = Predicate::exists(SegmentDimension::ErrorCode);
/// let poor = Predicate::within(ConversationDimension::MediaStatsMinConversationMos, Range::lt(3.5));
/// let either = voice.and(failed);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Predicate<D: Dimension> {
    subject: Subject<D>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Subject<D: Dimension> {
    Dimension(D),
    Metric(D::Metric),
}

#[derive(Clone, Debug)]
enum Test {
    Matches(Box<str>),
    Within(Range),
    Exists,
    NotExists,
}

impl<D: Dimension> Predicate<D> {
    /// The dimension has this value. How the platform compares depends on the dimension.
    pub fn matches(dimension: D, value: impl Into<Box<str>>) -> Self {
        Self { subject: Subject::Dimension(dimension), test: Test::Matches(value.into()) }
    }

    /// The dimension is a number within bounds.
    pub fn within(dimension: D, range: Range) -> Self {
        Self { subject: Subject::Dimension(dimension), test: Test::Within(range) }
    }

    /// The dimension has some value.
    pub fn exists(dimension: D) -> Self {
        Self { subject: Subject::Dimension(dimension), test: Test::Exists }
    }

    /// The dimension has no value.
    pub fn not_exists(dimension: D) -> Self {
        Self { subject: Subject::Dimension(dimension), test: Test::NotExists }
    }

    /// The metric is within bounds; times are in milliseconds.
    pub fn metric<M: Metric<Dimension = D>>(metric: M, range: Range) -> Self
    where
        D: Dimension<Metric = M>,
    {
        Self { subject: Subject::Metric(metric), test: Test::Within(range) }
    }

    /// The metric has some value.
    pub fn metric_exists<M: Metric<Dimension = D>>(metric: M) -> Self
    where
        D: Dimension<Metric = M>,
    {
        Self { subject: Subject::Metric(metric), test: Test::Exists }
    }

    /// The metric has no value.
    pub fn metric_not_exists<M: Metric<Dimension = D>>(metric: M) -> Self
    where
        D: Dimension<Metric = M>,
    {
        Self { subject: Subject::Metric(metric), test: Test::NotExists }
    }

    /// Both hold.
    pub fn and(self, other: Self) -> Clause<D> {
        Clause::of_two(super::clause::Join::And, self, other)
    }

    /// One of them holds, or both.
    pub fn or(self, other: Self) -> Clause<D> {
        Clause::of_two(super::clause::Join::Or, self, other)
    }

    /// The parts that are sent.
    pub(crate) fn parts(&self) -> Result<Parts<D>> {
        let (kind, dimension, metric) = match &self.subject {
            Subject::Dimension(one) => (QueryPredicateType::Dimension, Some(one.clone()), None),
            Subject::Metric(one) => (QueryPredicateType::Metric, None, Some(one.clone())),
        };
        let (operator, value, range) = match &self.test {
            Test::Matches(value) if value.trim().is_empty() => {
                return Err(Error::config(format!(
                    "the value of {} is empty: use exists() or not_exists(), or leave it out",
                    self.name()
                )));
            }
            Test::Matches(value) => (QueryPredicateOperator::Matches, Some(value.clone()), None),
            Test::Within(range) => {
                let range = range
                    .write()
                    .map_err(|error| error.with_hint(&format!("; {}", self.name())))?;
                (QueryPredicateOperator::Matches, None, Some(Box::new(range)))
            }
            Test::Exists => (QueryPredicateOperator::Exists, None, None),
            Test::NotExists => (QueryPredicateOperator::NotExists, None, None),
        };
        Ok(Parts { kind, dimension, metric, operator, value, range })
    }

    fn name(&self) -> String {
        match &self.subject {
            Subject::Dimension(one) => one.to_string(),
            Subject::Metric(one) => one.to_string(),
        }
    }
}

/// What is sent of a predicate, whatever its type is called.
pub(crate) struct Parts<D: Dimension> {
    pub(crate) kind: QueryPredicateType,
    pub(crate) dimension: Option<D>,
    pub(crate) metric: Option<D::Metric>,
    pub(crate) operator: QueryPredicateOperator,
    pub(crate) value: Option<Box<str>>,
    pub(crate) range: Option<Box<NumericRange>>,
}
