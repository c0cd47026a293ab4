//! Where tokens come from.

pub(crate) mod cache;
pub(crate) mod client_credentials;
pub(crate) mod shared_error;
pub(crate) mod static_token;
pub(crate) mod token_answer;

#[cfg(test)]
mod tests;
