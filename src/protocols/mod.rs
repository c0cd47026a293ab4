//! Kinds of connections. One driver runs them all; each is a small description.
//!
//! [`Client::stream`](crate::Client::stream) speaks [`Notifications`], the platform's published way to its events. The
//! others are sockets that are not in the platform's published API; what each sends is in [`bodies`](crate::bodies),
//! and [`Client::connect`](crate::Client::connect) opens them:
//!
//! ```no_run
//! # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
//! use futures::TryStreamExt;
//! use genesys_cloud::{Typed, protocols::RoutingInteractions};
//!
//! let protocol = RoutingInteractions::new().queues(["5f4e3d2c-1b0a-4988-8776-655443322110"]);
//! let mut events = client.connect(protocol).start().await?;
//! while let Some(delivery) = events.try_next().await? {
//!     if let Typed::Body(step) = delivery.event {
//!         println!("{:?} waited {:?} ms", step.interaction_id, step.wait_time);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod app_foundry;
mod frame_source;
mod interaction_frames;
mod message;
mod notifications;
mod presence_events;
mod realtime_analytics;
mod realtime_settings;
mod routing_interactions;
#[cfg(test)]
mod testing;

pub use app_foundry::AppFoundry;
pub use interaction_frames::InteractionFrames;
pub use notifications::Notifications;
pub use presence_events::PresenceEvents;
pub use realtime_analytics::RealtimeAnalytics;
pub use routing_interactions::RoutingInteractions;
