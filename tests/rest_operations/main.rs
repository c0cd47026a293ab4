//! Every operation of the REST API: made from random arguments, sent to a server that holds each request against the
//! published description, and answered with a random answer that must come back unchanged.
//!
//! A run is the same each time. `REST_SEED=7` makes another one, and what a failure prints repeats that one call:
//! `REST_SEED='get_user#3#1234' cargo test --features rest-all --test rest_operations`.

mod arguments;
mod description;
#[allow(dead_code)] // Shared with other tests.
#[path = "../support/loopback.rs"]
mod loopback;
mod platform;
#[allow(dead_code)] // Shared with the test of all topics.
#[path = "../all_topics/random.rs"]
mod random;
mod registry;
mod round;
mod seed;
#[allow(dead_code)] // Shared with the test of all topics.
#[path = "../all_topics/spec.rs"]
mod spec;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use genesys_cloud::{Client, Endpoints, NoLimit, NoRetry, Proxy, StaticToken};

use description::Description;
use platform::Platform;
use registry::OPERATIONS;
use round::Round;
use seed::Seed;

#[tokio::test]
async fn every_operation_is_sent_as_described_and_its_answer_is_what_was_answered() {
    check_all(Description::load(), Seed::from_env()).await;
}

#[tokio::test]
async fn the_sample_has_operations_of_every_kind() {
    let sample = Description::sample();
    let kinds: BTreeSet<_> =
        sample.operations.iter().map(description::Operation::answers).collect();
    assert_eq!(kinds.len(), 3);
    check_all(sample, Seed::Run(1)).await;
}

async fn check_all(description: Description, seed: Seed) {
    let description = Arc::new(description);
    let platform = Platform::start(description.clone()).await;
    let client = Client::builder(Endpoints::single(&platform.url()).unwrap())
        .token_source(StaticToken::new("a-token-of-the-test"))
        .proxy(Proxy::none())
        .rate_limiter(NoLimit)
        .retry(NoRetry)
        .build()
        .unwrap();
    let makers: BTreeMap<_, _> = OPERATIONS.iter().copied().collect();
    let (mut calls, mut kinds) = (0, BTreeMap::<&str, usize>::new());
    for operation in &description.operations {
        let make = makers
            .get(operation.id.as_str())
            .unwrap_or_else(|| panic!("{} has no type", operation.id));
        for (index, round) in Round::ALL.iter().enumerate() {
            let Some(number) = seed.of(&operation.id, index) else { continue };
            let checked = round.check(&description, operation, *make, &platform, &client, number);
            if let Err(fault) = checked.await {
                panic!("REST_SEED='{}#{index}#{number}': {fault}", operation.id);
            }
            calls += 1;
        }
        *kinds.entry(operation.answers()).or_default() += 1;
    }
    println!(
        "{} operations, {calls} calls, none skipped; answers: {kinds:?}",
        description.operations.len()
    );
    assert!(!seed.is_run() || calls == description.operations.len() * Round::ALL.len());
    assert_eq!(calls, platform.served());
}

#[test]
fn the_table_has_each_operation_once_and_no_other() {
    let description = Description::load();
    let known: BTreeSet<_> = OPERATIONS.iter().map(|(id, _)| *id).collect();
    assert_eq!(known.len(), OPERATIONS.len());
    let wanted: BTreeSet<_> = description.operations.iter().map(|it| it.id.as_str()).collect();
    assert!(wanted.is_subset(&known), "{:?}", wanted.difference(&known));
    if description.is_whole {
        assert_eq!(wanted, known);
    }
}
