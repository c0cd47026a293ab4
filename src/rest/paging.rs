//! Operations that answer page by page, and the places between the pages.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;

use crate::error::{Error, Result};
use crate::rest::arguments::Arguments;
use crate::rest::operation::Operation;

/// How an operation is told which page it shall answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paging {
    /// By the `pageNumber` of its query, counted from 1.
    Number,
    /// By the `pageNumber` of its body, which stands in the member that is named, if one is.
    Body(Option<&'static str>),
    /// By the `cursor` of the answer before, in the parameter that is named.
    Cursor(&'static str),
    /// By the query of the answer's `nextUri`.
    NextUri,
}

/// What one page holds, and what it says of the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sheet<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Its `cursor`: where the next page is.
    pub cursor: Option<Box<str>>,
    /// Its `nextUri`.
    pub next_uri: Option<Box<str>>,
    /// How many pages there are.
    pub page_count: Option<i64>,
    /// How many items there are on all pages.
    pub total: Option<i64>,
}

impl<T> Sheet<T> {
    /// A page that says nothing of others.
    pub fn new(items: Vec<T>) -> Self {
        Self { items, cursor: None, next_uri: None, page_count: None, total: None }
    }
}

/// An operation of which every answer is one page; [`Client::pages`](crate::Client::pages) goes through them.
///
/// Those of [`operations`](crate::operations) are, where the platform pages.
pub trait Paged: Operation + Clone + Send + Sync + 'static {
    /// What the pages hold.
    type Item: Send + 'static;

    /// How the next page is asked for.
    const PAGING: Paging;

    /// Takes an answer apart.
    fn sheet(page: Self::Response) -> Sheet<Self::Item>;
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Place {
    /// Where the operation itself points to.
    First,
    Number(u32),
    Cursor(Box<str>),
    /// The query of a `nextUri`.
    Query(Box<str>),
    /// Behind the last page.
    End,
}

/// Tells a listing that goes round in a circle, whatever the length of the circle: one page is remembered, and after
/// twice as many pages as before another one (Brent's algorithm). At the latest the third round is cut short.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    mark: Place,
    steps: u64,
    until: u64,
}

impl Default for Trail {
    fn default() -> Self {
        Self { mark: Place::First, steps: 0, until: 1 }
    }
}

impl Trail {
    /// Takes note of the page that comes next; whether it was there before, as far as that is known.
    pub(crate) fn returns_to(&mut self, next: &Place) -> bool {
        if *next == Place::End {
            return false;
        }
        if *next == self.mark {
            return true;
        }
        self.steps += 1;
        if self.steps == self.until {
            self.mark = next.clone();
            (self.steps, self.until) = (0, self.until.saturating_mul(2));
        }
        false
    }
}

/// What of a query says which page it is, and how large.
const OF_PAGES: &[&str] =
    &["pageNumber", "pageSize", "cursor", "after", "before", "nextPage", "previousPage"];

impl Place {
    /// Points what is sent at this page.
    pub(crate) fn point(&self, paging: Paging, arguments: &mut Arguments) -> Result<()> {
        match (self, paging) {
            (Self::First | Self::End, _) => Ok(()),
            (Self::Number(number), Paging::Body(member)) => number_body(*number, member, arguments),
            (Self::Number(number), _) => {
                arguments.set_query("pageNumber", number.to_string());
                Ok(())
            }
            (Self::Cursor(cursor), Paging::Cursor(name)) => {
                arguments.set_query(name, cursor.to_string());
                Ok(())
            }
            (Self::Cursor(cursor), _) => {
                arguments.set_query("cursor", cursor.to_string());
                Ok(())
            }
            (Self::Query(query), _) => {
                for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                    // Whatever else the link has is ours already, or nothing that we asked for.
                    if let Some(known) = OF_PAGES.iter().find(|known| **known == name) {
                        arguments.set_query(known, value.into_owned());
                    }
                }
                Ok(())
            }
        }
    }

    /// Where the page behind this one is; `number` is the one that this one has, and `seen` counts the items up to its
    /// end.
    pub(crate) fn after<T>(paging: Paging, number: u32, seen: u64, sheet: &Sheet<T>) -> Self {
        let text = |text: &Option<Box<str>>| text.clone().filter(|text| !text.is_empty());
        match paging {
            Paging::Number | Paging::Body(_) => {
                let total = sheet.total.and_then(|total| u64::try_from(total).ok());
                let past = sheet.page_count.is_some_and(|count| i64::from(number) >= count)
                    || total.is_some_and(|total| seen >= total);
                // Only the last page, or one behind it, has nothing; the counts may be those of an earlier time.
                let last = sheet.items.is_empty() || (past && text(&sheet.next_uri).is_none());
                if last { Self::End } else { Self::Number(number.saturating_add(1)) }
            }
            Paging::Cursor(_) => text(&sheet.cursor).map_or(Self::End, Self::Cursor),
            Paging::NextUri => {
                let uri = text(&sheet.next_uri);
                let query =
                    uri.as_deref().and_then(|uri| uri.split_once('?')).map(|(_, query)| query);
                query.map_or(Self::End, |query| Self::Query(query.into()))
            }
        }
    }

    /// The number that stands for this place, where pages have numbers.
    pub(crate) fn number(&self, first: u32) -> u32 {
        match self {
            Self::Number(number) => *number,
            _ => first,
        }
    }
}

/// Writes the number of the page into a body.
fn number_body(number: u32, member: Option<&str>, arguments: &mut Arguments) -> Result<()> {
    let Some(Ok(body)) = &arguments.body else { return Ok(()) };
    let unusable = || Error::config("the body of an operation with pages must be a JSON object");
    let mut body: Value = serde_json::from_slice(body).map_err(|_| unusable())?;
    let mut at = body.as_object_mut().ok_or_else(unusable)?;
    if let Some(member) = member {
        let inner = at.entry(member).or_insert_with(|| Value::Object(serde_json::Map::new()));
        at = inner.as_object_mut().ok_or_else(unusable)?;
    }
    at.insert("pageNumber".to_owned(), number.into());
    let body = serde_json::to_vec(&body).map_err(|_| unusable())?;
    arguments.body = Some(Ok(body));
    Ok(())
}

/// The page that what is sent asks for by itself.
pub(crate) fn first_number(paging: Paging, arguments: &Arguments) -> u32 {
    let number = if let Paging::Body(member) = paging {
        arguments.body.as_ref().and_then(|body| {
            let body: Value = serde_json::from_slice(body.as_ref().ok()?).ok()?;
            let at = member.map_or(Some(&body), |member| body.get(member))?;
            at.get("pageNumber")?.as_u64().and_then(|number| u32::try_from(number).ok())
        })
    } else {
        let mut query = arguments.query.iter();
        query.find(|(name, _)| *name == "pageNumber").and_then(|(_, value)| value.parse().ok())
    };
    number.unwrap_or(1).max(1)
}

/// A saved place in a listing: plain data that can be written down, and gone on from later, by another process too.
///
/// It belongs to one operation with its arguments; others refuse it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Of the operation and its arguments.
    pub(crate) of: Box<str>,
    pub(crate) page: Place,
    /// Items of that page that were handed out already.
    pub(crate) taken: usize,
    /// Items of the pages before it.
    pub(crate) before: u64,
}

impl Position {
    /// How many items were handed out before this place.
    pub fn items_before(&self) -> u64 {
        self.before.saturating_add(self.taken as u64)
    }

    /// Whether everything was handed out.
    pub fn is_end(&self) -> bool {
        self.page == Place::End
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Position")
            .field("page", &self.page)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(items: usize, next_uri: Option<&str>, page_count: Option<i64>) -> Sheet<()> {
        Sheet { next_uri: next_uri.map(Into::into), page_count, ..Sheet::new(vec![(); items]) }
    }

    #[test]
    fn the_last_page_is_known_by_its_count_or_by_being_empty() {
        let next = |number, sheet: &Sheet<()>| Place::after(Paging::Number, number, 25, sheet);
        assert_eq!(next(1, &sheet(25, None, Some(3))), Place::Number(2));
        assert_eq!(next(3, &sheet(25, None, Some(3))), Place::End);
        assert_eq!(next(3, &sheet(25, Some("/x?pageNumber=4"), Some(3))), Place::Number(4));
        // Without a word on how many there are, only an empty page is the last: a short one may have been filtered.
        assert_eq!(next(3, &sheet(1, None, None)), Place::Number(4));
        assert_eq!(next(4, &sheet(0, Some("/x?pageNumber=5"), None)), Place::End);
        let of = |total| Sheet { total: Some(total), ..sheet(25, None, None) };
        assert_eq!(next(1, &of(26)), Place::Number(2));
        assert_eq!(next(1, &of(25)), Place::End);
    }

    #[test]
    fn a_circle_of_pages_of_any_length_is_noticed() {
        let place = |n: usize| Place::Cursor(n.to_string().into());
        for (straight, circle) in [(0, 1), (0, 2), (3, 2), (5, 7), (20, 50)] {
            let mut trail = Trail::default();
            let pages = (0..straight).chain((0..10 * circle).map(|n| straight + n % circle));
            let read = pages.take_while(|page| !trail.returns_to(&place(*page))).count();
            assert!(read <= 3 * (straight + circle), "{straight} {circle}: {read}");
        }
        let mut trail = Trail::default();
        assert!((0..10_000).all(|page| !trail.returns_to(&place(page))));
        assert!((0..3).all(|_| !trail.returns_to(&Place::End)));
    }

    #[test]
    fn of_a_link_only_the_place_is_taken() {
        let uri = "/api/v2/integrations?pageSize=5&nextPage=a%20b&evil=1";
        let place = Place::after(Paging::NextUri, 1, 5, &sheet(5, Some(uri), None));
        let mut arguments = Arguments::new().query("pageSize", 100).query("ids", "x");
        place.point(Paging::NextUri, &mut arguments).unwrap();
        let query = [("ids", "x"), ("pageSize", "5"), ("nextPage", "a b")];
        let seen: Vec<_> = arguments.query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(seen, query);
        for none in [None, Some(""), Some("/api/v2/integrations")] {
            assert_eq!(Place::after(Paging::NextUri, 1, 5, &sheet(5, none, None)), Place::End);
        }
    }

    #[test]
    fn the_number_is_written_into_the_body_and_nothing_else_is_changed() {
        let body =
            serde_json::json!({"interval": "x", "paging": {"pageSize": 100, "pageNumber": 3}});
        let paging = Paging::Body(Some("paging"));
        let mut arguments = Arguments::new().json(&body);
        assert_eq!(first_number(paging, &arguments), 3);
        Place::Number(4).point(paging, &mut arguments).unwrap();
        let sent: Value =
            serde_json::from_slice(arguments.body.unwrap().unwrap().as_slice()).unwrap();
        let wanted =
            serde_json::json!({"interval": "x", "paging": {"pageSize": 100, "pageNumber": 4}});
        assert_eq!(sent, wanted);
        let mut bare = Arguments::new().json(&serde_json::json!({}));
        assert_eq!(first_number(Paging::Body(None), &bare), 1);
        Place::Number(2).point(Paging::Body(None), &mut bare).unwrap();
        assert_eq!(bare.body.unwrap().unwrap(), br#"{"pageNumber":2}"#);
        let mut list = Arguments::new().json(&[1]);
        assert!(Place::Number(2).point(Paging::Body(None), &mut list).is_err());
    }
}
