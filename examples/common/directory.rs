//! What there is to watch: users and queues, from the simulator at hand or by REST.

use genesys_cloud::{Client, Result};
use serde_json::Value;

use super::connect::Place;

/// Most users, and most queues, that are taken unasked: their topics fit into one channel.
const MOST: usize = 300;
/// Entries of one page.
const PAGE: usize = 100;

/// The ids of all users, or of the first 300.
pub(crate) async fn users(client: &Client, place: &Place) -> Result<Vec<String>> {
    match place {
        Place::Embedded(platform) => Ok(platform.users().to_vec()),
        Place::Region(_) | Place::Address(_) => ids(client, "/api/v2/users").await,
    }
}

/// The ids of all queues, or of the first 300.
pub(crate) async fn queues(client: &Client, place: &Place) -> Result<Vec<String>> {
    match place {
        Place::Embedded(platform) => Ok(platform.queues().to_vec()),
        Place::Region(_) | Place::Address(_) => ids(client, "/api/v2/routing/queues").await,
    }
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
