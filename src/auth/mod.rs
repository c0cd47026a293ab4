//! Where tokens come from.

pub(crate) mod authorization_code;
pub(crate) mod cache;
mod callback;
pub(crate) mod client_credentials;
pub(crate) mod code_grant;
pub(crate) mod file_store;
pub(crate) mod keeper;
pub(crate) mod login;
pub(crate) mod memory_store;
mod pkce;
pub(crate) mod saml2;
pub(crate) mod shared_error;
pub(crate) mod static_token;
pub(crate) mod token_answer;
mod token_request;
pub(crate) mod token_store;

#[cfg(test)]
mod tests;
