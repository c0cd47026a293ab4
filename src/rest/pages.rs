//! A listing, page by page and item by item.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::stream::FusedStream;
use sha2::{Digest, Sha256};

use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::rest::answer::Answer;
use crate::rest::api::Api;
use crate::rest::arguments::Arguments;
use crate::rest::operation::{CallOptions, Operation};
use crate::rest::paging::{Paged, Place, Position, Sheet, Trail, first_number};

/// One page of a listing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where it begins.
    pub position: Position,
    /// How many items there are on all pages, when the platform says so.
    pub total: Option<u64>,
}

/// A listing as a stream of [`Page`]s, from [`Client::pages`](crate::Client::pages).
///
/// Lazy: a page is asked for when it is polled for, within the client's request budget. An error is the last item; a
/// listing can go on from its [`position`](Self::position).
///
/// The platform numbers the pages of most listings, and what is created or deleted meanwhile shifts them: an item may
/// then be missed, or come twice. Listings by cursor do not shift.
///
/// # Cancel safety
/// Dropping a future that waits for the next page loses nothing: the call goes on at the next poll.
#[must_use = "a listing does nothing until it is polled"]
pub struct Pages<O: Paged> {
    api: Api,
    operation: O,
    options: CallOptions,
    /// Of the operation and its arguments.
    of: Box<str>,
    /// The number that the operation's own page has.
    first: u32,
    next: Place,
    /// Tells when the pages go round in a circle.
    trail: Trail,
    /// Items of the next page that were handed out by an earlier listing.
    skip: usize,
    /// Items of the pages before the next one.
    before: u64,
    total: Option<u64>,
    under_way: Option<BoxFuture<'static, Result<Sheet<O::Item>>>>,
    failed: bool,
}

impl<O: Paged> Pages<O> {
    pub(crate) fn new(api: Api, operation: O, options: CallOptions) -> Self {
        let arguments = operation.arguments();
        let of = fingerprint::<O>(&arguments);
        let first = first_number(O::PAGING, &arguments);
        Self {
            api,
            operation,
            options,
            of,
            first,
            next: Place::First,
            trail: Trail::default(),
            skip: 0,
            before: 0,
            total: None,
            under_way: None,
            failed: false,
        }
    }

    /// Goes on from a position of an earlier listing of the same operation with the same arguments.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the position is that of another operation, or of other arguments.
    pub fn resume(mut self, position: Position) -> Result<Self> {
        if position.of != self.of {
            return Err(Error::config(format!(
                "the position is not one of {} with these arguments; begin again without it",
                O::TEMPLATE
            )));
        }
        self.next = position.page;
        self.trail = Trail::default();
        self.skip = position.taken;
        self.before = position.before;
        self.under_way = None;
        self.failed = false;
        Ok(self)
    }

    /// Where the next page begins. After an error it is the page that failed.
    pub fn position(&self) -> Position {
        let (of, page) = (self.of.clone(), self.next.clone());
        Position { of, page, taken: self.skip, before: self.before }
    }

    /// How many items there are on all pages, once a page said so.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The same listing item by item.
    pub fn items(self) -> Items<O> {
        let page = self.position();
        Items { pages: self, page, ahead: VecDeque::new() }
    }

    fn ask(&self) -> BoxFuture<'static, Result<Sheet<O::Item>>> {
        let api = self.api.clone();
        let asked = Pointed { operation: self.operation.clone(), page: self.next.clone() };
        let options = self.options;
        Box::pin(async move { api.execute(asked, options).await.map(O::sheet) })
    }

    /// What a refusal in the middle of a listing means.
    fn explain(&self, error: Error) -> Error {
        let by_cursor = matches!(self.next, Place::Cursor(_) | Place::Query(_));
        if !by_cursor || !matches!(error.status(), Some(400 | 404 | 410)) {
            return error;
        }
        let before = self.position().items_before();
        error.with_hint(&format!(
            "; the cursor of the page behind the first {before} items may have expired: begin the listing again"
        ))
    }

    /// Takes a page in that was answered.
    fn turn(&mut self, sheet: Sheet<O::Item>) -> Result<Page<O::Item>> {
        let seen = self.before.saturating_add(sheet.items.len() as u64);
        let after = Place::after(O::PAGING, self.next.number(self.first), seen, &sheet);
        if after == self.next && after != Place::End {
            let text = format!("answer of {} names itself as the next page", O::TEMPLATE);
            return Err(Error::new(ErrorKind::Decode, text));
        }
        if self.trail.returns_to(&after) {
            let text = format!(
                "answer of {} names a page as the next that was there before: the listing goes round in a circle",
                O::TEMPLATE
            );
            return Err(Error::new(ErrorKind::Decode, text));
        }
        let total = sheet.total.and_then(|total| u64::try_from(total).ok());
        self.total = total.or(self.total);
        let position = self.position();
        let mut items = sheet.items;
        items.drain(..self.skip.min(items.len()));
        self.next = after;
        self.before = seen;
        self.skip = 0;
        Ok(Page { items, position, total: self.total })
    }
}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<Page<O::Item>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_terminated() {
            return Poll::Ready(None);
        }
        if this.under_way.is_none() {
            this.under_way = Some(this.ask());
        }
        let Some(call) = &mut this.under_way else { return Poll::Ready(None) };
        let sheet = ready!(call.as_mut().poll(cx));
        this.under_way = None;
        let page = match sheet {
            Ok(sheet) => this.turn(sheet),
            Err(error) => Err(this.explain(error)),
        };
        this.failed = page.is_err();
        Poll::Ready(Some(page))
    }
}

impl<O: Paged> FusedStream for Pages<O> {
    fn is_terminated(&self) -> bool {
        self.failed || self.next == Place::End
    }
}

// Nothing in it is pinned but the call, which is in a box.
impl<O: Paged> Unpin for Pages<O> {}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &O::TEMPLATE)
            .field("next", &self.next)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// A listing as a stream of items, from [`Pages::items`].
///
/// It holds one page at a time. An error is the last item; a listing can go on from its [`position`](Self::position).
///
/// # Cancel safety
/// As that of [`Pages`].
#[must_use = "a listing does nothing until it is polled"]
pub struct Items<O: Paged> {
    pages: Pages<O>,
    /// Where the items ahead are from, and how many of them were handed out.
    page: Position,
    ahead: VecDeque<O::Item>,
}

impl<O: Paged> Items<O> {
    /// Behind the last item that was handed out: a listing that goes on from here repeats none and leaves out none.
    pub fn position(&self) -> Position {
        if self.ahead.is_empty() { self.pages.position() } else { self.page.clone() }
    }

    /// How many items there are, once a page said so.
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }
}

impl<O: Paged> Stream for Items<O> {
    type Item = Result<O::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.ahead.pop_front() {
                this.page.taken += 1;
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(Pin::new(&mut this.pages).poll_next(cx)) {
                Some(Ok(page)) => {
                    this.page = page.position;
                    this.ahead = page.items.into();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<O: Paged> FusedStream for Items<O> {
    fn is_terminated(&self) -> bool {
        self.ahead.is_empty() && self.pages.is_terminated()
    }
}

impl<O: Paged> Unpin for Items<O> {}

impl<O: Paged> fmt::Debug for Items<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}

/// An operation that asks for one page.
struct Pointed<O> {
    operation: O,
    page: Place,
}

impl<O: Paged> Operation for Pointed<O> {
    type Response = O::Response;

    const METHOD: crate::rest::operation::Method = O::METHOD;
    const TEMPLATE: &'static str = O::TEMPLATE;

    fn arguments(&self) -> Arguments {
        let mut arguments = self.operation.arguments();
        if let Err(error) = self.page.point(O::PAGING, &mut arguments) {
            arguments.body = Some(Err(error));
        }
        arguments
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        O::response(answer)
    }
}

/// Tells listings apart: of the operation and all that it sends.
fn fingerprint<O: Operation>(arguments: &Arguments) -> Box<str> {
    let mut hash = Sha256::new();
    let mut put = |text: &[u8]| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text);
    };
    put(O::METHOD.as_str().as_bytes());
    put(O::TEMPLATE.as_bytes());
    for (name, value) in arguments.path.iter().chain(&arguments.query).chain(&arguments.headers) {
        put(name.as_bytes());
        put(value.as_bytes());
    }
    if let Some(Ok(body)) = &arguments.body {
        put(body);
    }
    let mut text = String::new();
    for byte in hash.finalize().iter().take(8) {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}
