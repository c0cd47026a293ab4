//! HTTP clients that are shared, so that many clients of one host take turns on few connections.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use crate::error::Result;
use crate::transport::proxy::Proxy;

/// HTTP clients that are kept: one for each way out of the process, of which there is one or two.
const MOST: usize = 8;

/// The HTTP clients of one TLS setting. Clones share them.
///
/// What keeps connections apart is the host, which the HTTP client sees to, the way to it, and the runtime, whose end is
/// theirs. It is not the credentials: every request brings its own.
#[derive(Clone)]
pub(crate) struct Pool<C = reqwest::Client>(Arc<Mutex<VecDeque<Entry<C>>>>);

struct Entry<C> {
    proxy: Proxy,
    connect: Duration,
    runtime: Id,
    client: C,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<C: Clone> Pool<C> {
    /// The client for this way and this deadline of connecting, made now if there is none. Outside a runtime it is not
    /// shared.
    pub(crate) fn get(
        &self,
        proxy: &Proxy,
        connect: Duration,
        make: impl FnOnce() -> Result<C>,
    ) -> Result<C> {
        let Ok(runtime) = Handle::try_current().map(|handle| handle.id()) else { return make() };
        // Nobody else's code runs under the lock but the making of a client, which leaves the list as it is.
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().find(|entry| {
            entry.runtime == runtime && entry.connect == connect && entry.proxy.is_same(proxy)
        });
        if let Some(found) = found {
            return Ok(found.client.clone());
        }
        let client = make()?;
        entries.truncate(MOST - 1);
        let proxy = proxy.clone();
        entries.push_front(Entry { proxy, connect, runtime, client: client.clone() });
        Ok(client)
    }
}

impl<C> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn one_client_for_one_way_and_another_for_another() {
        let pool = Pool::<u32>::default();
        let second = Duration::from_secs(1);
        let (proxy, other) = ("http://proxy.example:3128", "http://other.example:3128");
        let at = |address| Proxy::http(address).unwrap();
        let get = |proxy: &Proxy, connect, n| pool.clone().get(proxy, connect, || Ok(n)).unwrap();
        assert_eq!(get(&Proxy::none(), second, 1), 1);
        assert_eq!(get(&Proxy::none(), second, 2), 1);
        assert_eq!(get(&Proxy::none(), second * 2, 3), 3);
        assert_eq!(get(&Proxy::system(), second, 4), 4);
        assert_eq!(get(&Proxy::system(), second, 5), 4);
        assert_eq!(get(&at(proxy), second, 6), 6);
        assert_eq!(get(&at(proxy), second, 7), 6);
        assert_eq!(get(&at(proxy).bypass("localhost"), second, 8), 8);
        assert_eq!(get(&at(other), second, 9), 9);
        let refused = pool.get(&at(other), second * 2, || Err(Error::config("refused")));
        assert!(refused.is_err());
        assert_eq!(get(&at(other), second * 2, 10), 10, "a failure is not kept");
    }

    #[tokio::test]
    async fn few_are_kept() {
        let pool = Pool::<u32>::default();
        let proxy = Proxy::none();
        for n in 0..20 {
            let connect = Duration::from_secs(u64::from(n));
            assert_eq!(pool.get(&proxy, connect, || Ok(n)).unwrap(), n);
        }
        assert_eq!(pool.0.lock().unwrap().len(), MOST);
        assert_eq!(pool.get(&proxy, Duration::from_secs(19), || Ok(99)).unwrap(), 19);
        assert_eq!(pool.get(&proxy, Duration::ZERO, || Ok(99)).unwrap(), 99);
    }

    #[test]
    fn runtimes_share_nothing() {
        let pool = Pool::<u32>::default();
        let get = |n| pool.get(&Proxy::none(), Duration::ZERO, || Ok(n)).unwrap();
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (first, second) = (runtime(), runtime());
        assert_eq!(first.block_on(async { (get(1), get(2)) }), (1, 1));
        assert_eq!(second.block_on(async { get(3) }), 3);
        assert_eq!((get(4), get(5)), (4, 5), "outside a runtime");
    }
}
