//! An executor that plays a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::core::ports::BoxFuture;
use crate::error::{Error, Result};
use crate::transport::http::executor::Execute;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;

pub(super) type Step = Box<dyn FnOnce() -> Result<Response> + Send>;

/// Plays its steps, then answers 200 for ever; keeps when each request came, and with which `Authorization`.
#[derive(Default)]
pub(super) struct Script {
    pub(super) steps: Mutex<VecDeque<Step>>,
    pub(super) log: Mutex<Vec<(tokio::time::Instant, Option<String>)>>,
    pub(super) takes: Duration,
}

impl Script {
    pub(super) fn of(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self {
            steps: Mutex::new(steps.into_iter().collect()),
            ..Self::default()
        })
    }

    pub(super) fn count(&self) -> usize {
        self.log.lock().unwrap().len()
    }
}

impl Execute for Script {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        let header = request.headers.get("authorization");
        let header = header.map(|value| value.to_str().unwrap().to_owned());
        let mut log = self.log.lock().unwrap();
        log.push((tokio::time::Instant::now(), header));
        let step = self.steps.lock().unwrap().pop_front();
        Box::pin(async move {
            if !self.takes.is_zero() {
                tokio::time::sleep(self.takes).await;
            }
            step.unwrap_or_else(|| status(200, &[]))()
        })
    }
}

pub(super) fn status(status: u16, headers: &[(&'static str, &'static str)]) -> Step {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    Box::new(move || {
        Ok(Response::new(
            status,
            headers,
            Bytes::new(),
            SystemTime::UNIX_EPOCH,
        ))
    })
}

pub(super) fn fails(error: Error) -> Step {
    Box::new(move || Err(error))
}

pub(super) fn request(method: Method) -> Request {
    Request::new(method, "/x", Url::parse("https://api.example/x").unwrap())
}
