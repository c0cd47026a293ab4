//! Operations in trouble: what a gateway, a proxy or the platform may answer, and what an error then says.

#[allow(dead_code)] // Shared with other tests.
#[path = "support/loopback.rs"]
mod loopback;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use genesys_cloud::{
    Answer, Arguments, BackoffRetry, CallOptions, Client, ClientBuilder, Endpoints, Error,
    ErrorKind, Method, Operation, Optional, Proxy, Result, Secret, Signal, StaticToken,
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
        (&[json, ID], "[null, \"two\"]", "answer cannot be read at [1] (line 1 column 12)"),
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
async fn what_is_nothing_but_an_error_is_one_whatever_its_status_and_however_little_it_says() {
    for (body, kind, words) in [
        (
            r#"{"status":403,"code":"missing.permissions"}"#,
            ErrorKind::Forbidden,
            "HTTP 200 with the error 403: missing.permissions",
        ),
        (
            r#"{"errors":[null,{"status":404,"code":"not.found","message":"gone","contextId":"c0de"}]}"#,
            ErrorKind::NotFound,
            "HTTP 200 with the error 404: not.found: gone",
        ),
        (
            r#"{"status":500,"errors":[{"message":"boom"}],"details":[]}"#,
            ErrorKind::Status(500),
            "HTTP 200 with the error 500: boom",
        ),
        (r#"{"errors":[{"message":"boom"}]}"#, ErrorKind::Decode, "HTTP 200 with an error: boom"),
    ] {
        let server = Loopback::start(move |_, _| Reply::json(200, body)).await;
        let client = builder(&server).build().unwrap();
        // A type in which every field may be missing would have been read from it.
        let error = client.execute(PostThing { only_reads: true }).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, words), "{body}");
        assert_eq!((error.status(), error.body()), (Some(200), Some(body)));
        let error = client.execute(DeleteThing).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
        assert_eq!(error.operation(), Some("DELETE /api/v2/things"));
        let error = client.get::<Value>("/api/v2/things", &[]).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (kind, Some("GET /api/v2/things")));
    }
    for body in [
        r#"{"errors":[]}"#,
        r#"{"errors":[{"id":"message"}],"message":"x"}"#,
        r#"{"entities":[],"errors":[{"code":"a","message":"b"}]}"#,
        r#"{"status":200,"code":"ok","message":"done"}"#,
        r#"{"code":"DE","message":"Germany"}"#,
    ] {
        let server = Loopback::start(move |_, _| Reply::json(200, body)).await;
        let client = builder(&server).build().unwrap();
        let answer = client.execute(PostThing { only_reads: true }).await;
        assert_eq!(answer.unwrap().to_string(), body.parse::<Value>().unwrap().to_string());
    }
}

/// Answers nothing.
struct DeleteThing;

impl Operation for DeleteThing {
    type Response = ();

    const METHOD: Method = Method::Delete;
    const TEMPLATE: &'static str = "/api/v2/things";

    fn arguments(&self) -> Arguments {
        Arguments::new()
    }

    fn response(answer: Answer) -> Result<()> {
        answer.nothing()
    }
}

#[tokio::test]
async fn where_nothing_is_answered_a_page_is_an_error_and_other_words_are_not() {
    let page = "<html>Sign in to the proxy</html>";
    for (status, kind, body, fails) in [
        (204, "", "", false),
        (200, "text/html", "", false),
        (202, "application/json", "{\"state\":\"QUEUED\"}", false),
        (200, "text/plain", "deleted", false),
        (200, " Text/HTML; charset=utf-8", page, true),
    ] {
        let reply = Reply::new(status, &[("content-type", kind), ID], body);
        let server = Loopback::start(move |_, _| reply.clone()).await;
        let done = builder(&server).build().unwrap().execute(DeleteThing).await;
        assert_eq!(done.is_err(), fails, "{kind} {body}: {done:?}");
        if let Err(error) = done {
            assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)));
            assert_eq!((error.correlation_id(), error.body()), (Some("7d0f"), Some(page)));
            assert!(error.to_string().contains("gateway"), "{error}");
        }
    }
}

#[tokio::test]
async fn nulls_in_a_list_that_is_the_answer_are_left_out_as_those_of_lists_within() {
    let server = Loopback::start(|_, _| Reply::json(200, "[null, 7, null]")).await;
    let client = builder(&server).build().unwrap();
    assert_eq!(client.execute(GetThing("a".to_owned())).await.unwrap(), [7]);
    let places: Vec<Option<u32>> = client.get("/api/v2/things", &[]).await.unwrap();
    assert_eq!(places, [None, Some(7), None]);
}

#[tokio::test]
async fn what_was_wrong_with_a_request_has_a_kind_and_the_platforms_words() {
    for (status, code, words, kind) in [
        (404, "not.found", "User not found", ErrorKind::NotFound),
        (403, "missing.permissions", "No permission", ErrorKind::Forbidden),
        (413, "request.entity.too.large", "Too large", ErrorKind::Capacity),
        (400, "bad.request", "Interval start is after its end", ErrorKind::Status(400)),
        (400, "invalid.value", "Interval is longer than 31 days", ErrorKind::Status(400)),
        (415, "unsupported.media.type", "Not JSON", ErrorKind::Status(415)),
    ] {
        let body = json!({"message": words, "code": code, "status": status, "contextId": "c0de"});
        let error = failed(Reply::json(status, &body.to_string())).await;
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!((error.code(), error.correlation_id()), (Some(code), Some("c0de")));
        assert_eq!(error.to_string(), format!("HTTP {status}: {code}: {words}"));
        assert!(!error.is_retryable());
    }
    let error = failed(Reply::new(413, &[], "")).await;
    assert!(error.to_string().contains("send it in parts"), "{error}");
}

/// Answered by a redirect to a signed link.
struct GetDownload;

impl Operation for GetDownload {
    type Response = Secret;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/downloads";

    fn arguments(&self) -> Arguments {
        Arguments::new().redirects()
    }

    fn response(answer: Answer) -> Result<Secret> {
        answer.location()
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_but_an_operation_may_ask_where_it_leads() {
    let link = "https://files.example/hush-file?X-Amz-Signature=hush";
    let page = "<a href=\"https://files.example/hush\">moved</a>";
    let download = |status, location: &'static str| async move {
        let html = ("content-type", "text/html");
        let server = Loopback::start(move |_, _| {
            let location = Some(("location", location)).filter(|(_, to)| !to.is_empty());
            let headers: Vec<_> = location.into_iter().chain([html]).collect();
            Reply::new(status, &headers, page)
        })
        .await;
        let client = builder(&server).build().unwrap();
        let answer = client.execute(GetDownload).await;
        let error = client.execute(GetThing("a".to_owned())).await.unwrap_err();
        assert_eq!(server.count(), 2);
        assert!(!format!("{answer:?} {error:?}").contains("hush"), "{answer:?}");
        (answer, error)
    };
    for status in [302, 303, 307, 308] {
        let (answer, error) = download(status, link).await;
        assert_eq!(answer.unwrap().expose(), link);
        assert_eq!(error.kind(), ErrorKind::Status(status), "nobody asked for it");
    }
    let (answer, _) = download(307, "/files/a").await;
    assert!(answer.unwrap().expose().ends_with("/files/a"), "it is relative to the request");
    for (status, location, words) in [
        (307, "http://files.example/hush-file", "not encrypted"),
        (307, "ftp://files.example/hush-file", "not encrypted"),
        (307, "https://[hush", "cannot be read"),
        (307, "", "page of a gateway"),
        (200, "", "page of a gateway"),
    ] {
        let (answer, _) = download(status, location).await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.body()), (ErrorKind::Decode, None), "{location}");
        assert!(error.to_string().contains(words), "{location}: {error}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_once_and_mentioned_where_it_may_matter() {
    let server = Loopback::start(|index, _| {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let status = if index == 0 { 200 } else { 401 };
        Reply::new(status, &[date, ("content-type", "application/json")], "[]")
    })
    .await;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = told.clone();
    let observer = move |signal: &Signal<'_>| {
        if let Signal::ClockOff { off, ahead } = signal {
            sink.lock().unwrap().push(format!("{} {ahead}", off.as_secs() > 900_000_000));
        }
    };
    let client = builder(&server).observer(observer).build().unwrap();
    client.execute(GetThing("a".to_owned())).await.unwrap();
    let error = client.execute(GetThing("a".to_owned())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("s ahead of the platform's"), "{error}");
    assert_eq!(*told.lock().unwrap(), ["true true"]);
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
