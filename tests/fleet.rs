//! Many organizations in one process, against simulators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use futures::{FutureExt, StreamExt};
use genesys_cloud::fleet::{Fleet, FleetBuilder, FleetDelivery, FleetEvents, MemberState};
use genesys_cloud::sim::{Fault, Platform, PlatformBuilder};
use genesys_cloud::{
    Capacity, Client, ClientCredentials, ConnectionState, DialGate, ErrorKind, Event, FixedDelay,
    Lifecycle, NoLimit, Proxy, StreamBuilder, Tls,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// One for all clients: the system's certificates are read once.
static TLS: LazyLock<Tls> = LazyLock::new(Tls::new);

fn quiet() -> PlatformBuilder {
    Platform::builder().seed(7).events_per_second(0.0).users(60)
}

fn client(platform: &Platform, credentials: ClientCredentials) -> Client {
    Client::builder(platform.endpoints())
        .credentials(credentials)
        .proxy(Proxy::none())
        .rate_limiter(NoLimit)
        .tls(TLS.clone())
        .build()
        .unwrap()
}

fn topic(platform: &Platform, user: usize) -> String {
    format!("v2.users.{}.presence", platform.users()[user])
}

/// What every member's stream subscribes: one user.
fn settings(
    platform: &Platform,
    user: usize,
) -> impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static {
    let topic = topic(platform, user);
    move |stream| stream.subscribe(&topic).reconnect(FixedDelay::new(Duration::from_millis(5)))
}

fn key(number: usize) -> String {
    format!("org-{number:02}")
}

struct Rig {
    platform: Platform,
    fleet: Fleet,
    events: FleetEvents,
}

impl Rig {
    /// A fleet whose members are clients of one platform, each about a user of its own.
    async fn new(members: usize) -> Self {
        Self::of(members, Fleet::builder().dials_per_second(2_000.0)).await
    }

    async fn of(members: usize, builder: FleetBuilder) -> Self {
        let platform = quiet().start().await.unwrap();
        let (fleet, events) = builder.build().unwrap();
        let mut rig = Self { platform, fleet, events };
        for number in 0..members {
            let client = client(&rig.platform, rig.platform.add_client());
            rig.fleet.add(key(number), client, settings(&rig.platform, number)).unwrap();
        }
        let all: BTreeSet<String> = (0..members).map(key).collect();
        rig.until_subscribed(all).await;
        rig
    }

    async fn next(&mut self) -> FleetDelivery {
        timeout(PATIENCE, self.events.next()).await.expect("nothing came").expect("the end")
    }

    async fn until_subscribed(&mut self, mut missing: BTreeSet<String>) {
        while !missing.is_empty() {
            let delivery = self.next().await;
            let what = lifecycle(&delivery).map(Lifecycle::what);
            if what == Some("subscribed") {
                missing.remove(&*delivery.organisation);
            }
        }
    }

    /// Sends a numbered event to one member.
    fn emit(&self, member: usize, number: usize) {
        let body = json!({ "source": "PURECLOUD", "message": number.to_string() });
        self.platform.emit(&topic(&self.platform, member), body);
    }

    /// Takes items until `count` events have come; what has come of each member, in order.
    async fn take(&mut self, count: usize) -> BTreeMap<String, Vec<usize>> {
        let mut seen: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut taken = 0;
        while taken < count {
            let delivery = self.next().await;
            if let Some(number) = number(&delivery) {
                seen.entry(delivery.organisation.to_string()).or_default().push(number);
                taken += 1;
            }
        }
        seen
    }

    async fn eventually(&self, what: &str, condition: impl Fn() -> bool) {
        let poll = async {
            while !condition() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, poll).await.is_ok(), "waited for {what} in vain");
    }
}

fn number(delivery: &FleetDelivery) -> Option<usize> {
    match &delivery.item.as_ref().ok()?.event {
        Event::UsersPresence(event) => event.message.as_deref()?.parse().ok(),
        _ => None,
    }
}

fn lifecycle(delivery: &FleetDelivery) -> Option<&Lifecycle> {
    match &delivery.item.as_ref().ok()?.event {
        Event::Lifecycle(lifecycle) => Some(lifecycle),
        _ => None,
    }
}

#[tokio::test]
async fn one_that_is_revoked_ends_alone() {
    let mut rig = Rig::new(49).await;
    let other = quiet().start().await.unwrap();
    rig.fleet.add("revoked", client(&other, other.credentials()), settings(&other, 0)).unwrap();
    rig.until_subscribed(BTreeSet::from(["revoked".to_owned()])).await;
    assert_eq!(rig.fleet.states().iter().filter(|(_, state)| state.is_live()).count(), 50);
    let (path, retry_after) = ("/oauth/token".to_owned(), None);
    other.fault(Fault::Http { path, status: 401, retry_after, count: 1_000, html: false }).unwrap();
    other.fault(Fault::RevokeToken).unwrap();
    let mut last = None;
    let mut ends = 0;
    for round in 0..20 {
        for member in 0..49 {
            rig.emit(member, round);
        }
        let mut of_others = 0;
        while of_others < 49 {
            let delivery = rig.next().await;
            if &*delivery.organisation == "revoked" {
                assert!(ends == 0, "an error is the last item: {delivery:?}");
                ends += usize::from(delivery.item.is_err());
                last = delivery.item.err().or(last);
            } else {
                assert_eq!(number(&delivery), Some(round), "{delivery:?}");
                of_others += 1;
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    let error = last.expect("it has ended");
    assert_eq!(error.kind(), ErrorKind::Auth);
    let Some(MemberState::Ended { kind: Some(ErrorKind::Auth), reason }) =
        rig.fleet.state("revoked")
    else {
        panic!("{:?}", rig.fleet.state("revoked"))
    };
    assert!(!reason.is_empty());
    assert_eq!(rig.fleet.states().iter().filter(|(_, state)| state.is_live()).count(), 49);
    assert_eq!(rig.fleet.len(), 50);
}

#[tokio::test]
async fn one_that_is_answered_429_delays_nobody() {
    let mut rig = Rig::new(20).await;
    let other = quiet().start().await.unwrap();
    let (path, retry_after) = ("/api/v2".to_owned(), Some(600));
    other
        .fault(Fault::Http { path, status: 429, retry_after, count: 10_000, html: false })
        .unwrap();
    rig.fleet.add("throttled", client(&other, other.credentials()), settings(&other, 0)).unwrap();
    let mut backoff = None;
    while backoff.is_none() {
        let delivery = rig.next().await;
        backoff = lifecycle(&delivery).and_then(|item| match item {
            Lifecycle::Disconnected { retry_in, .. } => *retry_in,
            _ => None,
        });
    }
    assert!(backoff >= Some(Duration::from_secs(600)), "{backoff:?}");
    let state = rig.fleet.state("throttled").unwrap();
    assert!(matches!(state, MemberState::Running(ConnectionState::Backoff { .. })), "{state:?}");
    for round in 0..50 {
        (0..20).for_each(|member| rig.emit(member, round));
        assert_eq!(rig.take(20).await.len(), 20);
    }
    // One that waits for its next dial is taken out at once.
    timeout(Duration::from_secs(2), rig.fleet.remove("throttled")).await.unwrap().unwrap();
}

/// Events of each member in a test of one that is not read: many more than its queue holds.
const EVENTS: usize = 2_000;

#[tokio::test]
async fn one_that_is_not_read_holds_up_nobody_and_loses_nothing() {
    let small = Capacity::new(64, 1 << 20);
    let builder = Fleet::builder().dials_per_second(2_000.0).member_capacity(small);
    let mut rig = Rig::of(10, builder).await;
    rig.fleet.pause(&key(3)).unwrap();
    for number in 0..EVENTS {
        for member in 0..10 {
            rig.emit(member, number);
        }
        if number % 50 == 49 {
            let seen = rig.take(9 * 50).await;
            assert!(!seen.contains_key(&key(3)), "it is paused");
        }
    }
    assert!(rig.fleet.state(&key(3)).unwrap().is_live(), "the connection lives all the same");
    rig.fleet.resume(&key(3)).unwrap();
    let seen = rig.take(EVENTS).await;
    assert_eq!(seen[&key(3)], (0..EVENTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn members_take_turns_however_much_one_has_to_say() {
    let mut rig = Rig::new(10).await;
    (0..1_000).for_each(|number| rig.emit(0, number));
    for member in 1..10 {
        (0..5).for_each(|number| rig.emit(member, number));
    }
    let handle = rig.fleet.clone();
    rig.eventually("everything to be there", || handle.states().len() == 10).await;
    sleep(Duration::from_millis(300)).await;
    // 9 members with 5 each have said all of it before the noisy one has said much more than they.
    let mut noisy = 0;
    let mut others = 0;
    while others < 45 {
        let delivery = rig.next().await;
        match number(&delivery) {
            Some(_) if *delivery.organisation == *key(0) => noisy += 1,
            Some(_) => others += 1,
            None => {}
        }
    }
    assert!((1..=45).contains(&noisy), "{noisy}");
    assert_eq!(rig.take(1_000 - noisy).await[&key(0)].len(), 1_000 - noisy);
}

#[tokio::test]
async fn credentials_are_replaced_without_a_gap_and_without_a_repetition() {
    let mut rig = Rig::new(3).await;
    let mut emitted = 0;
    let mut seen = Vec::new();
    for swap in 1..=5_u64 {
        let fresh = client(&rig.platform, rig.platform.add_client());
        let (fleet, key) = (rig.fleet.clone(), key(1));
        let replacing = tokio::spawn(async move { fleet.replace_credentials(&key, fresh).await });
        let begun = Instant::now();
        let mut emitted_to_both = 0;
        let mut turn = 0_u32;
        while !replacing.is_finished() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", rig.fleet.state(&self::key(1)));
            let both = rig.platform.stats().sockets_open > 3;
            emitted_to_both += usize::from(both);
            // In every turn in which both sockets are open, and now and then before: that is what may come twice.
            if both || turn.is_multiple_of(16) {
                // Two that look alike are two.
                rig.emit(1, emitted);
                rig.emit(1, emitted);
                emitted += 1;
            }
            turn += 1;
            while let Some(Some(delivery)) = rig.events.next().now_or_never() {
                seen.extend(number(&delivery));
                let what = lifecycle(&delivery).map_or("", Lifecycle::what);
                assert!(
                    !["gap", "lagged", "stopped", "disconnected"].contains(&what),
                    "{delivery:?}"
                );
            }
            tokio::task::yield_now().await;
        }
        replacing.await.unwrap().unwrap();
        assert!(emitted_to_both > 0, "precondition of swap {swap}: events while both were open");
        assert!(rig.fleet.state(&self::key(1)).unwrap().is_live());
    }
    while seen.len() < 2 * emitted {
        let delivery = rig.next().await;
        seen.extend(number(&delivery));
    }
    sleep(Duration::from_millis(50)).await;
    while let Ok(Some(delivery)) = timeout(Duration::from_millis(20), rig.events.next()).await {
        seen.extend(number(&delivery));
    }
    let expected: Vec<usize> = (0..emitted).flat_map(|number| [number, number]).collect();
    let missing: Vec<_> =
        (0..emitted).filter(|n| seen.iter().filter(|m| *m == n).count() != 2).collect();
    assert!(missing.is_empty(), "not twice: {missing:?}");
    assert_eq!(seen, expected, "in order");
    let removed = rig.fleet.duplicates_removed(&key(1)).unwrap();
    assert!(removed > 0, "both streams delivered for a while, so that some came twice");
    assert_eq!(rig.platform.stats().sockets_open, 3);
}

#[tokio::test]
async fn a_replacement_that_is_refused_leaves_the_old_one_and_one_that_has_ended_begins_anew() {
    let mut rig = Rig::new(2).await;
    let good = rig.platform.add_client();
    let wrong = ClientCredentials::new(good.client_id(), "hush-hush-hush");
    let refused = client(&rig.platform, wrong.clone());
    let error = rig.fleet.replace_credentials(&key(0), refused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    rig.emit(0, 1);
    assert_eq!(rig.take(1).await[&key(0)], [1]);

    rig.fleet.add("third", client(&rig.platform, wrong), settings(&rig.platform, 2)).unwrap();
    let delivery = rig.next().await;
    assert_eq!(&*delivery.organisation, "third");
    assert_eq!(delivery.item.unwrap_err().kind(), ErrorKind::Auth);
    assert!(matches!(rig.fleet.state("third"), Some(MemberState::Ended { kind: Some(_), .. })));
    let fresh = client(&rig.platform, good);
    rig.fleet.replace("third", fresh, settings(&rig.platform, 3)).await.unwrap();
    rig.emit(3, 7);
    assert_eq!(rig.take(1).await["third"], [7]);
    assert!(rig.fleet.state("third").unwrap().is_live());

    let nobody = client(&rig.platform, rig.platform.credentials());
    let error = rig.fleet.replace_credentials("nobody", nobody).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_second_replacement_waits_for_a_consumer_that_is_behind_and_loses_nothing() {
    let mut rig = Rig::new(1).await;
    rig.emit(0, 0);
    let first = client(&rig.platform, rig.platform.add_client());
    rig.fleet.replace_credentials(&key(0), first).await.unwrap();
    assert!(rig.fleet.state(&key(0)).unwrap().is_live(), "the new one counts, read or not");
    rig.emit(0, 1);
    let second = client(&rig.platform, rig.platform.add_client());
    let fleet = rig.fleet.clone();
    let replacing = tokio::spawn(async move { fleet.replace_credentials(&key(0), second).await });
    sleep(Duration::from_millis(200)).await;
    assert!(!replacing.is_finished(), "nobody has come to the first replacement yet");
    let mut seen = Vec::new();
    while !replacing.is_finished() {
        if let Ok(Some(delivery)) = timeout(Duration::from_millis(5), rig.events.next()).await {
            seen.extend(number(&delivery));
        }
    }
    replacing.await.unwrap().unwrap();
    rig.emit(0, 2);
    // Closed before anybody has come to the second one: what it has comes out all the same.
    sleep(Duration::from_millis(100)).await;
    let outcome = rig.fleet.shutdown(Duration::from_secs(10)).await;
    assert_eq!((outcome.closed, outcome.cut_off.len()), (1, 0));
    while let Some(delivery) = timeout(PATIENCE, rig.events.next()).await.unwrap() {
        seen.extend(number(&delivery));
    }
    assert_eq!(seen, [0, 1, 2]);
}

#[tokio::test]
async fn a_shutdown_drains_every_member_and_ends_the_stream() {
    let mut rig = Rig::new(50).await;
    for member in 0..50 {
        (0..10).for_each(|number| rig.emit(member, number));
    }
    rig.fleet.pause(&key(7)).unwrap();
    let outcome = rig.fleet.shutdown(Duration::from_secs(20)).await;
    assert_eq!((outcome.closed, outcome.cut_off.len()), (50, 0));
    let refused = client(&rig.platform, rig.platform.credentials());
    let error = rig.fleet.add("late", refused, |stream| stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let mut seen: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
    while let Some(delivery) = timeout(PATIENCE, rig.events.next()).await.unwrap() {
        if let Some(number) = number(&delivery) {
            seen.entry(delivery.organisation).or_default().push(number);
        }
    }
    assert_eq!(seen.len(), 50);
    assert!(seen.values().all(|numbers| *numbers == (0..10).collect::<Vec<_>>()));
    assert!(rig.events.next().await.is_none(), "for ever");
    let platform = &rig.platform;
    rig.eventually("no socket", || platform.stats().sockets_open == 0).await;
}

#[tokio::test]
async fn what_does_not_close_in_time_is_cut_off() {
    let mut rig = Rig::new(5).await;
    rig.platform.fault(Fault::Silence { for_ms: 60_000 }).unwrap();
    let begun = Instant::now();
    let outcome = rig.fleet.shutdown(Duration::from_millis(200)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((outcome.closed, outcome.cut_off.len()), (0, 5));
    while timeout(PATIENCE, rig.events.next()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn the_rate_of_dials_holds_at_the_start_and_after_a_mass_cut() {
    const RATE: u32 = 40;
    const MEMBERS: u32 = 40;
    let platform = quiet().start().await.unwrap();
    let (fleet, mut events) = Fleet::builder().dials_per_second(RATE.into()).build().unwrap();
    for number in 0..MEMBERS as usize {
        let client = client(&platform, platform.add_client());
        fleet.add(key(number), client, settings(&platform, number)).unwrap();
    }
    let mut dials: Vec<(Instant, u64)> = Vec::new();
    let is_live = |fleet: &Fleet| fleet.states().iter().all(|(_, state)| state.is_live());
    for round in 1..=2_u64 {
        let begun = Instant::now();
        // After the cut, until it is noticed, all seem to live.
        while !is_live(&fleet) || platform.stats().dials < round * u64::from(MEMBERS) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", fleet.states());
            while let Ok(Some(_)) = timeout(Duration::from_millis(1), events.next()).await {}
            dials.push((Instant::now(), platform.stats().dials));
        }
        let least = Duration::from_millis(900) * MEMBERS / RATE;
        assert!(begun.elapsed() > least, "{round}: {:?}", begun.elapsed());
        platform.fault(Fault::Reset).unwrap();
    }
    // A process that was not given a core for a moment makes up for it: hence the slack.
    let stall = dials.windows(2).map(|two| two[1].0 - two[0].0).max().unwrap();
    let window = Duration::from_millis(500);
    let most =
        u64::from(RATE) * u64::try_from((window + 2 * stall).as_millis()).unwrap() / 1_000 + 2;
    for (from, before) in &dials {
        let after = dials.iter().rev().find(|(at, _)| *at <= *from + window).unwrap().1;
        assert!(after - before <= most, "{} in half a second, at most {most}", after - before);
    }
}

#[tokio::test]
async fn one_that_waits_for_its_turn_is_taken_out_at_once() {
    /// Far off for everybody.
    struct Never;
    impl DialGate for Never {
        fn turn(&self, now: Instant) -> Instant {
            now + Duration::from_secs(3_600)
        }
    }
    let platform = quiet().start().await.unwrap();
    let (fleet, mut events) = Fleet::builder().dials_per_second(0.01).build().unwrap();
    // The first has the only turn there is; the second waits to start, the third to dial.
    for number in 0..2 {
        let client = client(&platform, platform.add_client());
        fleet.add(key(number), client, settings(&platform, number)).unwrap();
    }
    let begun = SystemTime::now();
    while fleet.state(&key(0)).unwrap() == MemberState::Starting {
        events.next().await.unwrap();
    }
    assert_eq!(fleet.state(&key(1)), Some(MemberState::Starting));
    let alone = client(&platform, platform.add_client());
    let stream = alone.stream().subscribe(topic(&platform, 2)).dial_gate(Never);
    let waits = timeout(Duration::from_millis(300), stream.start()).await;
    assert!(waits.is_err(), "it waits to dial");
    timeout(Duration::from_secs(2), fleet.remove(&key(1))).await.unwrap().unwrap();
    // A lost connection has to wait too, and can be closed all the same.
    platform.fault(Fault::Reset).unwrap();
    loop {
        match fleet.state(&key(0)).unwrap() {
            MemberState::Running(ConnectionState::Connecting { .. }) => break,
            _ => drop(timeout(Duration::from_millis(10), events.next()).await),
        }
        assert!(begun.elapsed().unwrap() < PATIENCE, "{:?}", fleet.state(&key(0)));
    }
    timeout(Duration::from_secs(2), fleet.remove(&key(0))).await.unwrap().unwrap();
    assert_eq!(platform.stats().dials, 1);
    drop(fleet);
    while timeout(PATIENCE, events.next()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn keys_are_unique_and_free_again_after_a_removal() {
    let mut rig = Rig::new(2).await;
    let again = client(&rig.platform, rig.platform.add_client());
    let error = rig.fleet.add(key(1), again.clone(), settings(&rig.platform, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    rig.fleet.remove(&key(1)).await.unwrap();
    assert_eq!(rig.fleet.remove(&key(1)).await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(rig.fleet.state(&key(1)), None);
    rig.fleet.add(key(1), again, settings(&rig.platform, 1)).unwrap();
    rig.until_subscribed(BTreeSet::from([key(1)])).await;
    rig.emit(1, 5);
    assert_eq!(rig.take(1).await[&key(1)], [5]);
    assert!(rig.fleet.pause("nobody").is_err() && rig.fleet.resume("nobody").is_err());
    for bad in [0.0, -1.0, f64::NAN] {
        let error = Fleet::builder().dials_per_second(bad).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[tokio::test]
async fn dropping_the_merged_stream_ends_every_member() {
    let rig = Rig::new(10).await;
    let Rig { platform, fleet, events } = rig;
    assert_eq!(platform.stats().sockets_open, 10);
    drop(events);
    let begun = Instant::now();
    while platform.stats().sockets_open > 0 {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    let late = client(&platform, platform.credentials());
    assert_eq!(fleet.add("late", late, |stream| stream).unwrap_err().kind(), ErrorKind::Closed);
}
