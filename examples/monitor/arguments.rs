//! The command line.

use clap::Parser;

use crate::common::{ENVIRONMENT, Running};

/// A live view of agents and queues
#[derive(Parser)]
#[command(name = "monitor", version, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) running: Running,
    /// Topic to watch; may be repeated [default: all users and queues of the simulator]
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_may_be_repeated() {
        let line = ["monitor", "--topic", "v2.a", "--topic", "v2.b", "--json"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.topics, ["v2.a", "v2.b"]);
        assert!(arguments.running.json && arguments.running.lasts.is_none());
    }
}
