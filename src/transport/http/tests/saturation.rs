//! Many calls over a limit: none fails, few are refused, and who matters more goes first.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::loop_and_turns::Counter;
use super::script::request;
use super::server::{Counting, MINUTE, Server};
use crate::transport::ambient::Ambient;
use crate::transport::http::request::Priority;
use crate::transport::http::retry::RetryRules;
use crate::transport::http::service::HttpService;
use crate::transport::http::window_limiter::WindowLimiter;

const LIMIT: usize = 300;

fn service(server: &Arc<Server>) -> HttpService {
    HttpService::new(
        server.clone(),
        Arc::new(Counter::default()),
        RetryRules::default(),
        Arc::new(WindowLimiter::default()),
        &Ambient::default(),
    )
}

/// Twenty tasks of 200 calls, one after the other in each.
async fn four_thousand(server: &Arc<Server>) -> HttpService {
    let service = service(server);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move {
                for number in 0..200 {
                    let call = request(Method::POST);
                    service.send(&call).await.unwrap_or_else(|error| panic!("{number}: {error}"));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    service
}

fn offset(seed: u64) -> Duration {
    Duration::from_millis(fastrand::Rng::with_seed(seed).u64(1..=60_000))
}

#[tokio::test(start_paused = true)]
async fn four_thousand_calls_over_a_limit_of_300_are_never_refused_wherever_its_windows_begin() {
    for seed in 0..2 {
        for counting in [Counting::Fixed(offset(seed)), Counting::Sliding] {
            let server = Server::new(LIMIT, counting, seed);
            let began = Instant::now();
            four_thousand(&server).await;
            assert_eq!(server.totals(), (4_000, 0), "{seed} {counting:?}");
            assert!(server.most_in_a_minute() <= LIMIT, "{seed} {counting:?}");
            // 280 a minute are for users.
            assert!(began.elapsed() < MINUTE * 16, "{:?}", began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_somebody_else_takes_a_third_all_calls_succeed_and_one_in_a_hundred_is_refused_at_most()
 {
    for (seed, counting, together) in [
        (1, Counting::Fixed(offset(1)), 1),
        (2, Counting::Fixed(offset(2)), 10),
        (3, Counting::Fixed(offset(3)), 100),
        (4, Counting::Sliding, 1),
        (5, Counting::Sliding, 100),
    ] {
        let case = format!("{counting:?}, {together} at once");
        let server = Server::new(LIMIT, counting, seed);
        let other = server.someone_else(100, together);
        let began = Instant::now();
        let service = four_thousand(&server).await;
        other.abort();
        let (taken, refused) = server.totals();
        println!("{case}: {refused} of {taken} refused, {:?}", began.elapsed());
        assert_eq!(taken, 4_000, "{case}");
        assert!(refused <= 40, "{case}: {refused}");
        assert_eq!(service.limited().refused(), refused as u64);
        // At 200 a minute it could not take less than 20 minutes.
        assert!(began.elapsed() < MINUTE * 30, "{case}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_waits_for_nobody_and_a_backfill_is_not_starved_while_users_take_everything() {
    let server = Server::new(LIMIT, Counting::Sliding, 7);
    let service = service(&server);
    let spawn = |priority, name: &'static str| {
        let service = service.clone();
        tokio::spawn(async move {
            let mut call = request(Method::GET);
            (call.priority, call.operation) = (priority, name.into());
            let asked = Instant::now();
            service.send(&call).await.unwrap();
            asked.elapsed()
        })
    };
    // They never stop, so that the line is never empty.
    let users: Vec<_> = (0..400)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move {
                loop {
                    let mut call = request(Method::GET);
                    call.operation = "user".into();
                    service.send(&call).await.unwrap();
                }
            })
        })
        .collect();
    tokio::time::sleep(MINUTE / 2).await;
    let state = service.limited().state().unwrap();
    assert_eq!((state.left(Priority::User), state.left(Priority::Reconnect)), (0, 20));
    assert_eq!(service.limited().waiting(Priority::User), 400, "the precondition: it is saturated");
    let backfill: Vec<_> = (0..30).map(|_| spawn(Priority::Backfill, "backfill")).collect();
    for _ in 0..20 {
        let waited = spawn(Priority::Reconnect, "reconnect").await.unwrap();
        assert!(waited < Duration::from_millis(301), "it is the way there and back: {waited:?}");
    }
    // The reserve is used up: now it is the window, and nothing else, that they wait for.
    let opens = server.ours()[0].0 + MINUTE;
    spawn(Priority::Reconnect, "reconnect").await.unwrap();
    assert!(opens + Duration::from_millis(600) > Instant::now(), "{:?}", Instant::now() - opens);
    for call in backfill {
        let waited = call.await.unwrap();
        assert!(waited < MINUTE * 4, "{waited:?}");
    }
    users.iter().for_each(tokio::task::JoinHandle::abort);
    let ours = server.ours();
    let began = ours.iter().position(|(_, name)| &**name == "backfill").unwrap();
    let ended = ours.iter().rposition(|(_, name)| &**name == "backfill").unwrap();
    let users = ours[began..ended].iter().filter(|(_, name)| &**name == "user").count();
    assert!(users >= 9 * 28, "a tenth of the turns are for backfill: {users} of users between");
    assert_eq!(server.totals().1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_comes_after_a_backlog_of_backfill_has_begun_does_not_wait() {
    let server = Server::new(LIMIT, Counting::Sliding, 11);
    let service = service(&server);
    let call = |priority, name: &'static str| {
        let service = service.clone();
        async move {
            let mut call = request(Method::GET);
            (call.priority, call.operation) = (priority, name.into());
            let asked = Instant::now();
            service.send(&call).await.unwrap();
            asked.elapsed()
        }
    };
    let began = Instant::now();
    let backlog: Vec<_> =
        (0..600).map(|_| tokio::spawn(call(Priority::Backfill, "backfill"))).collect();
    let way = Duration::from_millis(301);
    for round in 0..6 {
        tokio::time::sleep(Duration::from_secs(31)).await;
        let waiting = service.limited().waiting(Priority::Backfill);
        assert!(waiting > 0, "the precondition: {round}");
        // One after another, among them those before which a backfill has its turn, and then many at once.
        for user in 0..25 {
            let waited = call(Priority::User, "user").await;
            assert!(waited < way, "{round} {user}: {waited:?}");
        }
        let users: Vec<_> = (0..25).map(|_| tokio::spawn(call(Priority::User, "user"))).collect();
        for user in users {
            let waited = user.await.unwrap();
            assert!(waited < way, "{round}, at once: {waited:?}");
        }
        assert!(call(Priority::Reconnect, "reconnect").await < way);
    }
    for one in backlog {
        one.await.unwrap();
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    assert!(minutes < 12.0, "600 of backfill took {minutes} minutes");
    assert_eq!(server.totals().1, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_429_nothing_storms_and_those_that_were_refused_go_first() {
    let server = Server::new(40, Counting::Fixed(Duration::from_secs(30)), 3);
    let service = service(&server);
    let mut tasks = Vec::new();
    for number in 0..120 {
        let service = service.clone();
        tasks.push(tokio::spawn(async move {
            let mut call = request(Method::GET);
            call.operation = format!("{number}").into();
            service.send(&call).await.unwrap();
        }));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (taken, refused) = server.totals();
    assert_eq!(taken, 120);
    assert!((1..=20).contains(&refused), "those that were under way: {refused}");
    let ours = server.ours();
    let order: Vec<usize> = ours.iter().map(|(_, name)| name.parse().unwrap()).collect();
    // Those that came behind them, and were not refused, come behind them still.
    let late = order.iter().position(|number| *number >= 40 + refused).unwrap();
    let mut first: Vec<usize> = order[..late].to_vec();
    first.sort_unstable();
    assert_eq!(first, (0..late).collect::<Vec<_>>(), "{order:?}");
    assert!(late >= 40, "{order:?}");
    // Half a second after the window opened, there was no crowd.
    let opened = ours[40].0;
    let crowd =
        ours.iter().filter(|(at, _)| *at >= opened && *at < opened + Duration::from_secs(1));
    assert!(crowd.count() <= 10);
}
