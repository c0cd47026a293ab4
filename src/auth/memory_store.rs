//! A token store that ends with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
use crate::core::ports::BoxFuture;
use crate::error::Result;

/// A [`TokenStore`] in memory: for clients that are made and dropped while the program lives, and for tests.
///
/// Clones share what is stored. It holds one token for each key that was used.
///
/// ```
/// use genesys_cloud::{Client, ClientCredentials, MemoryStore, Region};
///
/// # fn main() -> genesys_cloud::Result<()> {
/// let store = MemoryStore::new();
/// let client = Client::builder(Region::EuWest1)
///     .credentials(ClientCredentials::new("id", "secret"))
///     .token_store(store.clone())
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<HashMap<TokenKey, StoredToken>>>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenKey, StoredToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>> {
        Box::pin(async move { Ok(self.lock().get(key).cloned()) })
    }

    fn save<'a>(&'a self, key: &'a TokenKey, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.lock().insert(key.clone(), token.clone());
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.lock().remove(key);
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("tokens", &self.lock().len()).finish()
    }
}
