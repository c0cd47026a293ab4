//! A long listing takes the memory of a page, however long it is, and nothing of it is lost or repeated when it is dropped
//! and gone on with.
//!
//! 3,000 conversations unless `ANALYTICS_CONVERSATIONS` says otherwise, as that is a few seconds without optimization:
//! `ANALYTICS_CONVERSATIONS=100000 cargo test --test analytics memory -- --nocapture` reads as many as a query can be
//! paged through.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use futures::TryStreamExt;
use genesys_cloud::analytics::{ConversationDetails, Interval};
use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, NoLimit, Position, Proxy};
use tokio::runtime;

fn size() -> usize {
    let wanted = std::env::var("ANALYTICS_CONVERSATIONS").ok();
    wanted.map_or(3_000, |text| text.parse().expect("ANALYTICS_CONVERSATIONS is a number"))
}

/// Reads the first `most` conversations. The listing is dropped after every few pages, somewhere in a page, and gone on
/// with from a position that went through text. Returns how often.
async fn read(query: &ConversationDetails, most: usize, seen: &mut HashSet<u128>) -> usize {
    let mut dice = fastrand::Rng::with_seed(7);
    let (mut position, mut parts) = (None::<String>, 0);
    loop {
        let pages = query.pages();
        let mut items = match &position {
            Some(text) => {
                let position: Position = serde_json::from_str(text).unwrap();
                pages.resume(position).unwrap().items()
            }
            None => pages.items(),
        };
        parts += 1;
        for _ in 0..dice.usize(150..450) {
            if seen.len() == most {
                return parts;
            }
            let Some(one) = items.try_next().await.unwrap() else {
                assert_eq!(items.total().unwrap(), seen.len() as u64, "some were lost");
                return parts;
            };
            let id = one.conversation_id.unwrap().replace('-', "");
            assert!(seen.insert(u128::from_str_radix(&id, 16).unwrap()), "{id} came twice");
        }
        position = Some(serde_json::to_string(&items.position()).unwrap());
    }
}

#[test]
fn a_long_listing_takes_the_memory_of_a_page_and_survives_being_dropped() {
    let size = size();
    // The simulator has a thread of its own: what it allocates does not count.
    let behind =
        runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let platform = behind
        .block_on(
            Platform::builder()
                .conversations(size)
                .events_per_second(0.0)
                .requests_per_minute(u32::MAX)
                .start(),
        )
        .unwrap();
    let (endpoints, credentials) = (platform.endpoints(), platform.credentials());
    let reader = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::builder(endpoints)
            .credentials(credentials)
            .proxy(Proxy::none())
            .rate_limiter(NoLimit)
            .build()
            .unwrap();
        let all = Interval::last(Duration::from_secs(8 * 86_400)).unwrap();
        let query = client.analytics().conversation_details(all);
        let mut seen = HashSet::with_capacity(2 * size);
        // A token, a connection, and what is made once.
        runtime.block_on(read(&query, 100, &mut seen));
        seen.clear();
        let part = measure(|| {
            runtime.block_on(read(&query, size / 10, &mut seen));
        });
        assert_eq!(seen.len(), size / 10);
        seen.clear();
        let (begin, mut parts) = (Instant::now(), 0);
        let whole = measure(|| parts = runtime.block_on(read(&query, usize::MAX, &mut seen)));
        println!(
            "{} conversations in {parts} parts and {:.1?}: at most {} KiB at once, {} KiB for a tenth of them; {} KiB \
             allocated in all",
            seen.len(),
            begin.elapsed(),
            whole.bytes_max / 1024,
            part.bytes_max / 1024,
            whole.bytes_total / 1024,
        );
        assert!(seen.len() >= size && parts > size / 450, "{} in {parts}", seen.len());
        assert!(whole.bytes_total > 5 * part.bytes_total, "the measurement is of nothing");
        assert!(whole.bytes_max < part.bytes_max * 3 / 2, "memory grows with the listing");
    });
    reader.join().unwrap();
    behind.block_on(platform.shutdown());
}
