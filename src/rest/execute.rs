//! How an operation is called.

use serde_json::Value;

use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::rest::answer::Answer;
use crate::rest::api::Api;
use crate::rest::arguments::Arguments;
use crate::rest::operation::{CallOptions, Method, Operation};
use crate::transport::http::request::Request;

impl Api {
    /// Calls an operation.
    ///
    /// # Cancel safety
    /// As that of the service: dropping the future may leave a call that takes effect.
    pub(crate) async fn execute<O: Operation>(
        &self,
        operation: O,
        options: CallOptions,
    ) -> Result<O::Response> {
        let answer = self.perform(O::METHOD, O::TEMPLATE, operation.arguments(), options).await;
        answer.and_then(O::response).map_err(|error| named(error, O::METHOD, O::TEMPLATE))
    }

    /// What does not depend on the type of the operation.
    async fn perform(
        &self,
        method: Method,
        template: &'static str,
        arguments: Arguments,
        options: CallOptions,
    ) -> Result<Answer> {
        let request = self.request(method, template, arguments, options)?;
        self.deliver(request).await
    }

    fn request(
        &self,
        method: Method,
        template: &'static str,
        arguments: Arguments,
        options: CallOptions,
    ) -> Result<Request> {
        if let Some(name) = arguments.missing {
            return Err(Error::config(format!("{name} is required, and has no value")));
        }
        if !template.starts_with('/') {
            return Err(Error::config(format!("the path {template} does not begin with /")));
        }
        check(template, &arguments)?;
        let mut call = self.call(method.into(), template).priority(options.priority);
        for (name, value) in &arguments.path {
            call = call.id(name, value);
        }
        for (name, value) in &arguments.secret_path {
            call = call.secret_id(name, value.expose());
        }
        for (name, value) in &arguments.query {
            call = call.query(name, value);
        }
        for (name, value) in arguments.headers {
            call = call.header(name, value);
        }
        let mut hidden = Vec::new();
        if let (true, Some(Ok(body))) = (arguments.secret, &arguments.body) {
            texts(&serde_json::from_slice(body).unwrap_or_default(), &mut hidden);
        }
        if let Some(body) = arguments.body {
            call = call.written(body);
        }
        if arguments.secret {
            call = call.secret_answer().hide(hidden);
        }
        if arguments.redirects {
            call = call.redirects();
        }
        if let Some(deadline) = options.deadline {
            call = call.deadline(deadline);
        }
        let mut request = call.into_request()?;
        request.idempotent = options.repeatable.or(arguments.only_reads.then_some(true));
        Ok(request)
    }
}

/// Every text in a body that holds a credential somewhere: which of them it is, is not known here.
fn texts(value: &Value, found: &mut Vec<Secret>) {
    match value {
        Value::String(text) => found.push(Secret::new(text.as_str())),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Whether every parameter of the template has one value.
fn check(template: &str, arguments: &Arguments) -> Result<()> {
    let plain = arguments.path.iter().map(|(name, _)| *name);
    let given: Vec<&str> =
        plain.chain(arguments.secret_path.iter().map(|(name, _)| *name)).collect();
    let wanted: Vec<&str> = template.split(['{', '}']).skip(1).step_by(2).collect();
    let is_off = |name: &&str| given.iter().filter(|other| *other == name).count() != 1;
    if let Some(name) = wanted.iter().find(|name| is_off(name)) {
        return Err(Error::config(format!("{{{name}}} of {template} needs one value")));
    }
    match given.iter().find(|name| !wanted.contains(name)) {
        Some(name) => Err(Error::config(format!("{template} has no {{{name}}}"))),
        None => Ok(()),
    }
}

fn named(error: Error, method: Method, template: &str) -> Error {
    error.with_operation(format!("{} {template}", method.as_str()))
}
