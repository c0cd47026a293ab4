//! Where a socket is.

use std::fmt;

use url::Url;

use crate::core::ports::AccessToken;
use crate::error::{Error, Result};
use crate::region::Endpoints;

/// The host and the path of a socket, and whether plain text may go there.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) host: Option<Box<str>>,
    pub(super) path: Box<str>,
    pub(super) allow_plain: bool,
}

impl Address {
    /// A path on the API host.
    pub(super) fn new(path: &str) -> Self {
        Self { host: None, path: path.into(), allow_plain: false }
    }

    /// The address, checked.
    pub(super) fn url(&self, endpoints: &Endpoints) -> Result<Url> {
        if self.path.contains(['?', '#']) {
            return Err(Error::config(
                "the socket's path must not carry a query or fragment; parameters have setters of their own",
            ));
        }
        match &self.host {
            Some(host) => endpoints.socket_url(host, &self.path, self.allow_plain),
            None => endpoints.api_socket_url(&self.path),
        }
    }

    /// The address with the token in its query.
    pub(super) fn url_with_token(
        &self,
        endpoints: &Endpoints,
        parameter: &str,
        token: &AccessToken,
    ) -> Result<Url> {
        let mut url = self.url(endpoints)?;
        url.query_pairs_mut().append_pair(parameter, token.secret.expose());
        Ok(url)
    }
}

/// Shows the host, and nothing of an address that is not understood.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(host) = &self.host else {
            return f.write_str("the API host");
        };
        let text = match host.split_once("://") {
            Some((_, rest)) => format!("wss://{rest}"),
            None => format!("wss://{host}"),
        };
        let url = Url::parse(&text).ok();
        f.write_str(url.as_ref().and_then(Url::host_str).unwrap_or(".."))
    }
}

/// The token that a driver has fetched for a protocol that needs one.
pub(super) fn token(token: Option<&AccessToken>) -> Result<&AccessToken> {
    token.ok_or_else(|| Error::config("this kind of connection needs an access token"))
}

/// The setters that every socket's protocol has.
macro_rules! address_setters {
    () => {
        /// Connects to this host instead of the API's: `host`, `host:port` or a `wss://` address. Plain `ws://` goes to
        /// loopback addresses only; see [`allow_plain`](Self::allow_plain). What is wrong with it is reported when the
        /// stream starts.
        pub fn host(mut self, host: &str) -> Self {
            self.address.host = Some(host.into());
            self
        }

        /// Connects to this path, without a query.
        pub fn path(mut self, path: &str) -> Self {
            self.address.path = path.into();
            self
        }

        /// Allows `ws://` to hosts that are not this machine: whoever is on the way reads everything. Default `false`.
        pub fn allow_plain(mut self, yes: bool) -> Self {
            self.address.allow_plain = yes;
            self
        }
    };
}
pub(super) use address_setters;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Region;

    #[test]
    fn a_token_goes_into_the_query_escaped_and_is_not_printed() {
        let address = Address::new("/api/v2/x");
        let token = AccessToken::new("a b&c=hush", 1);
        let url = address.url_with_token(&Region::UsEast1.endpoints(), "access_token", &token);
        let expected = "wss://api.mypurecloud.com/api/v2/x?access_token=a+b%26c%3Dhush";
        assert_eq!(url.unwrap().as_str(), expected);
        let odd = Address { host: Some("wss://u:hush@h/hush".into()), ..address };
        assert_eq!(format!("{odd:?}"), "h");
        let error = odd.url(&Region::UsEast1.endpoints()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hush"));
    }

    #[test]
    fn a_query_in_the_path_is_refused() {
        let error = Address::new("/x?token=hush").url(&Region::UsEast1.endpoints()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hush"));
    }
}
