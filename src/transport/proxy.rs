//! Which proxy a connection goes through: one decision for REST calls and for sockets.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::is_loopback;

/// The HTTP proxy to go through, if any. SOCKS is not supported.
///
/// The default, [`system`](Self::system), is what the environment and the operating system say.
///
/// ```
/// use genesys_cloud::Proxy;
///
/// let proxy = Proxy::http("http://user:hush@proxy.corp:3128")?.bypass("localhost,.corp");
/// assert!(!format!("{proxy:?}").contains("hush"));
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Proxy {
    choice: Choice,
    matcher: Arc<Matcher>,
}

#[derive(Clone, PartialEq, Eq)]
enum Choice {
    System,
    None,
    Explicit { address: Secret, shown: Box<str>, bypass: Box<str> },
}

/// The proxy for one destination.
pub(crate) struct ProxyTarget {
    /// Its address, without credentials.
    pub(crate) uri: Uri,
    /// The value of `Proxy-Authorization`, marked as sensitive.
    pub(crate) auth: Option<HeaderValue>,
}

impl Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, else the system's settings (macOS, Windows).
    ///
    /// Read once, here. Loopback destinations are always direct.
    pub fn system() -> Self {
        Self { choice: Choice::System, matcher: Arc::new(Matcher::from_system()) }
    }

    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self { choice: Choice::None, matcher: Arc::new(Matcher::builder().build()) }
    }

    /// One proxy for every destination: `http://host:port`, with `user:password@` when it asks for them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the address is not an `http` or `https` URL. The message does not repeat it.
    pub fn http(address: &str) -> Result<Self> {
        let url = Url::parse(address.trim())
            .map_err(|_| Error::config("proxy address is not a URL such as http://host:3128"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(Error::config("proxy address must begin with http:// or https://"));
        }
        let mut shown = url.clone();
        // Neither can fail on a URL with a host.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let choice = Choice::Explicit {
            address: Secret::new(String::from(url)),
            shown: shown.as_str().into(),
            bypass: "".into(),
        };
        Ok(Self::of(choice))
    }

    /// Destinations that are reached directly: a comma-separated list of hosts, domains (`.corp`), addresses and
    /// networks (`10.0.0.0/8`), or `*`. Changes an explicit proxy only; the system's has its own list.
    pub fn bypass(mut self, list: &str) -> Self {
        if let Choice::Explicit { bypass, .. } = &mut self.choice {
            *bypass = list.into();
            return Self::of(self.choice);
        }
        self
    }

    fn of(choice: Choice) -> Self {
        let matcher = match &choice {
            Choice::Explicit { address, bypass, .. } => {
                Matcher::builder().all(address.expose()).no(&**bypass).build()
            }
            Choice::System => Matcher::from_system(),
            Choice::None => Matcher::builder().build(),
        };
        Self { choice, matcher: Arc::new(matcher) }
    }

    /// The proxy for a destination; `None` is a direct connection. `ws` counts as `http`, `wss` as `https`.
    pub(crate) fn intercept(&self, url: &Url) -> Option<ProxyTarget> {
        if matches!(self.choice, Choice::System) && is_loopback(url) {
            return None;
        }
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            _ => "https",
        };
        let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
        let destination: Uri = format!("{scheme}://{}{port}/", url.host_str()?).parse().ok()?;
        let found = self.matcher.intercept(&destination)?;
        Some(ProxyTarget { uri: found.uri().clone(), auth: found.basic_auth().cloned() })
    }

    /// Makes the REST client take the same decision.
    /// Whether both say the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.choice == other.choice
    }

    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        if matches!(self.choice, Choice::None) {
            return builder.no_proxy();
        }
        let own = self.clone();
        builder.no_proxy().proxy(reqwest::Proxy::custom(move |destination| {
            own.intercept(destination).and_then(|found| found.as_url())
        }))
    }
}

impl ProxyTarget {
    /// The address with its credentials, which is how the REST client wants them.
    fn as_url(&self) -> Option<Url> {
        let mut url = Url::parse(&self.uri.to_string()).ok()?;
        if let Some((user, password)) = self.auth.as_ref().and_then(plain_credentials) {
            url.set_username(&user).ok()?;
            url.set_password(Some(&password)).ok()?;
        }
        Some(url)
    }
}

fn plain_credentials(header: &HeaderValue) -> Option<(String, String)> {
    let encoded = header.as_bytes().strip_prefix(b"Basic ")?;
    let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = plain.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl Default for Proxy {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::System => f.write_str("Proxy(system)"),
            Choice::None => f.write_str("Proxy(none)"),
            Choice::Explicit { shown, bypass, .. } => f
                .debug_struct("Proxy")
                .field("address", shown)
                .field("bypass", bypass)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for ProxyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyTarget")
            .field("uri", &self.uri)
            .field("auth", &self.auth.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn sockets_and_rest_calls_take_the_same_proxy() {
        let proxy = Proxy::http("http://user:p%40ss@127.0.0.1:3128").unwrap();
        for destination in [
            "wss://streaming.mypurecloud.com/channels/x",
            "ws://127.0.0.1:9/x",
            "https://api.mypurecloud.com/api/v2/x",
        ] {
            let found = proxy.intercept(&url(destination)).unwrap();
            assert_eq!(found.uri.to_string(), "http://127.0.0.1:3128/");
            assert_eq!(found.as_url().unwrap().as_str(), "http://user:p%40ss@127.0.0.1:3128/");
            assert!(found.auth.unwrap().is_sensitive());
        }
    }

    #[test]
    fn bypassed_and_unproxied_destinations_are_direct() {
        let proxy =
            Proxy::http("http://127.0.0.1:3128").unwrap().bypass("localhost, .corp, 10.0.0.0/8");
        for direct in ["http://localhost:1/", "wss://gw.corp/x", "https://10.1.2.3/"] {
            assert!(proxy.intercept(&url(direct)).is_none(), "{direct}");
        }
        assert!(proxy.intercept(&url("https://corp.example/")).is_some());
        assert!(Proxy::none().intercept(&url("https://corp.example/")).is_none());
        assert!(Proxy::system().intercept(&url("ws://127.0.0.1:1/")).is_none());
    }

    #[test]
    fn a_bad_address_is_refused_without_being_repeated() {
        for bad in ["socks5://u:hush@h:1", "hush hush", "http://", "ftp://u:hush@h"] {
            let error = Proxy::http(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }

    #[test]
    fn debug_hides_the_credentials() {
        let proxy = Proxy::http("http://user:hush@proxy:3128").unwrap();
        let target = proxy.intercept(&url("https://api.example/")).unwrap();
        let shown = format!("{proxy:?} {target:?}");
        assert!(shown.contains("proxy:3128"));
        assert!(!shown.contains("hush") && !shown.contains("user"));
    }
}
