//! The token that the client calls with.

use crate::error::{ErrorKind, Result};
use crate::rest::facades::ask::Ask;
use crate::rest::facades::caller::Caller;
use crate::rest::generated::{DeleteTokensMe, GetTokensMe, HeadTokensMe};
use crate::rest::operation::CallOptions;

/// The API of the client's own token, from [`Client::tokens`](crate::Client::tokens). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// let token = client.tokens().me().await?;
/// println!("{:?} in {:?}", token.o_auth_client, token.organization);
/// println!("scopes: {:?}", token.authorized_scope);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokensApi {
    caller: Caller,
}

impl TokensApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// What the platform knows of the token: organisation, OAuth client, scopes. Permissions are not among it.
    ///
    /// It begins the time anew after which an idle token ends; see [`keep_idle_time`](Ask::keep_idle_time).
    pub fn me(&self) -> Ask<GetTokensMe> {
        self.caller.ask(GetTokensMe::new())
    }

    /// Whether the platform takes the token. One that it refuses is renewed first, where the client can: `false` says
    /// that a new one was refused too.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute), but for a refused token; [`Auth`](ErrorKind::Auth) when the
    /// credentials are refused of which a token is made.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn check(&self) -> Result<bool> {
        match self.caller.execute(HeadTokensMe::new()).await {
            Ok(()) => Ok(true),
            // An answer to HEAD has no body, and so no code; that of the login has.
            Err(error)
                if error.kind() == ErrorKind::Auth
                    && error.status() == Some(401)
                    && error.code().is_none() =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends the token. The client gets itself a new one at its next call, if it can; streams that were opened with this
    /// one may be closed by the platform.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect.
    pub async fn revoke(&self) -> Result<()> {
        self.caller.execute(DeleteTokensMe::new()).await
    }
}

impl Ask<GetTokensMe> {
    /// Leaves the time alone after which an idle token ends.
    pub fn keep_idle_time(self) -> Self {
        self.map(|token| token.preserve_idle_ttl(true))
    }
}
