//! Reading a large answer: our types, which keep everything, and a tree.

use std::hint::black_box;
use std::time::Instant;

use genesys_cloud::models::AnalyticsConversationQueryResponse;
use serde_json::Value;

use crate::{Failure, median, page};

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
pub(crate) fn measure(megabytes: usize, rounds: usize) -> Result<(), Failure> {
    let page = page::of(megabytes * 1_000_000);
    let size = page.len() as f64 / 1e6;
    let read = serde_json::from_slice::<AnalyticsConversationQueryResponse>(&page)?;
    let tree: Value = serde_json::from_slice(&page)?;
    if serde_json::to_value(&read)? != tree {
        return Err("what was read is not what was written".into());
    }
    drop((read, tree));
    let (mut ours, mut tree) = (Vec::new(), Vec::new());
    // In turn, so that whatever else the machine does falls on both.
    for _ in 0..rounds {
        let start = Instant::now();
        black_box(serde_json::from_slice::<AnalyticsConversationQueryResponse>(black_box(&page))?);
        ours.push(size / start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(serde_json::from_slice::<Value>(black_box(&page))?);
        tree.push(size / start.elapsed().as_secs_f64());
    }
    let (ours, tree) = (median(&mut ours), median(&mut tree));
    println!(
        "a page of conversation details of {size:.1} MB, dropping it included; median of {rounds} rounds"
    );
    println!("{:<36}{:>14}{:>14}{:>8}", "", "a tree", "our types", "ratio");
    println!("{:<36}{tree:>14.1}{ours:>14.1}{:>8.3}", "MB/s", ours / tree);
    Ok(())
}
