//! Operations in trouble: what a gateway, a proxy or the platform may answer, and what an error then says.

#[allow(dead_code)] // Shared with other tests.
#[path = "support/loopback.rs"]
mod loopback;

use std::time::Duration;

use genesys_cloud::{
    Answer, Arguments, BackoffRetry, CallOptions, Client, ClientBuilder, Endpoints, Error,
    ErrorKind, Method, Operation, Optional, Proxy, Result, Secret, StaticToken,
};
use serde_json::{Value, json};

use loopback::{Loopback, Reply};

/// An operation that is nobody's but the test's.
#[derive(Clone, Debug)]
struct GetThing(String);

impl Operation for GetThing {
    type Response = Vec<u32>;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/things/{thingId}";

    fn arguments(&self) -> Arguments {
        Arguments::new().path("thingId", &*self.0).query("pageSize", 25)
    }

    fn response(answer: Answer) -> Result<Vec<u32>> {
        answer.json()
    }
}

/// A POST, which may or may not only ask.
struct PostThing {
    only_reads: bool,
}

impl Operation for PostThing {
    type Response = Value;

    const METHOD: Method = Method::Post;
    const TEMPLATE: &'static str = "/api/v2/things/query";

    fn arguments(&self) -> Arguments {
        let arguments = Arguments::new().json(&json!({"a": 1}));
        if self.only_reads { arguments.only_reads() } else { arguments }
    }

    fn response(answer: Answer) -> Result<Value> {
        answer.json()
    }
}

fn builder(server: &Loopback) -> ClientBuilder {
    Client::builder(Endpoints::single(&server.url()).unwrap())
        .token_source(StaticToken::new("hush-token"))
        .proxy(Proxy::none())
        .retry(BackoffRetry::default().base(Duration::from_millis(1)))
}

async fn failed(reply: Reply) -> Error {
    let server = Loopback::start(move |_, _| reply.clone()).await;
    let client = builder(&server).max_response_bytes(1000).build().unwrap();
    let error = client.execute(GetThing("8f0c".to_owned())).await.unwrap_err();
    assert_eq!(error.operation(), Some("GET /api/v2/things/{thingId}"), "{error:?}");
    error
}

const ID: (&str, &str) = ("inin-correlation-id", "7d0f");

#[tokio::test]
async fn an_answer_that_cannot_be_read_says_why_and_keeps_status_id_and_body() {
    let json = ("content-type", "application/json");
    let html = ("content-type", "text/html; charset=utf-8");
    let page = "<html>Sign in to the proxy</html>";
    for (headers, body, expected) in [
        (&[html, ID][..], page, "answer is text/html; charset=utf-8 and not JSON"),
        (&[json, ID], page, "answer is not JSON (line 1 column 1)"),
        (&[ID], page, "answer is not JSON (line 1 column 1)"),
        (&[html, ID], "[1]", "answer is text/html; charset=utf-8 and not JSON"),
        (&[json, ID], "[1, 2", "answer is cut off"),
        (&[json, ID], "[1, \"two\"]", "answer cannot be read at [1] (line 1 column 9)"),
        (&[json, ID], "[1, null]", "answer cannot be read at [1] (line 1 column 8)"),
        (&[json, ID], "{}", "answer cannot be read at its beginning"),
        (&[json, ID], "null", "answer cannot be read at its beginning"),
        (&[json, ID], "[1] [2]", "answer is not JSON (line 1 column 5)"),
        (&[json, ID], "", "answer has no body"),
    ] {
        let error = failed(Reply::new(200, headers, body)).await;
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}: {error:?}");
        assert!(error.to_string().starts_with(expected), "{body}: {error}");
        assert_eq!((error.status(), error.correlation_id()), (Some(200), Some("7d0f")));
        assert_eq!(error.body(), (!body.is_empty()).then_some(body));
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn an_error_body_with_a_successful_status_is_the_error_that_it_says() {
    let body = r#"{"message":"User not found","code":"not.found","status":404,"contextId":"c0de","details":[],"errors":[]}"#;
    let error = failed(Reply::json(200, body)).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(200)));
    assert_eq!((error.code(), error.correlation_id()), (Some("not.found"), Some("c0de")));
    assert_eq!(error.to_string(), "HTTP 200 with the error 404: not.found: User not found");
    // What only resembles one is an answer.
    let server = Loopback::start(|_, _| {
        Reply::json(200, r#"{"message":"x","code":"y","status":404,"name":"a report of errors"}"#)
    });
    let server = server.await;
    let answer = builder(&server).build().unwrap().execute(PostThing { only_reads: true }).await;
    assert_eq!(answer.unwrap()["name"], "a report of errors");
}

#[tokio::test]
async fn a_refusal_carries_everything_that_support_asks_for() {
    let body = r#"{"message":"Missing permission","code":"missing.permissions","status":403,"contextId":"c0de"}"#;
    let error = failed(Reply::json(403, body)).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Forbidden, Some(403)));
    assert_eq!(error.code(), Some("missing.permissions"));
    assert_eq!((error.correlation_id(), error.body()), (Some("c0de"), Some(body)));
    assert!(format!("{error:?}").contains("/api/v2/things/{thingId}"));
    assert!(!format!("{error:?} {error}").contains("8f0c"));
}

#[tokio::test]
async fn a_connection_cut_in_the_answer_and_an_answer_over_the_limit_have_their_own_kinds() {
    let error = failed(Reply::truncated()).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    let error = failed(Reply::json(200, &format!("[{}]", "1,".repeat(1000)))).await;
    assert_eq!(error.kind(), ErrorKind::Capacity);
}

#[tokio::test]
async fn a_post_that_only_asks_is_repeated_and_one_that_changes_something_is_not() {
    for (only_reads, options, calls) in [
        (true, CallOptions::default(), 3),
        (false, CallOptions::default(), 1),
        (false, CallOptions::default().repeatable(true), 3),
        (true, CallOptions::default().repeatable(false), 1),
    ] {
        let server = Loopback::start(|index, _| match index {
            0 => Reply::cut(),
            1 => Reply::json(503, "{}"),
            _ => Reply::json(200, "{}"),
        });
        let server = server.await;
        let client = builder(&server).build().unwrap();
        let done = client.execute_with(PostThing { only_reads }, options).await;
        assert_eq!((done.is_ok(), server.count()), (calls == 3, calls), "{only_reads} {done:?}");
    }
}

#[tokio::test]
async fn no_body_is_none_where_the_caller_says_so() {
    let server = Loopback::start(|index, _| match index {
        0 => Reply::new(202, &[], ""),
        _ => Reply::json(200, "[7]"),
    });
    let server = server.await;
    let client = builder(&server).build().unwrap();
    let operation = Optional(GetThing("a".to_owned()));
    assert_eq!(client.execute(&operation).await.unwrap(), None);
    assert_eq!(client.execute(&operation).await.unwrap(), Some(vec![7]));
}

#[tokio::test]
async fn an_id_stays_in_its_place_and_what_cannot_be_sent_is_not() {
    let server = Loopback::start(|_, _| Reply::json(200, "[]")).await;
    let client = builder(&server).build().unwrap();
    client.execute(GetThing("../a b?c=d#e/{thingId}".to_owned())).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/api/v2/things/..%2Fa%20b%3Fc%3Dd%23e%2F%7BthingId%7D?pageSize=25");
    for id in ["", ".", ".."] {
        let error = client.execute(GetThing(id.to_owned())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert_eq!(server.count(), 1);
}

/// Names of parameters that are not those of its template.
struct Off(Vec<&'static str>);

impl Operation for Off {
    type Response = ();

    const METHOD: Method = Method::Delete;
    const TEMPLATE: &'static str = "/api/v2/things/{thingId}/{partId}";

    fn arguments(&self) -> Arguments {
        self.0.iter().fold(Arguments::new(), |arguments, name| arguments.path(name, "x"))
    }

    fn response(_: Answer) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_operation_whose_arguments_are_not_those_of_its_template_is_not_sent() {
    let server = Loopback::start(|_, _| Reply::new(204, &[], "")).await;
    let client = builder(&server).build().unwrap();
    for names in [
        vec![],
        vec!["thingId"],
        vec!["thingId", "partId", "x"],
        vec!["thingId", "thingId", "partId"],
    ] {
        let error = client.execute(Off(names.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{names:?}");
    }
    assert_eq!(server.count(), 0);
    client.execute(Off(vec!["partId", "thingId"])).await.unwrap();
}

/// Sends and receives what nobody else may see.
struct PutSecret;

impl Operation for PutSecret {
    type Response = Vec<u32>;

    const METHOD: Method = Method::Put;
    const TEMPLATE: &'static str = "/api/v2/secrets/{secretId}";

    fn arguments(&self) -> Arguments {
        let body = json!({"old": [{"password": "hush-body"}]});
        Arguments::new()
            .secret_path("secretId", Secret::new("hush-path-of-it"))
            .json(&body)
            .secret()
    }

    fn response(answer: Answer) -> Result<Vec<u32>> {
        answer.json()
    }
}

#[tokio::test]
async fn no_error_repeats_a_credential_of_an_operation() {
    for (status, body) in [
        (200, r#"["hush-answer"]"#),
        (200, r#"{"secret":"hush-answer"}"#),
        (
            400,
            r#"{"code":"bad","message":"no hush-path-of-it, and hush-body is too short","secret":"hush-answer"}"#,
        ),
    ] {
        let server = Loopback::start(move |_, _| Reply::json(status, body)).await;
        let client = builder(&server).build().unwrap();
        let error = client.execute(PutSecret).await.unwrap_err();
        let mut shown = format!("{error} {error:?} {:?}", error.body());
        let mut below = std::error::Error::source(&error);
        while let Some(source) = below {
            shown = format!("{shown} {source} {source:?}");
            below = source.source();
        }
        assert!(!shown.contains("hush"), "{shown}");
    }
}
