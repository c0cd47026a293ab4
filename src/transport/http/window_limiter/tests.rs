//! What goes when, in any order and of any priority.

use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

fn go(limiter: &WindowLimiter, now: Instant, priority: Priority) -> Result<(), Duration> {
    match limiter.acquire(now, 1, priority) {
        Grant::Go(permit) => {
            permit.settle(Quota::unanswered(now));
            Ok(())
        }
        Grant::WaitUntil(until) => Err(until - now),
    }
}

#[test]
fn never_more_than_the_limit_in_any_minute_and_the_wait_is_exact() {
    for seed in 0..50 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let limit = dice.u32(1..40);
        let limiter = WindowLimiter::new(limit, dice.u32(0..50));
        let mut now = Instant::now();
        let mut sent: Vec<Instant> = Vec::new();
        for _ in 0..600 {
            now += Duration::from_millis(dice.u64(0..3000));
            let priority =
                [Priority::Backfill, Priority::User, Priority::Reconnect][dice.usize(0..3)];
            let at = match limiter.acquire(now, 1, priority) {
                Grant::Go(permit) => {
                    permit.settle(Quota::unanswered(now));
                    now
                }
                Grant::WaitUntil(until) => {
                    assert!(until > now, "a wait must make progress");
                    now = until;
                    go(&limiter, now, priority).expect("the time it named is the time it opens");
                    now
                }
            };
            sent.push(at);
            let minute = sent.iter().filter(|t| **t + WINDOW > at).count();
            assert!(minute <= limit as usize, "seed {seed}: {minute} > {limit}");
        }
    }
}

#[test]
fn the_reserve_is_for_reconnects() {
    let limiter = WindowLimiter::new(10, 4);
    let now = Instant::now();
    for _ in 0..6 {
        go(&limiter, now, Priority::User).unwrap();
    }
    assert_eq!(go(&limiter, now, Priority::User), Err(S(60)));
    assert_eq!(go(&limiter, now, Priority::Backfill), Err(S(60)));
    for _ in 0..4 {
        go(&limiter, now, Priority::Reconnect).unwrap();
    }
    assert_eq!(go(&limiter, now, Priority::Reconnect), Err(S(60)));
}

#[test]
fn a_backlog_of_backfill_leaves_half_of_the_window_to_users_at_any_time() {
    for (limit, reserve) in [(300, 20), (100, 0), (45, 5), (10, 4), (2, 0)] {
        let limiter = WindowLimiter::new(limit, reserve);
        let rest = limit - reserve;
        let start = Instant::now();
        let mut sent: Vec<Instant> = Vec::new();
        let mut now = start;
        while now < start + S(300) {
            match limiter.acquire(now, 1, Priority::Backfill) {
                Grant::Go(permit) => {
                    permit.settle(Quota::unanswered(now));
                    sent.push(now);
                }
                Grant::WaitUntil(until) => now = until,
            }
            let inside = sent.iter().filter(|at| **at + WINDOW > now).count();
            assert!(inside <= (rest as usize).div_ceil(2), "{limit}: {inside} of {rest}");
        }
        let minutes = u32::try_from(sent.len()).unwrap() / 5;
        assert!(minutes >= (rest * 2 / 5).max(1), "{limit}: {minutes} a minute");
        let users = (0..limit).filter(|_| go(&limiter, now, Priority::User).is_ok()).count();
        assert!(users >= rest as usize / 2, "{limit}: {users} of {rest}");
    }
}

#[test]
fn users_who_take_much_leave_a_tenth_to_backfill() {
    let limiter = WindowLimiter::default();
    let start = Instant::now();
    let mut backfill = 0;
    // 240 of 280 a minute; after the first one a backlog begins.
    for turn in 0..2_640_u32 {
        let now = start + WINDOW / 240 * turn;
        go(&limiter, now, Priority::User).expect("nobody waits");
        let begun = turn >= 240;
        backfill += u32::from(begun && go(&limiter, now, Priority::Backfill).is_ok());
    }
    assert!((250..=290).contains(&backfill), "in ten minutes: {backfill}");
    let state = limiter.state(start + S(659)).unwrap();
    assert_eq!((state.for_users, state.left(Priority::Backfill)), (168, 0));
}

#[test]
fn a_dropped_permit_returns_its_slot() {
    let limiter = WindowLimiter::new(1, 0);
    let now = Instant::now();
    drop(limiter.acquire(now, 1, Priority::User));
    go(&limiter, now, Priority::User).unwrap();
    assert!(go(&limiter, now, Priority::User).is_err());
}

#[test]
fn a_429_closes_the_window_for_its_retry_after_and_a_long_one_does_not() {
    let answer = |limiter: &WindowLimiter, now, status, wait| {
        let Grant::Go(permit) = limiter.acquire(now, 1, Priority::User) else { panic!("closed") };
        permit.settle(Quota {
            status: Some(status),
            retry_after: Some(wait),
            ..Quota::unanswered(now)
        });
    };
    let limiter = WindowLimiter::default();
    let now = Instant::now();
    answer(&limiter, now, 429, S(42));
    assert_eq!(go(&limiter, now, Priority::Reconnect), Err(S(42)));
    assert_eq!(go(&limiter, now + S(42), Priority::Reconnect), Ok(()));
    answer(&limiter, now + S(42), 429, S(3600));
    assert_eq!(go(&limiter, now + S(42), Priority::Reconnect), Ok(()));
    answer(&limiter, now + S(43), 503, S(10));
    assert_eq!(go(&limiter, now + S(43), Priority::Reconnect), Ok(()));
}

fn refuse(limiter: &WindowLimiter, now: Instant, wait: Option<Duration>, named: NamedLimit) {
    let Grant::Go(permit) = limiter.acquire(now, 1, Priority::Reconnect) else { panic!("closed") };
    permit.settle(Quota {
        status: Some(429),
        retry_after: wait,
        named: Some(named),
        ..Quota::unanswered(now)
    });
}

#[test]
fn a_429_under_our_limit_leaves_what_went_well_in_the_platforms_window_and_spaces_it() {
    let limiter = WindowLimiter::new(300, 20);
    let now = Instant::now();
    // The window of before: it does not count for the one that refuses.
    (0..60).for_each(|_| go(&limiter, now, Priority::User).unwrap());
    let later = now + S(20);
    (0..200).for_each(|_| go(&limiter, later, Priority::User).unwrap());
    refuse(&limiter, later + S(1), Some(S(45)), NamedLimit::Requests(None));
    let state = limiter.state(later + S(1)).unwrap();
    assert_eq!((state.limit, state.most, state.reserved), (180, 300, 20));
    assert_eq!(state.closed_until, Some(later + S(46)));
    assert_eq!(state.left(Priority::Reconnect), 0);
    let opens = now + S(81);
    assert_eq!(go(&limiter, opens, Priority::User), Ok(()));
    let spacing = WINDOW / 195;
    assert_eq!(go(&limiter, opens, Priority::User), Err(spacing));
    assert_eq!(go(&limiter, opens, Priority::Backfill), Err(spacing));
    assert_eq!(go(&limiter, opens, Priority::Reconnect), Ok(()));
    assert_eq!(go(&limiter, opens + spacing, Priority::User), Ok(()));
    let state = limiter.state(opens + S(600)).unwrap();
    assert_eq!((state.limit, state.sent), (300, 0));
    assert_eq!(state.left(Priority::User), 280);
}

#[test]
fn a_429_about_another_limit_is_none_of_ours_and_one_that_says_nothing_closes_shortly() {
    let now = Instant::now();
    let limiter = WindowLimiter::default();
    refuse(&limiter, now, Some(S(30)), NamedLimit::Other);
    assert_eq!(limiter.state(now).unwrap().limit, 300);
    assert_eq!(go(&limiter, now, Priority::User), Ok(()));
    refuse(&limiter, now, None, NamedLimit::Requests(Some(120)));
    assert_eq!(go(&limiter, now, Priority::Reconnect), Err(UNTOLD));
    assert!(limiter.state(now).unwrap().limit <= 120);
}

#[test]
fn the_platform_may_raise_the_default_and_only_lower_what_the_owner_said() {
    let now = Instant::now();
    let limit = |limiter: WindowLimiter, says| {
        limiter.adapt(says);
        limiter.state(now).unwrap().limit
    };
    assert_eq!(limit(WindowLimiter::default(), 600), 600);
    assert_eq!(limit(WindowLimiter::default(), 0), 1);
    assert_eq!(limit(WindowLimiter::default(), u32::MAX), MOST_ALLOWED);
    assert_eq!(limit(WindowLimiter::new(100, 5), 600), 100);
    assert_eq!(limit(WindowLimiter::new(100, 5), 60), 60);
    assert_eq!(limit(WindowLimiter::default().window(S(6)), 600), 60);
}

#[test]
fn a_request_counts_until_a_window_after_its_answer() {
    let limiter = WindowLimiter::new(2, 0);
    let now = Instant::now();
    let [first, second] = [(); 2].map(|()| limiter.acquire(now, 1, Priority::User));
    assert_eq!(go(&limiter, now + S(59), Priority::User), Err(S(60)), "both are under way");
    let (Grant::Go(first), Grant::Go(second)) = (first, second) else { panic!("closed") };
    first.settle(Quota::unanswered(now + S(30)));
    assert_eq!(go(&limiter, now + S(61), Priority::User), Err(S(29)));
    drop(second);
    assert_eq!(go(&limiter, now + S(61), Priority::User), Ok(()), "it was never sent");
}

#[test]
fn a_new_token_has_a_window_of_its_own_and_old_ones_are_forgotten() {
    let limiter = WindowLimiter::new(1, 0);
    let now = Instant::now();
    assert_eq!(limiter.state(now), Some(WindowState::new(1, 0)));
    for generation in 0..100 {
        let grant = limiter.acquire(now, generation, Priority::User);
        let Grant::Go(permit) = grant else { panic!("{generation} had to wait") };
        permit.settle(Quota::unanswered(now));
    }
    assert!(limiter.state.lock().unwrap().windows.len() <= TOKENS);
}

#[test]
fn the_retired_headers_count_when_they_come() {
    let limiter = WindowLimiter::new(300, 0);
    let now = Instant::now();
    let Grant::Go(permit) = limiter.acquire(now, 1, Priority::User) else { panic!("closed") };
    permit.settle(Quota {
        status: Some(200),
        count: Some(20),
        allowed: Some(20),
        reset: Some(S(7)),
        ..Quota::unanswered(now)
    });
    assert_eq!(go(&limiter, now, Priority::User), Err(S(7)));
    let later = now + S(7);
    let taken = (0..100).filter(|_| go(&limiter, later, Priority::User).is_ok()).count();
    assert_eq!(taken, 19);
}
