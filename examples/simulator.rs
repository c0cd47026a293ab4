//! The simulated platform as a process, for clients in any language.
//!
//! ```text
//! cargo run --release --example simulator -- --port 0 --seed 7 --events-per-second 40
//! ```
//!
//! The first line of standard output is one JSON object with addresses, credentials and ids. It ends with status 0
//! on Ctrl-C or SIGTERM. How to steer it is told by the documentation of `genesys_cloud::sim`.

#[path = "common/signals.rs"]
mod signals;

use std::error::Error;
use std::io::{self, Write as _};

use clap::Parser;
use genesys_cloud::sim::Platform;
use signals::end_signal;

/// A simulated Genesys Cloud on 127.0.0.1.
#[derive(Parser)]
struct Arguments {
    /// Port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// HTTPS and WSS, with a root certificate in the first line
    #[arg(long)]
    tls: bool,
    /// Seed of all ids and events
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Generated events a second over all topics that are listened to; 0 for none
    #[arg(long, default_value_t = 40.0)]
    events_per_second: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // Listened to before the line is out, so that no signal comes too early.
    let end = end_signal()?;
    let platform = Platform::builder()
        .port(arguments.port)
        .tls(arguments.tls)
        .seed(arguments.seed)
        .events_per_second(arguments.events_per_second)
        .start()
        .await?;
    writeln!(io::stdout(), "{}", platform.first_line())?;
    io::stdout().flush()?;
    end.await;
    platform.shutdown().await;
    Ok(())
}
