//! The topics that are watched unasked.

use genesys_cloud::{Client, Result, Topic, topics};

use crate::common::{Place, queues, users};

/// The topics of all users and queues, or of the first 300 of each.
pub(crate) async fn everything(client: &Client, place: &Place) -> Result<Vec<Topic>> {
    let (users, queues) = (users(client, place).await?, queues(client, place).await?);
    let of_users = users.iter().flat_map(|id| {
        [
            topics::users::presence(id).untyped(),
            topics::users::routing_status(id).untyped(),
            topics::users::conversations(id).untyped(),
        ]
    });
    let of_queues = queues.iter().flat_map(|id| {
        [
            topics::analytics::queue_observations(id).untyped(),
            topics::routing::queue_conversations(id).untyped(),
        ]
    });
    Ok(of_users.chain(of_queues).take(genesys_cloud::limits::TOPICS_PER_CHANNEL).collect())
}
