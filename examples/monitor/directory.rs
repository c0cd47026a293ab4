//! What there is to watch: users and queues, from the simulator at hand or by REST.

use genesys_cloud::{Client, Result, Topic, topics};
use serde_json::Value;

use crate::common::Place;

/// Most users, and most queues, that are watched unasked: their topics fit into one channel.
const MOST: usize = 300;
/// Entries of one page.
const PAGE: usize = 100;

/// The topics of all users and queues, or of the first 300 of each.
pub(crate) async fn everything(client: &Client, place: &Place) -> Result<Vec<Topic>> {
    let (users, queues) = match place {
        Place::Embedded(platform) => (platform.users().to_vec(), platform.queues().to_vec()),
        Place::Region(_) | Place::Address(_) => {
            (ids(client, "/api/v2/users").await?, ids(client, "/api/v2/routing/queues").await?)
        }
    };
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

/// The ids of a listing, page by page.
async fn ids(client: &Client, path: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for number in 1.. {
        let (size, number) = (PAGE.to_string(), number.to_string());
        let query = [("pageSize", size.as_str()), ("pageNumber", number.as_str())];
        let page: Value = client.get(path, &query).await?;
        let entities = page["entities"].as_array().map_or(&[][..], Vec::as_slice);
        ids.extend(entities.iter().filter_map(|entity| entity["id"].as_str().map(str::to_owned)));
        if entities.len() < PAGE || ids.len() >= MOST {
            break;
        }
    }
    ids.truncate(MOST);
    Ok(ids)
}
