//! What identifies an OAuth client.

use std::fmt;

use crate::core::secret::Secret;
use crate::error::{Error, Result};

/// The environment variable that holds the OAuth client's id.
pub const CLIENT_ID_VAR: &str = "GENESYS_CLIENT_ID";
/// The environment variable that holds the OAuth client's secret.
pub const CLIENT_SECRET_VAR: &str = "GENESYS_CLIENT_SECRET";

/// Where the client's id and secret go in a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsIn {
    /// `Authorization: Basic`: what the platform documents.
    #[default]
    BasicHeader,
    /// `client_id` and `client_secret` in the form, for gateways that strip the header.
    Form,
}

/// The id and secret of an OAuth client with the client-credentials grant.
///
/// ```
/// use genesys_cloud::ClientCredentials;
///
/// let credentials = ClientCredentials::new("my-client-id", "my-secret").scope("notifications");
/// assert_eq!(credentials.client_id(), "my-client-id");
/// assert!(!format!("{credentials:?}").contains("my-secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    id: Box<str>,
    secret: Secret,
    scopes: Vec<Box<str>>,
    placed: CredentialsIn,
}

impl ClientCredentials {
    /// Credentials from an id and a secret.
    pub fn new(id: impl Into<Box<str>>, secret: impl Into<Secret>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
            scopes: Vec::new(),
            placed: CredentialsIn::default(),
        }
    }

    /// Credentials from `GENESYS_CLIENT_ID` and `GENESYS_CLIENT_SECRET`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the variable that is missing, empty, or not Unicode.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Self> {
        let read = |name: &str| -> Result<String> {
            let value = lookup(name)
                .ok_or_else(|| Error::config(format!("environment variable {name} is not set")))?;
            let value = value.into_string().map_err(|_| {
                Error::config(format!("environment variable {name} is not valid Unicode"))
            })?;
            if value.trim().is_empty() {
                return Err(Error::config(format!("environment variable {name} is empty")));
            }
            Ok(value.trim().to_owned())
        };
        Ok(Self::new(read(CLIENT_ID_VAR)?, read(CLIENT_SECRET_VAR)?))
    }

    /// Asks for a scope. The platform itself needs none for this grant (roles decide); gateways may.
    pub fn scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Says where id and secret go in a token request; the default is the Basic header.
    pub fn placed(mut self, placed: CredentialsIn) -> Self {
        self.placed = placed;
        self
    }

    /// The OAuth client's id.
    pub fn client_id(&self) -> &str {
        &self.id
    }

    /// The OAuth client's secret.
    pub fn client_secret(&self) -> &Secret {
        &self.secret
    }

    /// The scopes that are asked for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(|scope| &**scope)
    }

    /// Where id and secret go in a token request.
    pub fn placement(&self) -> CredentialsIn {
        self.placed
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("id", &self.id)
            .field("secret", &self.secret)
            .field("scopes", &self.scopes)
            .field("placed", &self.placed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_env_names_the_missing_variable() {
        let missing = |absent: &'static str| {
            ClientCredentials::from_lookup(move |name| (name != absent).then(|| "x".into()))
                .unwrap_err()
                .to_string()
        };
        assert!(missing(CLIENT_ID_VAR).contains(CLIENT_ID_VAR));
        assert!(missing(CLIENT_SECRET_VAR).contains(CLIENT_SECRET_VAR));
    }

    #[test]
    fn from_env_refuses_an_empty_variable() {
        let error = ClientCredentials::from_lookup(|_| Some("  ".into())).unwrap_err();
        assert!(error.to_string().contains("is empty"));
    }
}
