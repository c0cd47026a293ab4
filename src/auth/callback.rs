//! What the platform adds to the redirect address when it sends the user back.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Characters of the platform's own words that go into a message.
const LONGEST_WORDS: usize = 300;

/// Longest callback that is read, in bytes: longer than any server takes as the first line of a request.
const LONGEST: usize = 64 * 1024;

/// The code in a callback whose state is the expected one.
///
/// `callback` is the whole address, its path and query, or the query alone.
pub(crate) fn code_of(callback: &str, expected: &Secret) -> Result<Secret> {
    if callback.len() > LONGEST {
        return Err(Error::new(ErrorKind::Capacity, "the callback is over 64 KiB"));
    }
    let query = callback.split_once('?').map_or(callback, |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let one = |wanted: &str| -> Result<Option<Cow<'_, str>>> {
        let mut found = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value);
        let first = found.next();
        // RFC 6749, section 3.1: none may be there twice. Which one would be meant?
        if found.next().is_some() {
            return Err(wrong(format!("the callback has more than one {wanted}")));
        }
        Ok(first)
    };
    let state = one("state")?.map(Secret::new);
    let (refusal, code) = (one("error")?, one("code")?);
    // Before anything else: what comes with another state is no answer to this sign-in.
    match state {
        Some(state) if state != *expected => return Err(mismatch()),
        None if refusal.is_none() => return Err(mismatch()),
        _ => {}
    }
    if let Some(refusal) = refusal {
        let words = one("error_description")?.unwrap_or_default();
        return Err(refused(&refusal, &words, expected));
    }
    code.map(Secret::new)
        .ok_or_else(|| wrong("the callback has neither a code nor an error: begin a new sign-in"))
}

/// Compares the state of a callback that was taken apart elsewhere.
pub(crate) fn check_state(state: &Secret, expected: &Secret) -> Result<()> {
    if state == expected { Ok(()) } else { Err(mismatch()) }
}

fn wrong(message: impl Into<Box<str>>) -> Error {
    Error::new(ErrorKind::Auth, message)
}

fn mismatch() -> Error {
    wrong(
        "the callback's state is not that of this sign-in: it belongs to another one, or was forged; begin a new sign-in",
    )
}

/// The error that stands for an `error=` answer.
fn refused(code: &str, words: &str, state: &Secret) -> Error {
    let clean = |text: &str| -> String {
        let text = text.replace(state.expose(), "(hidden)");
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect()
    };
    let (code, words) = (clean(code), clean(words));
    let advice = match &*code {
        "access_denied" => "the user, or the organization, refused the sign-in",
        "unauthorized_client" | "unsupported_response_type" => {
            "the OAuth client must be of grant type code authorization"
        }
        "invalid_scope" => "the OAuth client may not have the scopes that it is configured with",
        "server_error" | "temporarily_unavailable" => {
            "the login service is in trouble: let the user try again later"
        }
        _ => "the login service refused the sign-in; check client id, redirect address and region",
    };
    let passes = matches!(&*code, "server_error" | "temporarily_unavailable");
    let said = if words.is_empty() { code.clone() } else { format!("{code}: {words}") };
    let below = Error::new(ErrorKind::Auth, said);
    wrong(advice).with_code(code).with_source(below).retryable(passes)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn read(callback: &str) -> Result<String> {
        let state = Secret::new("hush-state");
        code_of(callback, &state).map(|code| code.expose().to_owned())
    }

    #[test]
    fn a_code_is_found_in_an_address_a_target_or_a_query() {
        for callback in [
            "https://app.example/in?code=a%2Bb&state=hush-state",
            "/in?x=1&state=hush-state&code=a%2Bb&x=2",
            "code=a%2Bb&state=hush-state",
            "myapp:/in?code=a%2Bb&state=hush-state#_=_",
        ] {
            assert_eq!(read(callback).unwrap(), "a+b", "{callback}");
        }
    }

    #[test]
    fn another_state_is_refused_before_anything_else_is_believed() {
        for callback in [
            "code=hush-code&state=other",
            "code=hush-code&state=hush-statf",
            "code=hush-code&state=hush-state-and-more",
            "code=hush-code&state=",
            "code=hush-code",
            "error=access_denied&state=other",
            "",
        ] {
            let error = read(callback).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth, "{callback}");
            assert!(error.to_string().contains("state is not that of this sign-in"), "{error}");
            assert_eq!(error.code(), None);
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn what_is_there_twice_or_not_at_all_is_refused() {
        for (callback, words) in [
            ("code=a&code=b&state=hush-state", "more than one code"),
            ("code=a&state=hush-state&state=hush-state", "more than one state"),
            ("error=a&error=b&state=hush-state", "more than one error"),
            ("state=hush-state", "neither a code nor an error"),
            ("code=&state=hush-state", "neither a code nor an error"),
        ] {
            let error = read(callback).unwrap_err();
            assert!(error.to_string().contains(words), "{callback}: {error}");
        }
        let long = format!("code={}&state=hush-state", "x".repeat(70_000));
        assert_eq!(read(&long).unwrap_err().kind(), ErrorKind::Capacity);
    }

    #[test]
    fn every_refusal_says_what_to_do_and_keeps_the_platforms_words() {
        for (code, words, passes) in [
            ("access_denied", "refused the sign-in", false),
            ("unauthorized_client", "grant type code authorization", false),
            ("unsupported_response_type", "grant type code authorization", false),
            ("invalid_scope", "scopes", false),
            ("invalid_request", "redirect address", false),
            ("server_error", "try again later", true),
            ("temporarily_unavailable", "try again later", true),
            ("something_new", "redirect address", false),
        ] {
            let callback =
                format!("error={code}&error_description=hush-state+says%0Ano&state=hush-state");
            let error = read(&callback).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some(code)));
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.is_retryable(), passes);
            let below = error.source().unwrap().to_string();
            assert_eq!(below, format!("{code}: (hidden) says no"));
        }
        let error = read("error=access_denied").unwrap_err();
        assert_eq!(error.code(), Some("access_denied"), "a refusal without a state is one too");
    }
}
