//! Random schedules of many channels.
//!
//! `GENESYS_CLOUD_SCHEDULES` sets how many there are, `GENESYS_CLOUD_SCHEDULES_FIRST` the first one.

use std::time::Duration;

use super::channel_line::Line;
use super::channel_platform::{LIMIT, Wire};
use super::channel_world::{Mode, SMALL, World, topic};
use super::ledger::LinkKey;
use super::session;
use super::supervisor::Input;
use crate::core::close::Gone;
use crate::events::Topic;

pub(super) fn change(world: &mut World, random: &mut fastrand::Rng) {
    match random.u8(..8) {
        0 => world.supervise(Input::Renew),
        1 => {
            world.token += 1;
            world.supervise(Input::TokenRotated { generation: world.token });
        }
        2 => {
            let closing = |line: &Line| line.wire.contains(&Wire::Close);
            for line in world.lines.values_mut().filter(|line| line.opened && !closing(line)) {
                line.wire.push_back(Wire::Closing);
            }
        }
        3 => world.supervise(Input::Rebalance),
        4 | 5 => {
            let topics = (0..random.u64(1..6)).map(|_| topic(world.size, random.u64(..)));
            // With so few topics to a channel there is often no room left where one was.
            let topics: Vec<Topic> =
                topics.filter(|topic| !world.supervisor.displaces(topic)).collect();
            if world.supervisor.want(&topics).is_ok_and(|changed| changed) {
                world.supervise(Input::Changed);
                world.wanted.extend(topics);
            }
        }
        6 => {
            let topics: Vec<Topic> =
                (0..random.u64(1..9)).map(|_| topic(world.size, random.u64(..))).collect();
            world.supervise(Input::Unwant(topics.clone()));
            world.wanted.retain(|topic| !topics.contains(topic));
        }
        _ => world.set_others(random.usize(..LIMIT - world.size.channels - 8)),
    }
}

pub(super) fn harm(world: &mut World, random: &mut fastrand::Rng, link: LinkKey) {
    let Some(line) = world.lines.get_mut(&link) else { return };
    match random.u8(..7) {
        0 | 1 => {
            line.wire.clear();
            world.drive(link, session::Input::Gone(Gone::Cut { detail: "reset".into() }));
        }
        2 => line.silent = true,
        3 => {
            let channel = line.channel.clone();
            line.wire.push_back(Wire::Gone);
            world.channels.remove(&channel);
        }
        4 => {
            if !line.opened {
                let gone = Gone::Refused { status: 503 };
                world.drive(link, session::Input::Gone(gone));
            }
        }
        5 if world.checks => {
            let channel = line.channel.clone();
            if let Some(topic) =
                world.channels.get_mut(&channel).and_then(|one| one.topics.pop_first())
            {
                let promise = world.promises.get_mut(&topic).unwrap();
                promise.drops.insert(channel, world.now);
            }
        }
        _ => {
            // The platform has no room for a while.
            let room = LIMIT.saturating_sub(world.channels.len());
            world.set_others(room);
        }
    }
}

fn play(world: &mut World, random: &mut fastrand::Rng, mode: Mode) {
    let links: Vec<LinkKey> = world.lines.keys().copied().collect();
    let link = links.get(random.usize(..links.len().max(1))).copied().unwrap_or_default();
    world.unit = random.f64();
    match random.u8(..100) {
        0..=34 => {
            let topic = topic(world.size, random.u64(..));
            world.event(&topic);
        }
        35..=44 => world.open(link),
        45..=64 => {
            for _ in 0..random.usize(1..8) {
                world.read(link);
            }
        }
        65..=84 => {
            let fails = mode == Mode::Faults && random.u8(..10) == 0;
            world.answer(random.usize(..100), fails);
        }
        85..=92 => world.advance(Duration::from_millis(random.u64(..900))),
        93 => world.advance(Duration::from_secs(random.u64(1..40))),
        94..=96 => change(world, random),
        _ if mode == Mode::Faults => harm(world, random, link),
        _ => change(world, random),
    }
}

struct Named(u64, Mode);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the schedule of seed {} ({:?}) broke a rule", self.0, self.1);
        }
    }
}

fn run(seed: u64, mode: Mode) -> World {
    let named = Named(seed, mode);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::new(seed, random.u64(1..20), mode, SMALL);
    for _ in 0..random.usize(1..1_200) {
        play(&mut world, &mut random, mode);
        let carrying = world.supervisor.shards();
        assert!(carrying <= SMALL.channels + SMALL.channels, "{carrying} shards");
    }
    world.others = 0;
    world.forget_orphans();
    world.settle(seed);
    drop(named);
    world
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let first = number("GENESYS_CLOUD_SCHEDULES_FIRST").unwrap_or(0);
    first..first + number("GENESYS_CLOUD_SCHEDULES").unwrap_or(600)
}

#[test]
fn random_planned_changes_of_many_channels_lose_nothing_and_repeat_nothing() {
    let (mut renewed, mut events, mut removed, mut merged) = (0, 0, 0, 0);
    for seed in seeds() {
        let world = run(seed, Mode::Planned);
        let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
        assert_eq!((what("gap"), what("disconnected")), (0, 0), "seed {seed}: {:?}", world.emitted);
        renewed += what("renewed");
        merged += what("released");
        events += world.delivered;
        removed += world.removed;
    }
    println!(
        "{renewed} renewals, {merged} released, {events} events, {removed} duplicates removed"
    );
    assert!(renewed > 200 && removed > 200 && merged > 50, "schedules are too tame");
}

#[test]
fn random_faults_of_many_channels_repeat_nothing_and_every_loss_is_in_a_gap() {
    let (mut renewed, mut gaps, mut drifted, mut busy, mut events) = (0, 0, 0, 0, 0);
    let (mut orphans, mut evicted, mut found, mut unseen) = (0, 0, 0, 0);
    for seed in seeds() {
        let world = run(seed, Mode::Faults);
        orphans += world.orphans;
        evicted += world.evicted;
        found += world.found;
        unseen += world.unseen;
        let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
        renewed += what("renewed");
        gaps += what("gap");
        drifted += what("drifted");
        busy += what("channels_busy");
        events += world.delivered;
    }
    println!(
        "{renewed} renewals, {gaps} gaps, {drifted} drifted with {found} topics, {unseen} events dropped unseen, {busy} \
         busy, {orphans} channels made and not told, {evicted} evicted in a race, {events} events"
    );
    assert!(renewed > 50 && gaps > 200 && drifted > 5 && busy > 5, "schedules are too tame");
    assert!(orphans > 20 && evicted > 0, "schedules are too tame");
}
