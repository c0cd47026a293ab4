//! What a peer that refuses us means: another token, or the end.

use super::common::Common;
use super::message::Ending;
use super::shard::Shard;
use crate::core::close::{CloseCode, Gone};
use crate::error::{Error, ErrorKind};

/// A token that was refused, and what the protocol says to check.
#[derive(Debug)]
pub(super) struct RefusedToken {
    generation: u64,
    hint: Option<Box<str>>,
}

/// Whether the peer refuses the token: with HTTP 401 or 403 at the upgrade, or with close code 1008 at any time.
pub(crate) fn refuses_token(cause: &Gone) -> bool {
    matches!(cause, Gone::Refused { status: 401 | 403 })
        || matches!(cause, Gone::Closed { code: CloseCode::POLICY, .. })
}

fn refused(cause: &Gone, what: &str, hint: Option<&str>) -> Error {
    let advice = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
    let (kind, status) = match cause {
        Gone::Refused { status: 403 } => (ErrorKind::Forbidden, Some(403)),
        Gone::Refused { status } => (ErrorKind::Auth, Some(*status)),
        _ => (ErrorKind::Auth, None),
    };
    // A close code says so itself.
    let check = match cause {
        Gone::Closed { .. } => "",
        _ => "; check the token or scope",
    };
    let error = Error::new(kind, format!("{what} ({cause}){check}{advice}"));
    match status {
        Some(status) => error.with_status(status),
        None => error,
    }
}

impl Shard {
    /// The error that a socket's end leads to, when another attempt would not mend it.
    pub(super) fn refusal(&mut self, cx: &Common, ending: &mut Ending) -> Option<Error> {
        if cx.uses_channel() {
            return None;
        }
        if let Some(generation) = ending.token
            && refuses_token(&ending.cause)
        {
            let hint = ending.hint.take();
            let before = self.refused.replace(RefusedToken { generation, hint });
            let hint = self.refused.as_ref().and_then(|refused| refused.hint.as_deref());
            return before
                .is_some_and(|before| before.generation != generation)
                .then(|| refused(&ending.cause, "the platform refuses two tokens in a row", hint));
        }
        match ending.cause {
            // Too slow, too early, too often: these pass.
            Gone::Refused { status: 408 | 425 | 429 } => None,
            Gone::Refused { status: status @ 400..500 } => {
                let kind = match status {
                    401 => ErrorKind::Auth,
                    403 => ErrorKind::Forbidden,
                    404 => ErrorKind::NotFound,
                    status => ErrorKind::Status(status),
                };
                let text = format!(
                    "the server refuses the socket with HTTP {status}; check the region URL or path"
                );
                Some(Error::new(kind, text).with_status(status))
            }
            _ => None,
        }
    }

    /// The error of a call before the dial; when there is no other token than the one that was refused, it says so.
    pub(super) fn call_error(&mut self, error: Error) -> Error {
        let final_word = matches!(error.kind(), ErrorKind::Auth | ErrorKind::Forbidden);
        match self.refused.take().filter(|_| final_word) {
            None => error,
            Some(refused) => {
                let advice = refused.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
                let text = format!(
                    "the platform refuses the token, and there is no other; check the token or scope{advice}"
                );
                Error::new(error.kind(), text).with_source(error)
            }
        }
    }
}
