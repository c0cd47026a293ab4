//! Finds out who drops a connection: run, measure, correlate, one verdict.
//!
//! A [`Probe`] reads an [`EventStream`](crate::EventStream) for a chosen time and writes a [`Report`]: messages by type,
//! round trips, every drop with its close code explained, and a [`Verdict`] that lists its evidence. The published way to
//! why a conversation was dropped is the conversation details query of analytics,
//! [`ConversationEndsApi`](crate::ConversationEndsApi); for applications there is a list of connections. Either is a
//! [`Correlate`].
//!
//! ```no_run
//! # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
//! use std::time::Duration;
//! use genesys_cloud::probe::Probe;
//!
//! let mut events = client.stream().subscribe("v2.users.ID.presence").start().await?;
//! let report = Probe::new().duration(Duration::from_secs(600)).run(&mut events).await;
//! events.close().await;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! For the socket of an application one call does all of it, see [`ApplicationProbe`]:
//!
//! ```no_run
//! # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
//! println!("{}", client.probe_application("my-application").run().await?);
//! # Ok(())
//! # }
//! ```

mod application;
mod collect;
mod correlate;
mod drop_facts;
mod hearsay;
#[cfg(feature = "report-html")]
mod html;
mod media_meter;
#[cfg(feature = "report-html")]
mod plots;
mod printable;
mod probed;
mod report;
mod report_text;
mod runner;
mod series;
mod sources;
mod verdict;

#[cfg(test)]
mod tests;

pub use application::{ApplicationProbe, ApplicationRun};
pub use correlate::{Correlate, DisconnectEvent};
pub use drop_facts::DropFacts;
pub use media_meter::{MediaMeter, MediaSummary};
pub use probed::{Probed, Seen};
pub use report::{CloseReport, DropReport, LatencyRanges, Report, Stability};
pub use runner::Probe;
pub use series::{Point, Series};
pub(crate) use sources::ApplicationEvents;
pub use verdict::{Confidence, DropCause, Evidence, Party, Verdict, judge};
