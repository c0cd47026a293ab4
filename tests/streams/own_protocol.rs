//! A protocol as a user of the crate writes one, and a source of numbered tokens.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::{
    AccessToken, BoxFuture, Client, Decode, Decoded, DecodedItem, DecoderContext, Delivery,
    DialContext, DialRequest, Endpoints, Error, EventStream, FixedDelay, Gone, GreetingContext,
    Inbound, Lifecycle, Needs, Notice, Outbound, Protocol, Result, StreamBuilder,
    SubscriptionContext, TokenSource, Topic, Typed,
};
use serde_json::Value;
use tokio::sync::watch;

use crate::hub::Hub;
use crate::quiet::PATIENCE;

pub(crate) type Events = EventStream<Typed<Value>>;

/// Where the token goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenIn {
    Nowhere,
    Query,
    Header,
    FirstMessage,
}

/// Numbered JSON events of topics that begin with `socket.test.`.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    pub(crate) base: String,
    pub(crate) token: TokenIn,
    pub(crate) covers: bool,
    pub(crate) renew_after: Option<Duration>,
    /// What the next calls of `subscription` answer.
    pub(crate) throttle: Arc<Mutex<Vec<Duration>>>,
}

impl Numbers {
    pub(crate) fn new(hub: &Hub, token: TokenIn) -> Self {
        let throttle = Arc::default();
        Self { base: hub.base.clone(), token, covers: false, renew_after: None, throttle }
    }

    pub(crate) fn covering(hub: &Hub) -> Self {
        Self { covers: true, ..Self::new(hub, TokenIn::Nowhere) }
    }
}

fn subscribe(topics: &[Topic]) -> Outbound {
    let names: Vec<&str> = topics.iter().map(Topic::name).collect();
    Outbound::Text(format!("subscribe {}", names.join(" ")).into())
}

impl Protocol<Typed<Value>> for Numbers {
    fn needs(&self) -> Needs {
        if self.token == TokenIn::Nowhere { Needs::Nothing } else { Needs::Token }
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        let mut url = url::Url::parse(&self.base).map_err(|_| Error::config("no address"))?;
        let token = context.token;
        if let (TokenIn::Query, Some(token)) = (self.token, token) {
            url.query_pairs_mut().append_pair("access_token", token.secret.expose());
        }
        let request = DialRequest::new(url);
        Ok(match (self.token, token) {
            (TokenIn::Header, Some(token)) => request.bearer(token),
            _ => request,
        })
    }

    fn greeting(&self, context: &GreetingContext<'_>) -> Vec<Outbound> {
        let mut messages = Vec::new();
        if let (TokenIn::FirstMessage, Some(token)) = (self.token, context.token) {
            messages.push(Outbound::Text(format!("token {}", token.secret.expose()).into()));
        }
        if !context.wanted.is_empty() {
            messages.push(subscribe(context.wanted));
        }
        messages
    }

    fn covers(&self) -> Vec<Topic> {
        if self.covers { vec!["socket.test.all".parse().unwrap()] } else { Vec::new() }
    }

    fn check_topic(&self, topic: &Topic) -> Result<()> {
        if topic.name().starts_with("socket.test.") {
            return Ok(());
        }
        Err(Error::config(format!("{topic} is no topic of this socket: write socket.test.NAME")))
    }

    fn max_topics(&self) -> usize {
        3
    }

    fn subscription(&self, context: &SubscriptionContext<'_>) -> Result<Vec<Outbound>> {
        match self.throttle.lock().unwrap().pop() {
            Some(wait) => Err(Error::throttled("too many subscriptions", wait)),
            None => Ok(vec![subscribe(context.wanted)]),
        }
    }

    fn refusal_hint(&self, _: &Gone) -> Option<&str> {
        Some("it needs the scope numbers:read")
    }

    fn renew_after(&self) -> Option<Duration> {
        self.renew_after
    }

    fn decoder(&self, _: &DecoderContext<'_>) -> Box<dyn Decode<Typed<Value>>> {
        Box::new(Reader)
    }
}

struct Reader;

impl Decode<Typed<Value>> for Reader {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<Value>> {
        let Inbound::Text(text, _) = message else { return Decoded::nothing(Notice::None) };
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        if value["closing"] == true {
            return Decoded::nothing(Notice::Closing);
        }
        let topic = value["topic"].as_str().and_then(|name| name.parse().ok());
        match topic {
            Some(topic) => Decoded::event(DecodedItem::new(topic, Typed::Body(Box::new(value)))),
            None => Decoded::nothing(Notice::None),
        }
    }
}

/// Tokens `token-1`, `token-2` and so on; another when one is refused or turned.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    newest: Arc<watch::Sender<u64>>,
    pub(crate) refused: Arc<AtomicUsize>,
    /// The HTTP status of a login that fails, if it does.
    pub(crate) fails_with: Arc<AtomicU64>,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        let newest = Arc::new(watch::Sender::new(1));
        Self { newest, refused: Arc::default(), fails_with: Arc::default() }
    }

    pub(crate) fn turn(&self) {
        self.newest.send_modify(|newest| *newest += 1);
    }
}

impl TokenSource for Tokens {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        let newest = *self.newest.borrow();
        Box::pin(std::future::ready(match self.fails_with.load(Ordering::SeqCst) {
            0 => Ok(AccessToken::new(format!("token-{newest}"), newest)),
            1 => Err(Error::throttled("login is busy", Duration::from_millis(30))),
            _ => Err(Error::config("no login")),
        }))
    }

    fn invalidate(&self, refused: &AccessToken) {
        self.refused.fetch_add(1, Ordering::SeqCst);
        self.newest.send_if_modified(|newest| {
            let current = *newest == refused.generation;
            *newest += u64::from(current);
            current
        });
    }

    fn rotated(&self, after: u64) -> BoxFuture<'_, u64> {
        let mut newest = self.newest.subscribe();
        Box::pin(async move {
            let found = newest.wait_for(|newest| *newest > after).await.map(|newest| *newest);
            match found {
                Ok(newest) => newest,
                Err(_) => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn client(hub: &Hub, tokens: &Tokens) -> Client {
    let endpoints = Endpoints::single(&hub.base.replace("ws://", "http://")).unwrap();
    Client::builder(endpoints).token_source(tokens.clone()).build().unwrap()
}

pub(crate) fn connect(
    hub: &Hub,
    tokens: &Tokens,
    protocol: Numbers,
) -> StreamBuilder<Typed<Value>> {
    let delay = FixedDelay::new(Duration::from_millis(20));
    client(hub, tokens).connect(protocol).reconnect(delay)
}

pub(crate) async fn next(events: &mut Events) -> Delivery<Typed<Value>> {
    let item = tokio::time::timeout(PATIENCE, events.next()).await.expect("an item in time");
    item.expect("not the end").expect("no error")
}

pub(crate) fn number(event: &Typed<Value>) -> Option<usize> {
    match event {
        Typed::Body(value) => value["n"].as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    }
}

/// Reads on to a lifecycle item.
pub(crate) async fn until_what(events: &mut Events, what: &str) -> Lifecycle {
    loop {
        if let Typed::Lifecycle(item) = next(events).await.event
            && item.what() == what
        {
            return item;
        }
    }
}

pub(crate) async fn until_number(events: &mut Events, n: usize) {
    while number(&next(events).await.event) != Some(n) {}
}

/// Reads to the end, for the last lifecycle item and the error.
pub(crate) async fn end(events: &mut Events) -> (Option<Lifecycle>, Option<Error>) {
    let mut last = None;
    while let Some(item) = tokio::time::timeout(PATIENCE, events.next()).await.expect("an end") {
        match item {
            Ok(delivery) => {
                if let Typed::Lifecycle(item) = delivery.event {
                    last = Some(item);
                }
            }
            Err(error) => return (last, Some(error)),
        }
    }
    (last, None)
}
