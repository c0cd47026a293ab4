//! What an outcome means for the question "again?".

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// What a policy may know of a request: no address, no headers, no body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestMeta<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The operation: the path as a template, without ids.
    pub operation: &'a str,
    /// Whether sending it twice does what sending it once does: by its method, or because the caller said so.
    pub idempotent: bool,
}

impl<'a> RequestMeta<'a> {
    /// A description, for trying a policy out.
    pub fn new(method: &'a str, operation: &'a str, idempotent: bool) -> Self {
        Self {
            method,
            operation,
            idempotent,
        }
    }
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// With an answer.
    Answer {
        /// Its HTTP status.
        status: u16,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// Without one.
    Fault(&'a Error),
}

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// It worked.
    Done,
    /// It may work when it is sent again.
    Transient,
    /// The platform asks to slow down; nothing was processed.
    Throttled {
        /// For how long, if it says so.
        wait: Option<Duration>,
    },
    /// Sending it again changes nothing, or may do harm.
    Final,
}

/// Decides what an outcome means. Plain data in, plain data out.
pub trait Classify: Send + Sync {
    /// The meaning of an outcome; `None` is "no opinion", and leaves it to [`SafeToRepeat`].
    fn classify(&self, request: &RequestMeta<'_>, outcome: &Outcome<'_>) -> Option<Class>;
}

impl<F: Fn(&RequestMeta<'_>, &Outcome<'_>) -> Option<Class> + Send + Sync> Classify for F {
    fn classify(&self, request: &RequestMeta<'_>, outcome: &Outcome<'_>) -> Option<Class> {
        self(request, outcome)
    }
}

const _: fn(&dyn Classify) = |_| {};

/// The default: repeats what does no harm when it is repeated.
///
/// Connection faults, timeouts and the statuses 408, 500, 502, 503 and 504 are transient for GET, HEAD, PUT and DELETE
/// and for what the caller declared repeatable; for everything else only when it is certain that nothing was sent.
/// 429 is repeatable for every method: the platform has not processed the request. 401 never is: it is answered with
/// one new token and one replay, elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SafeToRepeat;

impl SafeToRepeat {
    /// The meaning of an outcome.
    pub(crate) fn decide(request: &RequestMeta<'_>, outcome: &Outcome<'_>) -> Class {
        match outcome {
            Outcome::Answer { status, .. } if (200..300).contains(status) => Class::Done,
            Outcome::Answer {
                status: 429,
                retry_after,
            } => Class::Throttled { wait: *retry_after },
            Outcome::Answer {
                status: 408 | 500 | 502 | 503 | 504,
                ..
            } if request.idempotent => Class::Transient,
            Outcome::Answer { .. } => Class::Final,
            Outcome::Fault(error) => {
                let of_the_wire = matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout);
                let harmless = request.idempotent || error.is_proven_unsent();
                if of_the_wire && error.is_retryable() && harmless {
                    Class::Transient
                } else {
                    Class::Final
                }
            }
        }
    }
}

impl Classify for SafeToRepeat {
    fn classify(&self, request: &RequestMeta<'_>, outcome: &Outcome<'_>) -> Option<Class> {
        Some(Self::decide(request, outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(idempotent: bool, outcome: &Outcome<'_>) -> Class {
        let request = RequestMeta::new("X", "/x", idempotent);
        SafeToRepeat::decide(&request, outcome)
    }

    fn answer(status: u16) -> Outcome<'static> {
        Outcome::Answer {
            status,
            retry_after: None,
        }
    }

    #[test]
    fn statuses() {
        for status in [200, 202, 204] {
            assert_eq!(class(false, &answer(status)), Class::Done);
        }
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(class(true, &answer(status)), Class::Transient, "{status}");
            assert_eq!(class(false, &answer(status)), Class::Final, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 413, 501, 505] {
            assert_eq!(class(true, &answer(status)), Class::Final, "{status}");
        }
        for idempotent in [true, false] {
            assert_eq!(
                class(idempotent, &answer(429)),
                Class::Throttled { wait: None }
            );
        }
    }

    #[test]
    fn a_post_is_repeated_only_when_nothing_was_sent() {
        let cut = Error::new(ErrorKind::Transport, "cut").retryable(true);
        let refused = Error::new(ErrorKind::Transport, "refused").unsent();
        let hopeless = Error::new(ErrorKind::Transport, "certificate")
            .unsent()
            .retryable(false);
        assert_eq!(class(false, &Outcome::Fault(&cut)), Class::Final);
        assert_eq!(class(true, &Outcome::Fault(&cut)), Class::Transient);
        assert_eq!(class(false, &Outcome::Fault(&refused)), Class::Transient);
        assert_eq!(class(true, &Outcome::Fault(&hopeless)), Class::Final);
        let auth = Error::new(ErrorKind::Auth, "no token").retryable(true);
        assert_eq!(class(true, &Outcome::Fault(&auth)), Class::Final);
    }
}
