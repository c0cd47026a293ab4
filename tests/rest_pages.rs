//! Listings: every way of paging, and going on where one was left.

#[allow(dead_code)] // Shared with other tests.
#[path = "support/loopback.rs"]
mod loopback;

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt};
use genesys_cloud::{
    Answer, Arguments, Client, Endpoints, ErrorKind, Items, Method, NoLimit, NoRetry, Operation,
    Paged, Paging, Position, Proxy, Result, Sheet, StaticToken,
};
use serde::Deserialize;
use serde_json::{Value, json};

use loopback::{Loopback, Reply, Seen};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Listing {
    entities: Vec<u64>,
    cursor: Option<Box<str>>,
    next_uri: Option<Box<str>>,
    page_count: Option<i64>,
    total: Option<i64>,
}

macro_rules! listing {
    ($name:ident, $method:ident, $paging:expr, $arguments:expr) => {
        #[derive(Clone, Debug)]
        struct $name(usize);

        impl Operation for $name {
            type Response = Listing;

            const METHOD: Method = Method::$method;
            const TEMPLATE: &'static str = concat!("/api/v2/", stringify!($name));

            fn arguments(&self) -> Arguments {
                let arguments: fn(usize) -> Arguments = $arguments;
                arguments(self.0)
            }

            fn response(answer: Answer) -> Result<Listing> {
                answer.json()
            }
        }

        impl Paged for $name {
            type Item = u64;

            const PAGING: Paging = $paging;

            fn sheet(page: Listing) -> Sheet<u64> {
                let mut sheet = Sheet::new(page.entities);
                sheet.cursor = page.cursor;
                sheet.next_uri = page.next_uri;
                sheet.page_count = page.page_count;
                sheet.total = page.total;
                sheet
            }
        }
    };
}

fn sized(size: usize) -> Arguments {
    Arguments::new().query("pageSize", size)
}

listing!(Numbered, Get, Paging::Number, sized);
listing!(Queried, Post, Paging::Body(Some("paging")), |size| {
    Arguments::new().json(&json!({"paging": {"pageSize": size}, "order": "asc"})).only_reads()
});
listing!(Pointed, Get, Paging::Cursor("cursor"), sized);
listing!(Linked, Get, Paging::NextUri, sized);

/// A platform with numbers from nought, in every style; `refuse` says which call is refused, counted from 0.
fn answer(all: u64, at: usize, seen: &Seen, refuse: Option<(usize, u16)>) -> Reply {
    if let Some((_, status)) = refuse.filter(|(call, _)| *call == at) {
        return Reply::json(status, r#"{"message":"no","code":"bad.request","status":400}"#);
    }
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let number = |name: &str| query.get(name).and_then(|value| value.parse::<u64>().ok());
    let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let size = number("pageSize").or(body["paging"]["pageSize"].as_u64()).unwrap();
    let start = match path.rsplit('/').next().unwrap() {
        "Numbered" => (number("pageNumber").unwrap_or(1) - 1) * size,
        "Queried" => (body["paging"]["pageNumber"].as_u64().unwrap_or(1) - 1) * size,
        "Pointed" => number("cursor").unwrap_or(0),
        _ => number("after").unwrap_or(0),
    };
    let end = (start + size).min(all);
    let mut page = json!({"entities": (start.min(end)..end).collect::<Vec<_>>()});
    let more = end < all;
    match path.rsplit('/').next().unwrap() {
        "Numbered" => {
            page["total"] = all.into();
            page["pageCount"] = all.div_ceil(size).into();
        }
        "Queried" => page["total"] = all.into(),
        "Pointed" if more => page["cursor"] = end.to_string().into(),
        "Linked" if more => {
            page["nextUri"] =
                format!("https://elsewhere.example/api/v2/Linked?pageSize={size}&after={end}")
                    .into();
        }
        _ => {}
    }
    Reply::json(200, &page.to_string())
}

async fn platform(all: u64, refuse: Option<(usize, u16)>) -> (Loopback, Client) {
    let server = Loopback::start(move |at, seen| answer(all, at, seen, refuse)).await;
    let client = Client::builder(Endpoints::single(&server.url()).unwrap())
        .token_source(StaticToken::new("hush-token"))
        .proxy(Proxy::none())
        .retry(NoRetry)
        .rate_limiter(NoLimit)
        .build()
        .unwrap();
    (server, client)
}

/// Reads a listing, dropping it after every few items and going on from a position that went through JSON.
async fn in_parts<O: Paged<Item = u64>>(client: &Client, operation: O, all: u64) -> usize {
    let mut dice = fastrand::Rng::with_seed(all);
    let mut position: Option<Position> = None;
    let (mut next, mut parts) = (0, 0);
    loop {
        let pages = client.pages(operation.clone());
        let mut items: Items<O> = match position {
            Some(position) => pages.resume(position).unwrap().items(),
            None => pages.items(),
        };
        parts += 1;
        let many = dice.u64(1..=all + 1);
        for _ in 0..many {
            match items.try_next().await.unwrap() {
                Some(item) => {
                    assert_eq!(item, next, "one was lost or repeated");
                    next += 1;
                }
                None => break,
            }
        }
        let saved = items.position();
        assert_eq!(saved.items_before(), next);
        if saved.is_end() {
            assert_eq!(next, all);
            return parts;
        }
        let text = serde_json::to_string(&saved).unwrap();
        position = Some(serde_json::from_str(&text).unwrap());
    }
}

#[tokio::test]
async fn every_style_loses_and_repeats_nothing_over_many_resumptions() {
    for all in [1, 7, 25, 26, 240] {
        let (_server, client) = platform(all, None).await;
        in_parts(&client, Numbered(25), all).await;
        in_parts(&client, Queried(25), all).await;
        in_parts(&client, Pointed(25), all).await;
        in_parts(&client, Linked(25), all).await;
    }
}

#[tokio::test]
async fn no_page_is_asked_for_in_vain_when_the_end_is_known() {
    let (server, client) = platform(75, None).await;
    for pages in [
        client.pages(Numbered(25)).count().boxed_local(),
        client.pages(Queried(25)).count().boxed_local(),
        client.pages(Pointed(25)).count().boxed_local(),
        client.pages(Linked(25)).count().boxed_local(),
    ] {
        assert_eq!(pages.await, 3);
    }
    assert_eq!(server.count(), 12);
    let listing = client.pages(Numbered(25));
    drop(listing);
    assert_eq!(server.count(), 12, "nothing is sent before it is polled for");
}

#[tokio::test]
async fn the_total_is_known_from_the_first_page_on() {
    let (_server, client) = platform(60, None).await;
    let mut items = client.pages(Numbered(25)).items();
    assert_eq!(items.total(), None);
    items.next().await.unwrap().unwrap();
    assert_eq!(items.total(), Some(60));
    let mut pages = client.pages(Pointed(25));
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!((page.items.len(), page.total, pages.total()), (25, None, None));
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_listing_which_can_go_on_where_it_was() {
    let (server, client) = platform(60, Some((1, 503))).await;
    let mut items = client.pages(Numbered(25)).items();
    let mut seen = Vec::new();
    let error = loop {
        match items.next().await.unwrap() {
            Ok(item) => seen.push(item),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), seen.len()), (ErrorKind::Status(503), 25));
    assert!(items.next().await.is_none(), "an error is the last item");
    let rest = client.pages(Numbered(25)).resume(items.position()).unwrap().items();
    seen.extend(rest.try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(seen, (0..60).collect::<Vec<_>>());
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn a_listing_that_failed_goes_on_when_it_is_resumed_itself() {
    let (_server, client) = platform(60, Some((1, 503))).await;
    let mut pages = client.pages(Numbered(25));
    assert_eq!(pages.next().await.unwrap().unwrap().items.len(), 25);
    pages.next().await.unwrap().unwrap_err();
    let position = pages.position();
    let rest: Vec<_> = pages.resume(position).unwrap().items().try_collect().await.unwrap();
    assert_eq!(rest, (25..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_that_expired_says_so_and_how_far_the_listing_came() {
    for status in [400, 404, 410] {
        let (_server, client) = platform(60, Some((1, status))).await;
        let mut items = client.pages(Pointed(25)).items();
        let seen = (&mut items).take_while(|item| std::future::ready(item.is_ok())).count().await;
        assert_eq!(seen, 25);
        let (_server, client) = platform(60, Some((1, status))).await;
        let error = client.pages(Linked(25)).items().try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(error.to_string().contains("behind the first 25 items"), "{error}");
        assert_eq!(error.operation(), Some("GET /api/v2/Linked"));
    }
}

#[tokio::test]
async fn a_position_of_another_listing_is_refused() {
    let (_server, client) = platform(60, None).await;
    let mut pages = client.pages(Numbered(25));
    pages.next().await.unwrap().unwrap();
    let position = pages.position();
    let other = client.pages(Numbered(10)).resume(position.clone()).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Config);
    assert!(client.pages(Linked(25)).resume(position).is_err());
}

#[tokio::test]
async fn a_dropped_future_loses_no_page() {
    let (server, client) = platform(60, None).await;
    let mut items = client.pages(Pointed(25)).items();
    let mut seen = Vec::new();
    while seen.len() < 60 {
        // Polled once and dropped: the call goes on behind it.
        if let Some(item) = pin!(items.next()).now_or_never() {
            seen.push(item.unwrap().unwrap());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    assert_eq!(seen, (0..60).collect::<Vec<_>>());
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_ends_the_listing() {
    let server =
        Loopback::start(|_, _| Reply::json(200, r#"{"entities":[1],"cursor":"same"}"#)).await;
    let client = Client::builder(Endpoints::single(&server.url()).unwrap())
        .token_source(StaticToken::new("hush-token"))
        .proxy(Proxy::none())
        .build()
        .unwrap();
    let error = client.pages(Pointed(25)).items().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(server.count(), 2);
}
