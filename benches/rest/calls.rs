//! A small GET: `Client::execute` and `reqwest` alone, in turn.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use genesys_cloud::{
    Answer, Arguments, Client, Endpoints, Method, NoLimit, Operation, Proxy, StaticToken,
};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::{Failure, median, server};

/// Calls under way at once.
const AT_ONCE: usize = 16;

struct GetUser;

impl Operation for GetUser {
    type Response = Value;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/users/{userId}";

    fn arguments(&self) -> Arguments {
        Arguments::new().path("userId", "8f0c1d5e").query("expand", "presence")
    }

    fn response(answer: Answer) -> genesys_cloud::Result<Value> {
        answer.json()
    }
}

/// Who calls.
enum Caller {
    Bare(reqwest::Client, String),
    Ours(Client),
}

impl Caller {
    async fn call(&self) -> Result<Value, Failure> {
        match self {
            Self::Bare(client, url) => {
                let answer = client
                    .get(url)
                    .header("accept", "application/json")
                    .header("content-type", "application/json")
                    .header("authorization", "Bearer a-token")
                    .send()
                    .await?;
                let body = answer.error_for_status()?.bytes().await?;
                Ok(serde_json::from_slice(&body)?)
            }
            Self::Ours(client) => Ok(client.execute(GetUser).await?),
        }
    }

    /// The median of the times of calls one after the other, in microseconds.
    async fn one_by_one(&self, calls: usize) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let start = Instant::now();
            black_box(self.call().await?);
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(median(&mut times))
    }

    /// Calls a second, with some under way at once.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    async fn together(self: &Arc<Self>, calls: usize) -> Result<f64, Failure> {
        let each = calls.div_ceil(AT_ONCE);
        let start = Instant::now();
        // Tasks of their own: one that is woken does not have the others polled, too.
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let caller = self.clone();
            tasks.spawn(async move {
                for _ in 0..each {
                    black_box(caller.call().await?);
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok((each * AT_ONCE) as f64 / start.elapsed().as_secs_f64())
    }
}

pub(crate) fn measure(calls: usize, rounds: usize) -> Result<(), Failure> {
    let base = format!("http://127.0.0.1:{}", server::start()?);
    let ours = Client::builder(Endpoints::single(&base)?)
        .token_source(StaticToken::new("a-token"))
        .proxy(Proxy::none())
        .rate_limiter(NoLimit)
        .build()?;
    let bare = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let url = format!("{base}/api/v2/users/8f0c1d5e?expand=presence");
    let callers = [Caller::Bare(bare, url), Caller::Ours(ours)].map(Arc::new);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut times, mut rates): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
    runtime.block_on(async {
        for caller in &callers {
            // Connections are opened.
            caller.together(AT_ONCE * 2).await?;
        }
        // In turn, so that whatever else the machine does falls on both.
        for _ in 0..rounds {
            for (index, caller) in callers.iter().enumerate() {
                times[index].push(caller.one_by_one(calls).await?);
                rates[index].push(caller.together(calls * 4).await?);
            }
        }
        Ok::<_, Failure>(())
    })?;
    let [bare, ours] = times.map(|mut times| median(&mut times));
    println!("a small GET over loopback; median of {rounds} rounds, client on one thread");
    println!("{:<36}{:>14}{:>14}{:>8}", "", "bare reqwest", "Client", "ratio");
    println!("{:<36}{bare:>14.1}{ours:>14.1}{:>8.3}", "one by one, p50, us", ours / bare);
    let [bare, ours] = rates.map(|mut rates| median(&mut rates));
    let name = format!("{AT_ONCE} at once, calls/s");
    println!("{name:<36}{bare:>14.0}{ours:>14.0}{:>8.3}", ours / bare);
    Ok(())
}

/// Nothing is encrypted over loopback, but a client has to have something.
fn tls() -> Result<rustls::ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}
