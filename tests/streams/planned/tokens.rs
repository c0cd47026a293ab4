//! Real tokens, renewed when a test says so.

use std::sync::{Arc, Mutex};

use genesys_cloud::sim::Platform;
use genesys_cloud::{AccessToken, BoxFuture, Client, Result, TokenSource};
use tokio::sync::watch;

/// A source whose token changes when a test says so; clones are one source.
#[derive(Clone)]
pub(super) struct Rotating(Arc<Shared>);

struct Shared {
    current: Mutex<AccessToken>,
    generation: watch::Sender<u64>,
}

impl Rotating {
    pub(super) async fn new(platform: &Platform) -> Self {
        let current = Mutex::new(AccessToken::new(secret(platform).await, 1));
        Self(Arc::new(Shared { current, generation: watch::Sender::new(1) }))
    }

    /// Puts another token of the same client in the place of the present one.
    pub(super) async fn rotate(&self, platform: &Platform) {
        let generation = *self.0.generation.borrow() + 1;
        let token = AccessToken::new(secret(platform).await, generation);
        *self.0.current.lock().unwrap() = token;
        self.0.generation.send_replace(generation);
    }
}

/// The platform's next token.
async fn secret(platform: &Platform) -> genesys_cloud::Secret {
    let client = Client::builder(platform.endpoints()).credentials(platform.credentials());
    client.build().unwrap().token_source().token().await.unwrap().secret
}

impl TokenSource for Rotating {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        Box::pin(async { Ok(self.0.current.lock().unwrap().clone()) })
    }

    fn invalidate(&self, _: &AccessToken) {}

    fn rotated(&self, after: u64) -> BoxFuture<'_, u64> {
        let mut generation = self.0.generation.subscribe();
        Box::pin(async move {
            let newer = generation.wait_for(|generation| *generation > after).await;
            newer.map_or(after, |newer| *newer)
        })
    }
}
