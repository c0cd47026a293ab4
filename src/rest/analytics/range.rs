//! Bounds of numbers.

use serde_json::Number;

use crate::error::{Error, Result};
use crate::rest::generated::models::NumericRange;

/// Bounds of a number, each of which may be left out, but not all.
///
/// ```
/// use genesys_cloud::analytics::Range;
///
/// let poor = Range::lt(3.5);
/// let some = Range::gte(1.0).and_lt(10.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use]
pub struct Range {
    gt: Option<f64>,
    gte: Option<f64>,
    lt: Option<f64>,
    lte: Option<f64>,
}

impl Range {
    /// More than this.
    pub fn gt(bound: f64) -> Self {
        Self { gt: Some(bound), ..Self::default() }
    }

    /// This or more.
    pub fn gte(bound: f64) -> Self {
        Self { gte: Some(bound), ..Self::default() }
    }

    /// Less than this.
    pub fn lt(bound: f64) -> Self {
        Self { lt: Some(bound), ..Self::default() }
    }

    /// This or less.
    pub fn lte(bound: f64) -> Self {
        Self { lte: Some(bound), ..Self::default() }
    }

    /// And less than this.
    pub fn and_lt(mut self, bound: f64) -> Self {
        (self.lt, self.lte) = (Some(bound), None);
        self
    }

    /// And this or less.
    pub fn and_lte(mut self, bound: f64) -> Self {
        (self.lt, self.lte) = (None, Some(bound));
        self
    }

    /// As it is sent.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a bound that is no finite number, and when no number is within the
    /// bounds.
    pub(crate) fn write(self) -> Result<NumericRange> {
        let bound = |bound: Option<f64>| {
            let number = bound.map(|bound| {
                Number::from_f64(bound)
                    .ok_or_else(|| Error::config("a bound of a range must be a finite number"))
            });
            number.transpose()
        };
        let (low, high) = (self.gt.or(self.gte), self.lt.or(self.lte));
        if let (Some(low), Some(high)) = (low, high) {
            let closed = self.gte.is_some() && self.lte.is_some();
            if low > high || (low >= high && !closed) {
                return Err(Error::config(format!("no number is in the range {low} to {high}")));
            }
        }
        Ok(NumericRange {
            gt: bound(self.gt)?,
            gte: bound(self.gte)?,
            lt: bound(self.lt)?,
            lte: bound(self.lte)?,
            ..NumericRange::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_written_as_they_are_and_nonsense_is_refused() {
        let text = |range: Range| serde_json::to_string(&range.write().unwrap()).unwrap();
        assert_eq!(text(Range::lt(3.5)), r#"{"lt":3.5}"#);
        assert_eq!(text(Range::gte(1.0).and_lt(9.5)), r#"{"gte":1.0,"lt":9.5}"#);
        assert_eq!(text(Range::gt(1.5).and_lt(2.0).and_lte(4.5)), r#"{"gt":1.5,"lte":4.5}"#);
        assert_eq!(text(Range::gte(2.5).and_lte(2.5)), r#"{"gte":2.5,"lte":2.5}"#);
        for range in [
            Range::lt(f64::NAN),
            Range::gt(f64::INFINITY),
            Range::gt(2.0).and_lt(2.0),
            Range::gte(2.0).and_lt(1.0),
        ] {
            assert!(range.write().is_err(), "{range:?}");
        }
    }
}
