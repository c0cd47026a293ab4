//! One call of the REST API: a path made of a template, a query, a JSON body, a typed answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::rest::answer::Answer;
use crate::rest::learned_limits::LearnedLimits;
use crate::transport::http::request::{Priority, Request};
use crate::transport::http::service::HttpService;

/// What a path segment may hold as it is: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const JSON: &str = "application/json";

/// The REST API of one deployment, with one token source. A cheap clone.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    service: HttpService,
    endpoints: Arc<Endpoints>,
    limits: Arc<LearnedLimits>,
}

impl Api {
    pub(crate) fn new(service: HttpService, endpoints: impl Into<Arc<Endpoints>>) -> Self {
        Self { service, endpoints: endpoints.into(), limits: Arc::default() }
    }

    /// Has the platform's limits read when it is used, and now and then after that.
    pub(crate) fn learning(mut self, limits: LearnedLimits) -> Self {
        self.limits = Arc::new(limits);
        self
    }

    /// The stack that sends.
    pub(crate) fn service(&self) -> &HttpService {
        &self.service
    }

    /// What is known of the platform's limits.
    pub(crate) fn limits(&self) -> &LearnedLimits {
        &self.limits
    }

    /// Sends a request to a successful answer.
    pub(crate) async fn deliver(&self, request: Request) -> Result<Answer> {
        self.limits.touch(self);
        let response = self.service.send(&request).await?;
        Ok(Answer::new(response, request))
    }

    /// A GET of an operation, which is a path template such as `/api/v2/users/{userId}`.
    pub(crate) fn get(&self, operation: &'static str) -> Call<'_> {
        self.call(Method::GET, operation)
    }

    pub(crate) fn head(&self, operation: &'static str) -> Call<'_> {
        self.call(Method::HEAD, operation)
    }

    pub(crate) fn post(&self, operation: &'static str) -> Call<'_> {
        self.call(Method::POST, operation)
    }

    pub(crate) fn put(&self, operation: &'static str) -> Call<'_> {
        self.call(Method::PUT, operation)
    }

    pub(crate) fn delete(&self, operation: &'static str) -> Call<'_> {
        self.call(Method::DELETE, operation)
    }

    /// A GET of a path that the caller wrote.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T> {
        let plain = path.strip_prefix("/api/v2/").is_some_and(|rest| {
            !rest.split('/').any(|segment| matches!(segment, "" | "." | ".."))
                && !rest.contains(['?', '#', '%', '\\'])
        });
        if !plain {
            return Err(Error::config(
                "path must begin with /api/v2/ and be plain; a query goes into its own argument",
            ));
        }
        let mut call = self.call(Method::GET, path.to_owned());
        for (key, value) in query {
            call = call.query(key, value);
        }
        call.fetch().await
    }

    /// Any method on any operation; the path of `operation` may be made at run time.
    pub(crate) fn call(&self, method: Method, operation: impl Into<Cow<'static, str>>) -> Call<'_> {
        let operation = operation.into();
        Call {
            api: self,
            method,
            path: operation.to_string(),
            operation,
            query: String::new(),
            body: Ok(None),
            priority: Priority::default(),
            idempotent: None,
            hidden: Vec::new(),
            answer_is_secret: false,
            redirect_is_answer: false,
            deadline: None,
            headers: Vec::new(),
        }
    }
}

/// A call that is being put together.
#[must_use = "a call does nothing until it is sent"]
pub(crate) struct Call<'a> {
    api: &'a Api,
    method: Method,
    operation: Cow<'static, str>,
    path: String,
    query: String,
    body: Result<Option<Vec<u8>>>,
    priority: Priority,
    idempotent: Option<bool>,
    hidden: Vec<Secret>,
    answer_is_secret: bool,
    redirect_is_answer: bool,
    deadline: Option<Duration>,
    headers: Vec<(&'static str, String)>,
}

impl Call<'_> {
    /// Fills `{name}` of the template in.
    pub(crate) fn id(mut self, name: &str, value: &str) -> Self {
        let encoded = utf8_percent_encode(value, SEGMENT).to_string();
        self.path = self.path.replace(&format!("{{{name}}}"), &encoded);
        // A segment of dots would be taken for a step up the path, and an empty one for another operation.
        if matches!(value, "" | "." | "..") {
            self.body = Err(Error::config(format!("{name} cannot be {value:?}")));
        }
        self
    }

    /// As [`id`](Self::id), for an id that is a credential: no error repeats it.
    pub(crate) fn secret_id(mut self, name: &str, value: &str) -> Self {
        self.hidden.push(Secret::new(value));
        self.id(name, value)
    }

    /// No error repeats these.
    pub(crate) fn hide(mut self, texts: Vec<Secret>) -> Self {
        self.hidden.extend(texts);
        self
    }

    /// Adds a query parameter; call it again to repeat a key.
    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        self.query = form_urlencoded::Serializer::new(self.query).append_pair(key, value).finish();
        self
    }

    pub(crate) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        if self.body.is_ok() {
            self.body = serde_json::to_vec(body).map(Some).map_err(|error| {
                Error::config("request body cannot be written as JSON").with_source(error)
            });
        }
        self
    }

    /// A body that was written already.
    pub(crate) fn written(mut self, body: Result<Vec<u8>>) -> Self {
        if self.body.is_ok() {
            self.body = body.map(Some);
        }
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Longest time for one attempt, answer included.
    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub(crate) fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Says that sending it twice does what sending it once does, as with a query by POST.
    pub(crate) fn retry_unsafe(mut self) -> Self {
        self.idempotent = Some(true);
        self
    }

    /// The answer holds a credential: no error keeps any of it.
    pub(crate) fn secret_answer(mut self) -> Self {
        self.answer_is_secret = true;
        self
    }

    /// The answer is a redirect, whose address is a credential.
    pub(crate) fn redirects(mut self) -> Self {
        self.redirect_is_answer = true;
        self.secret_answer()
    }

    pub(crate) fn into_request(mut self) -> Result<Request> {
        if !self.query.is_empty() {
            self.path.push(if self.path.contains('?') { '&' } else { '?' });
            self.path.push_str(&self.query);
        }
        let url = self.api.endpoints.api_url(&self.path)?;
        let mut request = Request::new(self.method, self.operation, url);
        request = match self.body? {
            Some(body) => request.body(JSON, body),
            // What other clients of the platform do, and some gateways insist on.
            None => request.header(CONTENT_TYPE, HeaderValue::from_static(JSON)),
        };
        for (name, value) in self.headers {
            let refused = || Error::config(format!("header {name} cannot have this value"));
            let value = HeaderValue::try_from(value).map_err(|_| refused())?;
            request = request.header(HeaderName::try_from(name).map_err(|_| refused())?, value);
        }
        request.deadline = self.deadline;
        request.priority = self.priority;
        request.idempotent = self.idempotent;
        request.hidden = self.hidden;
        request.answer_is_secret = self.answer_is_secret;
        request.redirect_is_answer = self.redirect_is_answer;
        Ok(request)
    }

    /// Sends it; the answer has nothing to say.
    pub(crate) async fn send(self) -> Result<()> {
        self.answer(Answer::nothing).await
    }

    /// Sends it and reads the answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(self) -> Result<T> {
        self.answer(Answer::json).await
    }

    async fn answer<T>(self, read: impl FnOnce(&Answer) -> Result<T>) -> Result<T> {
        let api = self.api;
        let name = format!("{} {}", self.method, self.operation);
        let answer = match self.into_request() {
            Ok(request) => api.deliver(request).await,
            Err(error) => Err(error),
        };
        answer.and_then(|answer| read(&answer)).map_err(|error| error.with_operation(name))
    }
}
