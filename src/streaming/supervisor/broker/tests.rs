//! Who gets which channel, and when none.

use super::*;

const LIMIT: usize = 20;

struct Bench {
    broker: Broker,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        let life = Duration::from_secs(86_400);
        Self { broker: Broker::new(LIMIT, life), start: Instant::now() }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    /// One shard wants a channel while so many are in use: what is done, and what it gets.
    fn want(&mut self, shard: ShardId, in_use: usize, seconds: u64) -> (usize, Vec<Grant>) {
        let (mut out, now) = (Vec::new(), self.at(seconds));
        self.broker.want(shard);
        assert!(self.broker.serve(0, now, &mut out).is_empty());
        assert!(matches!(out[..], [Action::List]), "no channel is made without a look: {out:?}");
        out.clear();
        let listing = ChannelListing::new(in_use, Vec::new());
        let grants = self.broker.listed(Ok(listing), now, &mut out);
        assert!(out.iter().all(|action| matches!(action, Action::Create)));
        (out.len(), grants.into_iter().map(|(_, grant)| grant).collect())
    }

    fn created(&mut self, answer: Result<ChannelInfo>, seconds: u64) {
        let now = self.at(seconds);
        assert!(self.broker.created(answer, 1, now).is_some());
    }
}

fn info(n: usize) -> ChannelInfo {
    ChannelInfo::new(ChannelId::new(format!("c{n}")), "wss://s/x")
}

fn lost() -> Error {
    Error::new(ErrorKind::Timeout, "no answer").retryable(true)
}

#[test]
fn a_create_whose_answer_is_lost_counts_as_a_channel_for_a_minute() {
    let mut bench = Bench::new();
    assert_eq!(bench.want(1, 18, 0).0, 1);
    bench.created(Err(lost()), 1);
    // Not there yet; it may still come.
    let (created, grants) = bench.want(1, 19, 2);
    let [Grant::Failed(error)] = &grants[..] else { panic!("{grants:?}") };
    assert_eq!((created, error.retry_after()), (0, Some(Duration::from_secs(59))));
    assert!(error.is_retryable());
    // There is room for it and for another.
    assert_eq!(bench.want(1, 18, 3).0, 1);
    bench.created(Ok(info(1)), 4);
    // It is counted by the platform, or has never been.
    assert_eq!(bench.want(2, 19, 61).0, 1);
}

#[test]
fn when_all_are_surely_in_use_doubts_change_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.want(1, 19, 0).0, 1);
    bench.created(Err(lost()), 1);
    let (_, grants) = bench.want(1, 20, 2);
    assert!(matches!(grants[..], [Grant::Busy { in_use: 20, limit: LIMIT, needed: 1 }]));
}

#[test]
fn a_create_that_surely_made_nothing_is_not_counted() {
    let refused = [
        Error::new(ErrorKind::Throttled, "429").with_status(429),
        Error::new(ErrorKind::Forbidden, "403").with_status(403),
        Error::new(ErrorKind::Transport, "no connection").unsent(),
    ];
    for error in refused {
        let mut bench = Bench::new();
        assert_eq!(bench.want(1, 19, 0).0, 1);
        bench.created(Err(error), 1);
        assert_eq!(bench.want(1, 19, 2).0, 1);
    }
    for status in [408, 500, 502, 504] {
        let mut bench = Bench::new();
        assert_eq!(bench.want(1, 19, 0).0, 1);
        bench.created(Err(Error::new(ErrorKind::Status(status), "x").with_status(status)), 1);
        assert_eq!(bench.want(1, 19, 2).0, 0, "{status} may have made one");
    }
}

#[test]
fn no_more_are_made_than_one_look_has_room_for() {
    let mut bench = Bench::new();
    let now = bench.start;
    let mut out = Vec::new();
    (0..5).for_each(|shard| bench.broker.want(shard));
    bench.broker.serve(0, now, &mut out);
    out.clear();
    let listing = || Ok(ChannelListing::new(17, Vec::new()));
    let grants = bench.broker.listed(listing(), now, &mut out);
    assert_eq!((out.len(), grants.len()), (3, 2));
    // Another look while they are made, whose answer may not count them.
    out.clear();
    bench.broker.want(9);
    bench.broker.serve(0, now, &mut out);
    bench.created(Ok(info(1)), 0);
    out.clear();
    let grants = bench.broker.listed(listing(), now, &mut out);
    assert!(out.is_empty() && matches!(grants[..], [(9, Grant::Busy { .. })]), "{out:?}");
}

fn channel(n: usize) -> ChannelInfo {
    ChannelInfo::new(ChannelId::new(format!("streaming-1-{n}")), "wss://x")
}

fn granted(grants: Vec<(ShardId, Grant)>) -> Vec<String> {
    let id = |(_, grant)| match grant {
        Grant::Channel { info, .. } => info.id.expose().to_owned(),
        other => format!("{other:?}"),
    };
    grants.into_iter().map(id).collect()
}

#[test]
fn a_channel_that_could_not_be_dialled_is_used_again_only_without_room_or_when_another_could_not() {
    let now = Instant::now();
    let mut broker = Broker::new(20, Duration::from_secs(60));
    let mut out = Vec::new();
    let back = |broker: &mut Broker, n, failed_dials| {
        let mut held = Held::new(channel(n), 1, None);
        held.failed_dials = failed_dials;
        broker.give_back(held, now, &mut Vec::new());
        broker.cleared(&channel(n).id, true);
    };
    back(&mut broker, 1, 1);
    broker.want(0);
    assert!(broker.serve(0, now, &mut out).is_empty(), "another is made");
    let listing = |in_use| Ok(ChannelListing::new(in_use, Vec::new()));
    let grants = granted(broker.listed(listing(20), now, &mut out));
    assert_eq!(grants, ["streaming-1-1"], "there was no room");
    // One that was dialled goes first, also when two could not be.
    back(&mut broker, 1, 1);
    back(&mut broker, 2, 3);
    back(&mut broker, 3, 0);
    for shard in 0..3 {
        broker.want(shard);
    }
    let grants = granted(broker.serve(0, now, &mut out));
    assert_eq!(grants, ["streaming-1-3", "streaming-1-1", "streaming-1-2"]);
}

#[test]
fn channels_that_are_left_to_the_next_process_are_used_only_when_there_is_no_room() {
    let now = Instant::now();
    let mut broker = Broker::new(20, Duration::from_secs(60));
    broker.adopt(vec![channel(1), channel(2), channel(3)], now);
    broker.adopt(vec![channel(2)], now);
    assert_eq!(broker.spares().len(), 3, "each once");
    assert_eq!(broker.reserve(2).len(), 2);
    assert_eq!(broker.reserve(2).len(), 2, "the same ones");
    let mut out = Vec::new();
    for shard in 0..3 {
        broker.want(shard);
    }
    assert_eq!(granted(broker.serve(0, now, &mut out)), ["streaming-1-3"]);
    assert!(matches!(out[..], [Action::List]), "{out:?}");
    let listing = ChannelListing::new(19, Vec::new());
    let grants = granted(broker.listed(Ok(listing), now, &mut out));
    assert!(matches!(out[..], [Action::List, Action::Create]), "{out:?}");
    assert_eq!(grants, ["streaming-1-1"], "there was room for one");
    assert_eq!(broker.reserve(9).len(), 1);
    assert!(broker.serve(0, now + Duration::from_secs(61), &mut out).is_empty());
    assert!(broker.spares().is_empty(), "they have ended");
}
