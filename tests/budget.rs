//! One budget for everything that a client sends: over real sockets, as a user of the crate sees it.

#[allow(dead_code)] // Shared with other tests.
#[path = "support/loopback.rs"]
mod loopback;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genesys_cloud::{
    BackoffRetry, Client, ClientBuilder, ClientCredentials, Endpoints, NoLimit, Priority, Proxy,
    StaticToken, Unlimited, WindowLimiter,
};
use serde_json::{Value, json};

use loopback::{Loopback, Reply};

const WINDOW: Duration = Duration::from_millis(300);

const LIMIT: usize = 30;

fn builder(server: &Loopback) -> ClientBuilder {
    Client::builder(Endpoints::single(&server.url()).unwrap())
        .token_source(StaticToken::new("hush-token"))
        .proxy(Proxy::none())
        .retry(BackoffRetry::default().base(Duration::from_millis(1)))
}

#[tokio::test]
async fn calls_of_all_clones_stay_under_one_limit_as_the_server_counts_it() {
    let came: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let log = came.clone();
    let server = Loopback::start(move |_, _| {
        let mut came = log.lock().unwrap();
        let now = Instant::now();
        came.push(now);
        let inside = came.iter().filter(|at| **at + WINDOW > now).count();
        if inside > LIMIT {
            return Reply::new(429, &[("retry-after", "1")], "{}");
        }
        Reply::json(200, "{}")
    })
    .await;
    let limiter = WindowLimiter::new(30, 3).window(WINDOW);
    let client = builder(&server).rate_limiter(limiter).build().unwrap();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..15 {
                    client.get::<Value>("/api/v2/users/me", &[]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut came = came.lock().unwrap().clone();
    came.sort();
    assert_eq!(came.len(), 90, "none was refused");
    for (index, at) in came.iter().enumerate() {
        let inside = came[..=index].iter().filter(|before| **before + WINDOW > *at).count();
        assert!(inside <= LIMIT);
    }
    assert_eq!(client.budget().snapshot().refused, 0);
}

#[tokio::test]
async fn a_snapshot_says_what_is_left_for_whom_and_who_waits() {
    let server = Loopback::start(|_, _| Reply::json(200, "{}")).await;
    let client = builder(&server).rate_limiter(WindowLimiter::new(5, 2)).build().unwrap();
    let budget = client.budget();
    let fresh = budget.snapshot();
    let (window, left) = (fresh.window.unwrap(), fresh.left.unwrap());
    assert_eq!((window.limit, window.most, window.reserved, window.sent), (5, 5, 2, 0));
    assert_eq!((left.backfill, left.user, left.reconnect), (1, 3, 5));
    assert_eq!(window.for_users, 2);
    assert_eq!((fresh.refused, fresh.retries_left, fresh.closed_for), (0, Some(10), None));
    for _ in 0..3 {
        client.get::<Value>("/api/v2/users/me", &[]).await.unwrap();
    }
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get::<Value>("/api/v2/users/me", &[]).await })
        })
        .collect();
    while budget.snapshot().waiting.user < 2 {
        tokio::task::yield_now().await;
    }
    let full = budget.snapshot();
    let (window, left) = (full.window.unwrap(), full.left.unwrap());
    assert_eq!((window.sent, left.user, left.reconnect), (3, 0, 2));
    assert_eq!(window.left(Priority::Reconnect), 2);
    assert_eq!((full.waiting.backfill, full.waiting.reconnect), (0, 0));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    for task in waiting {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert_eq!(budget.snapshot().waiting.user, 0, "who gives up leaves the line");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_429_closes_the_window_and_is_counted_and_limiters_that_do_not_count_say_so() {
    let limited = json!({"code": "too.many.requests.retry.after", "status": 429}).to_string();
    let other =
        json!({"code": "too.many.requests", "limit": {"key": "x.rate.per.second", "value": 1}});
    let other = other.to_string();
    let server = Loopback::start(move |index, _| match index {
        0 => Reply::new(429, &[("retry-after", "40")], &limited),
        _ => Reply::new(429, &[("retry-after", "40")], &other),
    })
    .await;
    let calm = |builder: ClientBuilder| builder.retry_after_cap(Duration::from_secs(1));
    let client = calm(builder(&server)).build().unwrap();
    let budget = client.budget();
    client.get::<Value>("/api/v2/users/me", &[]).await.unwrap_err();
    let closed = budget.snapshot();
    assert!(closed.closed_for.unwrap() > Duration::from_secs(30));
    assert_eq!((closed.refused, closed.left.unwrap().reconnect), (1, 0));
    assert!(closed.window.unwrap().limit < 300, "somebody else sends");

    // The limit of something else closes nothing.
    let client = calm(builder(&server)).build().unwrap();
    client.get::<Value>("/api/v2/users/me", &[]).await.unwrap_err();
    let open = client.budget().snapshot();
    assert_eq!((open.refused, open.closed_for, open.window.unwrap().limit), (1, None, 300));

    let client = builder(&server).rate_limiter(NoLimit).retry_budget(Unlimited).build().unwrap();
    let unknown = client.budget().snapshot();
    assert_eq!((unknown.window, unknown.left, unknown.retries_left), (None, None, None));
}

/// A platform that says what its limits are, or not.
async fn platform(status: u16, limits: Value) -> Loopback {
    let limits = limits.to_string();
    Loopback::start(move |_, seen| {
        if seen.target == "/oauth/token" {
            Reply::json(200, r#"{"access_token":"hush-token","expires_in":3600}"#)
        } else if seen.target == "/api/v2/organizations/limits/namespaces/platform.api" {
            Reply::json(status, &limits)
        } else {
            Reply::json(200, "{}")
        }
    })
    .await
}

fn asked(server: &Loopback) -> usize {
    server.seen().iter().filter(|seen| seen.target.contains("/limits/")).count()
}

fn limit(client: &Client) -> u32 {
    client.budget().snapshot().window.unwrap().limit
}

#[tokio::test]
async fn the_limit_is_read_where_it_may_be_and_the_default_stays_where_not() {
    let limits = json!({"entities": [
        {"key": "token.rate.per.minute", "namespace": "platform.api", "value": 240},
        {"key": "client.credentials.token.rate.per.minute", "value": 900},
    ]});
    let refused = json!({"status": 403, "code": "missing.permissions", "message": "no"});
    for (status, body, expected) in [
        (200, limits, Some((240, 900))),
        (200, json!({}), None),
        (403, refused.clone(), None),
        (404, refused.clone(), None),
        (200, refused, None),
    ] {
        for of_credentials in [false, true] {
            let server = platform(status, body.clone()).await;
            let mut builder = builder(&server);
            if of_credentials {
                builder = builder.credentials(ClientCredentials::new("id", "secret"));
            }
            let client = builder.build().unwrap();
            client.get::<Value>("/api/v2/users/me", &[]).await.unwrap();
            assert_eq!((asked(&server), limit(&client)), (0, 300), "nobody asked for it");
            let expected = expected.map(|(any, own)| if of_credentials { own } else { any });
            assert_eq!(client.budget().settle_from_limits().await.unwrap(), expected);
            assert_eq!(limit(&client), expected.unwrap_or(300));
        }
    }
    let server = platform(500, json!({})).await;
    let client = builder(&server).build().unwrap();
    let error = client.budget().settle_from_limits().await.unwrap_err();
    assert_eq!((error.status(), limit(&client)), (Some(500), 300));
}

#[tokio::test]
async fn a_client_that_learns_limits_reads_them_once_beside_its_first_calls() {
    let limits =
        json!({"entities": [{"key": "client.credentials.token.rate.per.minute", "value": 600}]});
    let server = platform(200, limits).await;
    let client = builder(&server)
        .credentials(ClientCredentials::new("id", "secret"))
        .learn_limits()
        .build()
        .unwrap();
    assert_eq!(server.count(), 0, "nothing is sent before it is used");
    for _ in 0..5 {
        client.get::<Value>("/api/v2/users/me", &[]).await.unwrap();
    }
    let settled = async {
        while limit(&client) != 600 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
    client.get::<Value>("/api/v2/users/me", &[]).await.unwrap();
    assert_eq!(asked(&server), 1);
}
