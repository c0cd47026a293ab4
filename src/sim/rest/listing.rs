//! Pages of listings: by number, and by cursor.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::asked::Answer;
use crate::sim::request::Request;
use crate::sim::response::Reply;

/// Entities of a page when the caller does not say. Source: documentation of the JavaScript SDK.
const PAGE: usize = 25;

/// Most entities of a page. The platform's own maximum differs by resource.
pub(super) const PAGE_MAX: usize = 500;

/// Which page is asked for by number.
pub(super) struct Page {
    pub(super) size: usize,
    /// From 1.
    pub(super) number: usize,
}

impl Page {
    pub(super) fn asked(request: &Request, max: usize) -> Result<Self, Reply> {
        Ok(Self {
            size: number(request, "pageSize", PAGE.min(max), max)?,
            number: number(request, "pageNumber", 1, usize::MAX)?,
        })
    }

    /// How many come before it.
    pub(super) fn begin(&self) -> usize {
        self.size.saturating_mul(self.number - 1)
    }

    /// How many pages so many entities make.
    pub(super) fn count(&self, total: usize) -> usize {
        total.div_ceil(self.size)
    }
}

/// One page of a listing, with the links to the others.
pub(super) fn numbered<T>(
    request: &Request,
    max: usize,
    all: &[T],
    entity: impl Fn(&T) -> Value,
) -> Answer {
    numbered_without(request, max, all, &[], entity)
}

/// The same without the fields that some listings do not have.
pub(super) fn numbered_without<T>(
    request: &Request,
    max: usize,
    all: &[T],
    absent: &[&str],
    entity: impl Fn(&T) -> Value,
) -> Answer {
    let page = Page::asked(request, max)?;
    let pages = page.count(all.len());
    let uri = |number: usize| {
        let number = number.to_string();
        link(request, &[("pageSize", &page.size.to_string()), ("pageNumber", &number)])
    };
    let entities: Vec<Value> = all.iter().skip(page.begin()).take(page.size).map(entity).collect();
    let mut listing = json!({
        "entities": entities,
        "pageSize": page.size,
        "pageNumber": page.number,
        "total": all.len(),
        "pageCount": pages,
        "firstUri": uri(1),
        "selfUri": uri(page.number),
        "lastUri": uri(pages.max(1)),
    });
    if page.number < pages {
        listing["nextUri"] = json!(uri(page.number + 1));
    }
    if page.number > 1 {
        listing["previousUri"] = json!(uri(page.number - 1));
    }
    if let Some(listing) = listing.as_object_mut() {
        listing.retain(|name, _| !absent.contains(&name.as_str()));
    }
    Ok(Reply::json(&listing))
}

/// One page behind a cursor, which is the number of the entities before it; `cursor` names the query parameter.
pub(super) struct Slice {
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Address of the next page, and the cursor in it.
    pub(super) next: Option<(String, String)>,
    pub(super) previous: Option<String>,
    pub(super) self_uri: String,
}

impl Slice {
    pub(super) fn asked(
        request: &Request,
        cursor: &str,
        total: usize,
        default: usize,
        max: usize,
    ) -> Result<Self, Reply> {
        let size = number(request, "pageSize", default, max)?;
        let begin = match request.query(cursor) {
            None => 0,
            Some(text) => place(&text).filter(|begin| *begin <= total).ok_or_else(bad_cursor)?,
        };
        let end = begin.saturating_add(size).min(total);
        let (wide, size) = (size, size.to_string());
        let at = |place: usize| link(request, &[("pageSize", &size), (cursor, &cursor_of(place))]);
        Ok(Self {
            begin,
            end,
            next: (end < total).then(|| (at(end), cursor_of(end))),
            previous: (begin > 0).then(|| at(begin.saturating_sub(wide))),
            self_uri: at(begin),
        })
    }
}

/// The refusal of a cursor that this platform did not make, or does not know any more.
pub(super) fn bad_cursor() -> Reply {
    Reply::error(400, "invalid.cursor", "The cursor is not valid, or has expired.")
}

/// A place as opaque text.
pub(super) fn cursor_of(place: usize) -> String {
    format!("c{:x}", place ^ MASK)
}

/// The place in opaque text.
pub(super) fn place(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix('c')?, 16).ok().map(|masked| masked ^ MASK)
}

/// Cursors are not meant to be understood.
const MASK: usize = 0x5a5a_5a5a;

/// The address of this request with some parameters changed.
fn link(request: &Request, changed: &[(&str, &str)]) -> String {
    let query = request.parts.uri.query().unwrap_or_default();
    let mut to = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !changed.iter().any(|(known, _)| *known == name) {
            to.append_pair(&name, &value);
        }
    }
    for (name, value) in changed {
        to.append_pair(name, value);
    }
    format!("{}?{}", request.parts.uri.path(), to.finish())
}

/// A number of the query, within its bounds.
pub(super) fn number(
    request: &Request,
    name: &str,
    default: usize,
    max: usize,
) -> Result<usize, Reply> {
    let Some(text) = request.query(name) else {
        return Ok(default);
    };
    text.parse().ok().filter(|number| (1..=max).contains(number)).ok_or_else(|| {
        let message = format!("{name} must be a number from 1 to {max}");
        Reply::error(400, "invalid.value", &message)
    })
}

/// Whether a listing is asked for in descending order.
pub(super) fn descending(request: &Request) -> bool {
    let order = request.query("sortOrder");
    order.is_some_and(|order| order.to_ascii_lowercase().starts_with("desc"))
}

/// A name with `*` at its ends, in any case.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let wanted = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => name.contains(wanted),
        (true, false) => name.ends_with(wanted),
        (false, true) => name.starts_with(wanted),
        (false, false) => name == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_its_place_and_nothing_else_is_one() {
        for number in [0, 1, 25, 99_999, usize::from(u16::MAX)] {
            assert_eq!(place(&cursor_of(number)), Some(number));
        }
        for text in ["", "c", "7", "czz", "x12"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn names_match_with_stars_at_their_ends() {
        for (pattern, fits) in [
            ("support", true),
            ("sup*", true),
            ("*PORT", true),
            ("*ppo*", true),
            ("port", false),
            ("*sup", false),
            ("*", true),
        ] {
            assert_eq!(matches(pattern, "Support"), fits, "{pattern}");
        }
    }
}
