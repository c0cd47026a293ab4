//! The arguments that examples have in common.

use std::time::Duration;

use clap::Args;

use super::time::time;

/// What `--help` says of the environment.
pub(crate) const ENVIRONMENT: &str = "\
Without any environment it runs against a simulator of its own. With GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and
GENESYS_REGION it connects to the platform; with GENESYS_BASE_URL instead of the region, to that address.";

/// For how long, and in which form.
#[derive(Args)]
pub(crate) struct Running {
    /// End after this time, such as 10s or 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(crate) lasts: Option<Duration>,
    /// Write one JSON object to a line, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}
