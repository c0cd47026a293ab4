//! A soak, and the tables after a quiet day: supervisor, sessions and overlap at full size, under virtual time.
//!
//! The environment sets the size: `GENESYS_CLOUD_SOAK_SEEDS` (1), `GENESYS_CLOUD_SOAK_EVENTS` (20,000),
//! `GENESYS_CLOUD_SOAK_FAULTS` (60) and `GENESYS_CLOUD_SOAK_TOPICS` (1,000). Full size is 2,000,000 events, 300 faults and
//! 10,000 topics. A seed is printed, and plays the same again.

use std::time::Duration;

use super::channel_judge::{Dark, Truth};
use super::channel_schedules::{change, harm};
use super::channel_world::{Mode, Size, World, topic};
use super::ledger::LinkKey;
use crate::core::limits;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

fn links(world: &World) -> Vec<LinkKey> {
    world.lines.keys().copied().collect()
}

/// Lets calls take effect and be answered, some of them in vain.
fn answers(world: &mut World, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(..8) {
        let fails = random.u8(..12) == 0;
        world.answer(random.usize(..100), fails);
    }
}

pub(super) fn soak(seed: u64, events: u64, faults: u64, topics: u64) {
    let size = Size { names: usize::try_from(topics / 10).unwrap(), channels: 10, topics };
    let mut random = fastrand::Rng::with_seed(seed);
    // Even seeds read subscriptions back, which a platform that drops topics needs.
    let mut world = World::new(seed * 2, topics, Mode::Faults, size);
    let dark = |n| (topic(size, n), Dark::default());
    world.truth = Some(Truth { dark: (0..topics).map(dark).collect(), ..Truth::default() });
    let every = (events / faults).max(1);
    let (mut sent, mut done) = (0, 0);
    while sent < events || done < faults {
        world.unit = random.f64();
        for _ in 0..random.u64(1..60) {
            let topic = topic(size, random.u64(..));
            world.event(&topic);
            sent += 1;
        }
        for link in links(&world) {
            if random.u8(..4) > 0 {
                world.open(link);
            }
            while random.u8(..10) > 0 && world.read(link) {}
        }
        answers(&mut world, &mut random);
        if sent / every > done {
            done += 1;
            let links = links(&world);
            let link = links.get(random.usize(..links.len().max(1))).copied().unwrap_or_default();
            if random.bool() {
                harm(&mut world, &mut random, link);
            } else {
                change(&mut world, &mut random);
            }
        }
        let pause = if random.u8(..200) == 0 { 20_000 } else { 60 };
        world.account();
        world.advance(Duration::from_millis(random.u64(..pause)));
        world.account();
    }
    world.others = 0;
    world.forget_orphans();
    world.settle(seed);
    let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
    let truth = world.truth.as_ref().unwrap();
    println!(
        "seed {seed}: {sent} events, {} delivered, {done} faults and changes, {} disconnected, {} renewed, {} gap items, \
         {} topic gaps, {} duplicates removed; widest gap beyond the truth {:?}",
        world.delivered,
        what("disconnected"),
        what("renewed"),
        what("gap"),
        truth.gaps,
        world.removed,
        truth.widest,
    );
    assert!(truth.widest <= limits::HEARTBEAT, "seed {seed}: {:?} too wide", truth.widest);
}

#[test]
fn every_event_of_ten_channels_comes_once_or_is_inside_a_gap() {
    let events = number("GENESYS_CLOUD_SOAK_EVENTS", 20_000);
    let faults = number("GENESYS_CLOUD_SOAK_FAULTS", 60);
    let topics = number("GENESYS_CLOUD_SOAK_TOPICS", 1_000);
    for seed in 0..number("GENESYS_CLOUD_SOAK_SEEDS", 1) {
        soak(seed, events, faults, topics);
    }
}

#[test]
fn the_tables_of_a_supervisor_do_not_grow_on_a_quiet_day() {
    let size = Size { names: 100, channels: 10, topics: 1_000 };
    let mut world = World::quiet(size);
    let hour = Duration::from_secs(3_600);
    let mut sizes = Vec::new();
    for _ in 0..24 {
        let until = world.now + hour;
        while world.now < until {
            world.settle_calls();
            world.advance(Duration::from_secs(10));
        }
        sizes.push(world.supervisor.size());
    }
    let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
    assert_eq!((what("connected"), what("renewed"), what("gap")), (10, 10, 0));
    // Channels that were replaced are kept for the next time.
    let (first, last) = (sizes[0], sizes[23]);
    assert!(last <= first + 12, "the tables grow: {sizes:?}");
}
