//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::common::time;

/// What `--help` says of the environment.
const ENVIRONMENT: &str = "\
Without any environment it watches a simulator of its own. With GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and
GENESYS_REGION it watches the platform; with GENESYS_BASE_URL instead of the region, that address.";

/// A live view of agents and queues
#[derive(Parser)]
#[command(name = "monitor", version, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    /// End after this time, such as 10s or 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(crate) lasts: Option<Duration>,
    /// Topic to watch; may be repeated [default: all users and queues of the simulator]
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// Write one JSON object to a line, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_may_be_repeated() {
        let line = ["monitor", "--topic", "v2.a", "--topic", "v2.b", "--json"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.topics, ["v2.a", "v2.b"]);
        assert!(arguments.json && arguments.lasts.is_none());
    }
}
