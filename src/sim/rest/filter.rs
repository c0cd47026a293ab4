//! The query language of analytics: filters of predicates, which hold for a row or do not.

use std::borrow::Cow;

use serde::Deserialize;

use super::asked::invalid;
use super::interval::Interval;
use crate::sim::response::Reply;

/// Something that has dimensions and metrics.
pub(super) trait Row {
    /// A dimension as text; `None` when this row does not have it.
    fn text(&self, dimension: &str) -> Option<Cow<'_, str>>;

    /// A dimension as a number.
    fn number(&self, dimension: &str) -> Option<f64> {
        self.text(dimension)?.parse().ok()
    }

    /// A dimension that is a time, in milliseconds of the epoch.
    fn time(&self, _dimension: &str) -> Option<i64> {
        None
    }

    fn metric(&self, _metric: &str) -> Option<f64> {
        None
    }
}

/// What a filter may name.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) dimensions: &'static [&'static str],
    pub(super) metrics: &'static [&'static str],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(default)]
    r#type: Join,
    #[serde(default)]
    predicates: Option<Vec<Predicate>>,
    #[serde(default)]
    clauses: Option<Vec<Filter>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Join {
    #[default]
    And,
    Or,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Predicate {
    #[serde(default)]
    r#type: Kind,
    dimension: Option<String>,
    metric: Option<String>,
    property: Option<String>,
    #[serde(rename = "propertyType")]
    _property_type: Option<String>,
    #[serde(default)]
    operator: Operator,
    value: Option<String>,
    range: Option<Range>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Dimension,
    Property,
    Metric,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Operator {
    #[default]
    Matches,
    Exists,
    NotExists,
}

/// Bounds of a number; those that are left out do not bind.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    gt: Option<f64>,
    gte: Option<f64>,
    lt: Option<f64>,
    lte: Option<f64>,
}

impl Range {
    pub(super) fn holds(&self, value: f64) -> bool {
        self.gt.is_none_or(|bound| value > bound)
            && self.gte.is_none_or(|bound| value >= bound)
            && self.lt.is_none_or(|bound| value < bound)
            && self.lte.is_none_or(|bound| value <= bound)
    }

    /// The bounds that a result of an aggregation repeats.
    pub(super) fn bounds(&self) -> (Option<f64>, Option<f64>) {
        (self.gte, self.lt)
    }
}

impl Filter {
    /// Whether all that it names is known.
    pub(super) fn check(&self, known: Known) -> Result<(), Reply> {
        self.check_level(known, 0)
    }

    fn check_level(&self, known: Known, level: usize) -> Result<(), Reply> {
        if level > 1 {
            return Err(Reply::bad_request("a clause of a filter has no clauses of its own"));
        }
        self.predicates.iter().flatten().try_for_each(|one| one.check(known))?;
        self.clauses.iter().flatten().try_for_each(|one| one.check_level(known, level + 1))
    }

    /// Whether it holds; one without predicates holds for everything.
    pub(super) fn fits(&self, row: &impl Row) -> bool {
        let (predicates, clauses) =
            (self.predicates.iter().flatten(), self.clauses.iter().flatten());
        let mut parts =
            predicates.map(|one| one.fits(row)).chain(clauses.map(|one| one.fits(row))).peekable();
        match self.r#type {
            Join::And => parts.all(|fits| fits),
            Join::Or => parts.peek().is_none() || parts.any(|fits| fits),
        }
    }

    /// The values that a dimension has to have one of, where it is asked for by name.
    pub(super) fn values<'f>(&'f self, dimension: &str, into: &mut Vec<&'f str>) {
        for one in self.predicates.iter().flatten() {
            if one.dimension.as_deref() == Some(dimension) && one.operator == Operator::Matches {
                into.extend(one.value.as_deref());
            }
        }
        self.clauses.iter().flatten().for_each(|clause| clause.values(dimension, into));
    }
}

impl Predicate {
    fn check(&self, known: Known) -> Result<(), Reply> {
        let name = match self.kind() {
            Kind::Dimension => {
                let name = self.dimension.as_deref().unwrap_or_default();
                if !known.dimensions.contains(&name) {
                    let what = format!("dimension {name:?} is not one of these: it");
                    return Err(invalid(&what, &known.dimensions.join(", ")));
                }
                name
            }
            Kind::Metric => {
                let name = self.metric.as_deref().unwrap_or_default();
                if !known.metrics.contains(&name) {
                    return Err(invalid("metric", &known.metrics.join(", ")));
                }
                name
            }
            Kind::Property => self.property.as_deref().unwrap_or_default(),
        };
        if self.operator == Operator::Matches && self.value.is_none() && self.range.is_none() {
            let text = format!("a predicate that matches needs a value or a range: {name}");
            return Err(Reply::bad_request(&text));
        }
        if is_time(name) {
            if let Some(value) = &self.value {
                Interval::read(value, i64::MAX)?;
            }
        }
        Ok(())
    }

    fn kind(&self) -> Kind {
        match self.r#type {
            Kind::Dimension if self.dimension.is_none() && self.metric.is_some() => Kind::Metric,
            Kind::Dimension if self.dimension.is_none() && self.property.is_some() => {
                Kind::Property
            }
            kind => kind,
        }
    }

    fn fits(&self, row: &impl Row) -> bool {
        match self.kind() {
            Kind::Dimension => {
                self.fits_dimension(row, self.dimension.as_deref().unwrap_or_default())
            }
            Kind::Metric => {
                let value = row.metric(self.metric.as_deref().unwrap_or_default());
                self.fits_number(value)
            }
            // Nothing that is generated has properties.
            Kind::Property => self.operator == Operator::NotExists,
        }
    }

    fn fits_dimension(&self, row: &impl Row, name: &str) -> bool {
        if is_time(name) {
            let time = row.time(name);
            return match (self.operator, &self.value) {
                (Operator::Matches, Some(value)) => {
                    let interval = Interval::read(value, i64::MAX);
                    time.is_some_and(|time| interval.is_ok_and(|interval| interval.holds(time)))
                }
                _ => self.fits_number(row.number(name)),
            };
        }
        match (self.operator, &self.value) {
            (Operator::Matches, Some(value)) => {
                row.text(name).is_some_and(|text| text.eq_ignore_ascii_case(value))
            }
            (Operator::Matches, None) => self.fits_number(row.number(name)),
            (Operator::Exists, _) => row.text(name).is_some() || row.number(name).is_some(),
            (Operator::NotExists, _) => row.text(name).is_none() && row.number(name).is_none(),
        }
    }

    fn fits_number(&self, value: Option<f64>) -> bool {
        match self.operator {
            Operator::Exists => value.is_some(),
            Operator::NotExists => value.is_none(),
            Operator::Matches => value.is_some_and(|value| {
                self.range.is_none_or(|range| range.holds(value))
                    && self.value.as_deref().is_none_or(|text| text.parse() == Ok(value))
            }),
        }
    }
}

fn is_time(name: &str) -> bool {
    matches!(name, "conversationStart" | "conversationEnd" | "segmentEnd")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    struct Sample(BTreeMap<&'static str, &'static str>);

    impl Row for Sample {
        fn text(&self, dimension: &str) -> Option<Cow<'_, str>> {
            self.0.get(dimension).map(|text| Cow::Borrowed(*text))
        }

        fn metric(&self, metric: &str) -> Option<f64> {
            (metric == "tTalk").then_some(1_500.0)
        }

        fn time(&self, dimension: &str) -> Option<i64> {
            (dimension == "conversationStart").then_some(1_772_616_600_000)
        }
    }

    const KNOWN: Known = Known {
        dimensions: &["mediaType", "queueId", "mos", "conversationStart", "conversationEnd"],
        metrics: &["tTalk", "tHeld"],
    };

    fn filter(value: Value) -> Filter {
        serde_json::from_value(value).expect("a filter")
    }

    #[test]
    fn filters_hold_as_the_language_says() {
        let row = Sample([("mediaType", "voice"), ("mos", "3.2")].into());
        let media = |value: &str| json!({ "dimension": "mediaType", "value": value });
        let and = |parts: Value| json!({ "type": "and", "predicates": parts });
        let or = |parts: Value| json!({ "type": "or", "predicates": parts });
        for (given, fits) in [
            (and(json!([media("voice")])), true),
            (and(json!([media("VOICE"), media("chat")])), false),
            (or(json!([media("voice"), media("chat")])), true),
            (or(json!([media("email"), media("chat")])), false),
            (or(json!([])), true),
            (and(json!([{ "dimension": "queueId", "operator": "notExists" }])), true),
            (and(json!([{ "dimension": "queueId", "operator": "exists" }])), false),
            (and(json!([{ "dimension": "mos", "range": { "lt": 3.5 } }])), true),
            (and(json!([{ "dimension": "mos", "range": { "gte": 3.3 } }])), false),
            (and(json!([{ "dimension": "queueId", "range": { "gte": 0 } }])), false),
            (
                and(
                    json!([{ "type": "metric", "metric": "tTalk", "range": { "gt": 1_499, "lte": 1_500 } }]),
                ),
                true,
            ),
            (and(json!([{ "type": "metric", "metric": "tHeld", "operator": "exists" }])), false),
            (
                and(
                    json!([{ "dimension": "conversationStart", "value": "2026-03-04T09:00:00Z/2026-03-04T10:00:00Z" }]),
                ),
                true,
            ),
            (
                and(
                    json!([{ "dimension": "conversationStart", "value": "2026-03-04T10:00:00Z/2026-03-04T11:00:00Z" }]),
                ),
                false,
            ),
            (and(json!([{ "dimension": "conversationEnd", "operator": "notExists" }])), true),
            (
                json!({ "type": "and", "clauses": [or(json!([media("chat")])), and(json!([media("voice")]))] }),
                false,
            ),
            (
                json!({ "type": "or", "clauses": [or(json!([media("chat")])), and(json!([media("voice")]))] }),
                true,
            ),
        ] {
            let read = filter(given.clone());
            assert!(read.check(KNOWN).is_ok(), "{given}");
            assert_eq!(read.fits(&row), fits, "{given}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_whole_is_refused() {
        for given in [
            json!({ "type": "and", "predicates": [{ "dimension": "mood", "value": "x" }] }),
            json!({ "type": "and", "predicates": [{ "dimension": "queueId" }] }),
            json!({ "type": "and", "predicates": [{ "type": "metric", "metric": "tJoy", "range": {} }] }),
            json!({ "type": "and", "predicates": [{ "dimension": "conversationEnd", "value": "noon" }] }),
            json!({ "type": "and", "clauses": [{ "type": "and", "clauses": [{ "type": "and", "clauses": [] }] }] }),
        ] {
            assert!(filter(given.clone()).check(KNOWN).is_err(), "{given}");
        }
    }
}
