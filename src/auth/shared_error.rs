//! One error for many who waited for the same thing.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// A copy of an error, with everything that can be asked of it; the causes below it are shared.
pub(crate) fn copy(error: &Arc<Error>) -> Error {
    let mut out = Error::new(error.kind(), error.to_string());
    if let Some(operation) = error.operation() {
        out = out.with_operation(operation);
    }
    if let Some(status) = error.status() {
        out = out.with_status(status);
    }
    if let Some(code) = error.code() {
        out = out.with_code(code);
    }
    if let Some(id) = error.correlation_id() {
        out = out.with_correlation_id(id);
    }
    if let Some(wait) = error.retry_after() {
        out = out.with_retry_after(wait);
    }
    if let Some(body) = error.body() {
        out = out.with_body(body.as_bytes());
    }
    if error.source().is_some() {
        out = out.with_source(Below(error.clone()));
    }
    if error.is_proven_unsent() {
        out = out.unsent();
    }
    out.retryable(error.is_retryable())
}

/// The cause below a shared error.
struct Below(Arc<Error>);

impl Below {
    fn cause(&self) -> &(dyn StdError + 'static) {
        self.0.source().unwrap_or(&*self.0)
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.cause(), f)
    }
}

impl fmt::Debug for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.cause(), f)
    }
}

impl StdError for Below {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().source()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_copy_answers_every_question_as_the_original_does() {
        let below = Error::config("below").with_source(std::io::Error::other("lowest"));
        let original = Arc::new(
            Error::new(ErrorKind::Throttled, "above")
                .with_source(below)
                .with_operation("GET /x")
                .with_status(429)
                .with_code("c")
                .with_correlation_id("i")
                .with_retry_after(Duration::from_secs(3))
                .with_body(b"b")
                .unsent()
                .retryable(false),
        );
        let copy = copy(&original);
        assert_eq!(format!("{copy:?}"), format!("{original:?}"));
        assert_eq!(copy.body(), Some("b"));
        assert!(copy.is_proven_unsent() && !copy.is_retryable());
        let source = copy.source().unwrap();
        assert_eq!(source.to_string(), "below");
        assert_eq!(source.source().unwrap().to_string(), "lowest");
    }
}
