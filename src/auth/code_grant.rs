//! The authorization-code grant: a code once, refresh tokens from then on.

use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::authorization_code::{AuthorizationCode, SignedIn};
use crate::auth::keeper::Grant;
use crate::auth::token_answer::{Asked, Issued};
use crate::auth::token_request::{Party, exchange, token_request};
use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::region::Endpoints;
use crate::transport::http::executor::Execute;

/// Exchanges a code, then refresh tokens.
pub(crate) struct CodeGrant {
    app: AuthorizationCode,
    endpoints: Endpoints,
    http: Arc<dyn Execute>,
    /// The code that is still to be exchanged, with its verifier.
    code: Mutex<Option<(Secret, Secret)>>,
}

impl CodeGrant {
    /// A grant of a user who has just signed in.
    pub(crate) fn signed_in(
        user: SignedIn,
        endpoints: &Endpoints,
        http: Arc<dyn Execute>,
    ) -> Result<Self> {
        if user.login.origin() != endpoints.login().origin() {
            return Err(Error::config(
                "the user signed in at another login service than this client's: every region has its own",
            ));
        }
        let grant = Self::kept(user.app, endpoints, http)?;
        Ok(Self { code: Mutex::new(Some((user.code, user.verifier))), ..grant })
    }

    /// A grant of a user whose refresh token is kept.
    pub(crate) fn kept(
        app: AuthorizationCode,
        endpoints: &Endpoints,
        http: Arc<dyn Execute>,
    ) -> Result<Self> {
        app.check()?;
        Ok(Self { app, endpoints: endpoints.clone(), http, code: Mutex::default() })
    }

    fn code(&self) -> Option<(Secret, Secret)> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn ask(
        &self,
        fields: &[(&str, &str)],
        hidden: &[&Secret],
        asked: Asked,
    ) -> Result<Issued> {
        let party = Party {
            id: self.app.client_id(),
            secret: self.app.secret(),
            placed: self.app.placement(),
        };
        let request = token_request(&self.endpoints, &party, fields.iter().copied(), hidden)?;
        exchange(&*self.http, &request, asked).await
    }

    async fn exchange(&self, code: &Secret, verifier: &Secret) -> Result<Issued> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", self.app.redirect_uri()),
            ("code_verifier", verifier.expose()),
        ];
        let result = self.ask(&fields, &[code, verifier], Asked::Code).await;
        // What was answered is answered for good: a code is taken once.
        let is_final = match &result {
            Ok(_) => true,
            Err(error) => matches!(error.kind(), ErrorKind::Auth | ErrorKind::Decode),
        };
        if is_final {
            *self.code.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }
}

impl Grant for CodeGrant {
    fn request<'a>(&'a self, refresh: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>> {
        Box::pin(async move {
            if let Some((code, verifier)) = self.code() {
                return self.exchange(&code, &verifier).await;
            }
            let Some(refresh) = refresh else {
                return Err(Error::new(
                    ErrorKind::Auth,
                    "nobody is signed in: there is no refresh token, or the platform took none; the user must sign in again",
                ));
            };
            let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
            self.ask(&fields, &[refresh], Asked::Refresh).await
        })
    }

    fn is_fresh(&self) -> bool {
        self.code().is_some()
    }

    fn must_finish(&self) -> bool {
        true
    }
}
