//! Many organizations in one process: one merged stream, one rate of dialling, and no member that harms another.
//!
//! A [`Fleet`] holds one [`Client`](crate::Client) for each organization, with a token, a request budget and buffers of
//! its own. What all share is the rate at which connections are opened, so that a thousand of them come back one after
//! another, and the [`FleetEvents`] that they end up in. Clients with one [`Tls`](crate::Tls) share the connections of
//! their REST calls too, which are far fewer than clients.
//!
//! ```no_run
//! use futures::StreamExt;
//! use genesys_cloud::fleet::Fleet;
//! use genesys_cloud::{Client, ClientCredentials, Region, Tls, topics};
//!
//! # async fn example(customers: Vec<(String, ClientCredentials, String)>) -> genesys_cloud::Result<()> {
//! let (fleet, mut events) = Fleet::builder().dials_per_second(50.0).build()?;
//! let tls = Tls::new(); // read once, shared by all, with the connections of REST calls
//! for (organization, credentials, queue) in customers {
//!     let client =
//!         Client::builder(Region::EuWest1).credentials(credentials).tls(tls.clone()).build()?;
//!     fleet.add(organization, client, move |stream| {
//!         stream.subscribe(topics::analytics::queue_observations(&queue))
//!     })?;
//! }
//! while let Some(delivery) = events.next().await {
//!     match delivery.item {
//!         Ok(item) => println!("{}: {:?}", delivery.organisation, item.event),
//!         // The others go on.
//!         Err(error) => eprintln!("{} has ended: {error}", delivery.organisation),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do yet
//! Members have no checkpoint and do not stand by: a process that takes over from another starts every member anew, and no
//! gap tells what happened in between. The channels of the process before count until they end, 24 h after their last
//! subscription, so that a member with one channel can be started twenty times in that time. The topics of a member are
//! changed by [`Fleet::replace`]. Who needs more runs a stream for each organization, with one [`DialRate`] as the
//! [`dial_gate`](crate::StreamBuilder::dial_gate) of all.

mod arrival;
mod builder;
mod duplicates;
mod events;
mod handle;
mod member;
mod rate;
mod seat;
mod shared;
mod state;

pub use builder::FleetBuilder;
pub use events::{FleetDelivery, FleetEvents};
pub use handle::{Fleet, ShutDown};
pub use rate::DialRate;
pub use state::MemberState;
