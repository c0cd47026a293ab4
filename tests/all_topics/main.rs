//! Every topic of the platform, by random bodies made from the published shapes: what is decoded and written again is
//! the same JSON, and what does not fit is reported with its place.
//!
//! A run is the same each time. `TOPIC_SEED=7` makes another one, and what a failure prints repeats that one body:
//! `TOPIC_SEED='v2.users.{id}.presence#17#1234' cargo test --test all_topics`.

mod case;
mod random;
mod site;
mod spec;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use genesys_cloud::Frame;
use serde_json::Value;

use case::{Case, Seed};
use random::{Odds, Random};
use site::Site;
use spec::{Schema, Spec};

/// Bodies of each topic, at least.
const BODIES: usize = 200;

/// Topics that have a type without asking for any feature.
const MAIN_JOB: &[&str] = &[
    "v2.analytics.queues.{id}.observations",
    "v2.routing.queues.{id}.conversations",
    "v2.users.{id}.conversations",
    "v2.users.{id}.presence",
    "v2.users.{id}.routingStatus",
];

#[test]
fn no_body_of_any_topic_loses_anything() {
    let spec = Spec::load();
    let seed = Seed::from_env();
    let done = for_each_topic(&spec, |template, schema| {
        let sites = Site::all(&spec, schema);
        let cases = Case::all(&spec, &sites, BODIES);
        let mut checked = 0;
        for (index, case) in cases.iter().enumerate() {
            let Some(number) = seed.of(template, index) else { continue };
            let check = || round_trip(&spec, template, schema, case, number);
            if let Err(fault) =
                catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("panic".into()))
            {
                panic!("TOPIC_SEED='{template}#{index}#{number}': {fault}");
            }
            checked += 1;
        }
        assert!(!seed.is_run() || checked >= BODIES, "{template}: {checked}");
        checked
    });
    println!("{done} bodies written as they were read");
}

#[test]
fn a_misfit_in_a_known_field_is_an_error_that_names_its_place() {
    let spec = Spec::load();
    let seed = Seed::from_env();
    let done = for_each_topic(&spec, |template, schema| {
        let mut checked = 0;
        for (index, site) in Site::all(&spec, schema).iter().enumerate() {
            let Some(number) = seed.of(template, index) else { continue };
            let mut random = Random::new(&spec, Odds::FULL, fastrand::Rng::with_seed(number));
            let Some(misfit) = random.misfit(site.schema) else { continue };
            let body = site.alone(misfit);
            let name = template.replace("{id}", "8f0c");
            if !is_typed(&name) {
                continue;
            }
            let text = format!(r#"{{"topicName":"{name}","eventBody":{body}}}"#);
            let place = if site.is_body() { "its beginning".to_owned() } else { site.path() };
            let error = match Frame::decode(&text) {
                Ok(frame) => panic!("{place} is {} and fits: {text}", frame.event.variant()),
                Err(error) => error.to_string(),
            };
            let expected = format!("body of {name} is malformed at {place}: ");
            assert!(error.starts_with(&expected), "{error}, and the fault is at {place}: {text}");
            checked += 1;
        }
        checked
    });
    assert!(done > 0 || !seed.is_run());
    println!("{done} misfits named");
}

#[test]
fn topics_that_have_a_type_are_typed() {
    let spec = Spec::load();
    let typed = |template: &str| is_typed(&template.replace("{id}", "8f0c"));
    let untyped: Vec<_> = spec.topics.iter().map(|(t, _)| t).filter(|t| !typed(t)).collect();
    println!("{} of {} topics have a type", spec.topics.len() - untyped.len(), spec.topics.len());
    for template in MAIN_JOB {
        assert!(typed(template), "{template}");
    }
    if cfg!(feature = "all-topics") {
        assert!(untyped.is_empty(), "{untyped:?}");
    }
}

fn is_typed(name: &str) -> bool {
    let text = format!(r#"{{"topicName":"{name}","eventBody":{{}}}}"#);
    let frame = Frame::decode(&text).expect("a body without members is valid");
    frame.event.variant() != "Unrecognized"
}

/// Decodes one body, writes it again, and compares.
fn round_trip<'a>(
    spec: &'a Spec,
    template: &str,
    schema: &'a Schema,
    case: &Case<'a>,
    seed: u64,
) -> Result<(), String> {
    let mut random = Random::new(spec, case.odds(), fastrand::Rng::with_seed(seed));
    let body = case.body(schema, &mut random);
    let is_null = body.as_ref().is_none_or(Value::is_null);
    let sample = text::Sample::new(template, body, &mut random);
    let text = &sample.text;
    let expected: Value = serde_json::from_str(text)
        .map_err(|error| format!("the test is wrong: {error}: {text}"))?;
    if expected != sample.frame {
        return Err(format!("the test is wrong: {} as {text}", sample.frame));
    }
    let frame = Frame::decode(text).map_err(|error| format!("{error}: {text}"))?;
    let variant = frame.event.variant();
    let known = Case::has_type(template, is_null);
    if known.is_some_and(|typed| typed != (variant != "Unrecognized")) {
        return Err(format!("{variant}: {text}"));
    }
    let written = serde_json::to_string(&frame).map_err(|error| format!("{error}: {text}"))?;
    let again: Value =
        serde_json::from_str(&written).map_err(|error| format!("{error}: {written}"))?;
    if again != expected {
        return Err(format!("{variant}\nread    {text}\nwritten {written}"));
    }
    Ok(())
}

/// Goes through the topics on two threads, and adds up.
fn for_each_topic<'a>(
    spec: &'a Spec,
    check: impl Fn(&'a str, &'a Schema) -> usize + Sync,
) -> usize {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = 0;
        while let Some((template, schema)) = spec.topics.get(next.fetch_add(1, Ordering::Relaxed)) {
            done += check(template, schema);
        }
        done
    };
    thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
    .into_iter()
    .sum()
}
