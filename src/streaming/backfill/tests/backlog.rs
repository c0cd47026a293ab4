//! Which topics are asked for, and that each ends once.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::error::{Error, ErrorKind};

fn desk() -> Desk {
    Desk::new(BackfillOptions::default())
}

#[test]
fn a_gap_is_asked_for_in_batches_and_each_topic_ends_after_its_items() {
    let mut desk = desk();
    let topics = ["a", "b", "c"].map(state);
    desk.gap(1, &topics);
    let first = desk.job().unwrap();
    assert_eq!(first.request.topics, topics[..2]);
    assert_eq!((first.request.covered_until, first.request.resumed_at), (wall(100), wall(150)));
    let second = desk.job().unwrap();
    assert_eq!(second.request.topics, topics[2..]);
    assert!(desk.job().is_none());
    desk.answer(&second, vec![item(&topics[2], 120)]);
    desk.answer(&first, vec![item(&topics[1], 90), item(&topics[0], 80)]);
    assert_eq!(
        desk.drain(),
        [
            r#"item 1 c.presence {"at":120}"#,
            "complete 1 c.presence",
            r#"item 1 a.presence {"at":80}"#,
            r#"item 1 b.presence {"at":90}"#,
            "complete 1 a.presence b.presence",
        ]
    );
    assert_eq!(desk.backlog.sizes(), (0, 0, 3));
    assert_eq!(desk.counters.snapshot().backfilled, 3);
}

#[test]
fn combined_topics_are_asked_for_as_single_ones_and_those_without_a_source_are_not_named() {
    let mut desk = desk();
    desk.gap(1, &["v2.users.a?presence&station&conversations".parse().unwrap()]);
    let (one, other) = (desk.job().unwrap(), desk.job().unwrap());
    assert_eq!(
        (&one.request.topics[..], &other.request.topics[..]),
        (&[state("a")][..], &[parts("a")][..])
    );
    desk.answer(&one, vec![]);
    desk.answer(&other, vec![]);
    assert_eq!(desk.drain(), ["complete 1 a.presence", "complete 1 a.conversations"]);
}

#[test]
fn gaps_that_come_while_a_topic_is_fetched_are_one_more_fetch() {
    let mut desk = desk();
    let a = state("a");
    desk.gap(1, std::slice::from_ref(&a));
    let first = desk.job().unwrap();
    desk.gap(2, std::slice::from_ref(&a));
    desk.gap(3, std::slice::from_ref(&a));
    assert!(desk.job().is_none(), "one at a time");
    desk.answer(&first, vec![item(&a, 110)]);
    assert!(desk.job().is_none(), "the first is not delivered yet");
    assert_eq!(desk.drain(), [r#"item 1 a.presence {"at":110}"#, "complete 1 a.presence"]);
    let again = desk.job().unwrap();
    assert_eq!(again.request.gap, GapId::new(3));
    assert_eq!((again.request.covered_until, again.request.resumed_at), (wall(200), wall(350)));
    desk.answer(&again, vec![item(&a, 310)]);
    assert_eq!(
        desk.drain(),
        [r#"item 3 a.presence {"at":310}"#, "complete 2 a.presence", "complete 3 a.presence"]
    );
    assert!(desk.job().is_none());
    assert_eq!(desk.backlog.sizes().0, 0);
}

#[test]
fn gaps_that_wait_for_a_turn_are_one_fetch() {
    let mut desk = Desk::new(BackfillOptions::default().concurrency(1));
    let (a, b) = (state("a"), parts("b"));
    desk.gap(1, std::slice::from_ref(&b));
    let busy = desk.job().unwrap();
    desk.gap(2, std::slice::from_ref(&a));
    desk.gap(3, std::slice::from_ref(&a));
    assert!(desk.job().is_none());
    desk.answer(&busy, vec![]);
    let both = desk.job().unwrap();
    assert_eq!((both.request.covered_until, both.request.resumed_at), (wall(200), wall(350)));
    assert!(desk.job().is_none());
}

#[test]
fn topics_over_the_bound_are_refused_by_name() {
    let mut desk = Desk::new(BackfillOptions::default().max_topics(2));
    desk.gap(1, &["a", "b", "c", "d"].map(state));
    assert_eq!(desk.drain(), ["failed 1 c.presence d.presence: Capacity"]);
    assert_eq!(desk.counters.snapshot().backfill_failed, 2);
    desk.gap(2, &["a", "e"].map(state));
    assert_eq!(desk.drain(), ["failed 2 e.presence: Capacity"], "a has its place already");
}

#[test]
fn a_request_that_fails_fails_all_of_its_topics_and_one_bad_topic_only_itself() {
    let mut desk = desk();
    let (a, b) = (state("a"), state("b"));
    desk.gap(1, &[a.clone(), b.clone(), state("c")]);
    let (one, other) = (desk.job().unwrap(), desk.job().unwrap());
    let error = || Error::new(ErrorKind::Forbidden, "missing permission");
    desk.answer(&one, vec![Backfilled::failed(a, error()), item(&b, 3)]);
    desk.backlog.finished(other.id, Err(error()), wall(0));
    assert_eq!(
        desk.drain(),
        [
            r#"item 1 b.presence {"at":3}"#,
            "failed 1 a.presence: Forbidden",
            "complete 1 b.presence",
            "failed 1 c.presence: Forbidden",
        ]
    );
    assert_eq!(desk.counters.snapshot().backfill_failed, 2);
}

#[test]
fn a_topic_that_is_unsubscribed_ends_at_once_whatever_its_fetch_does() {
    let (a, b) = (state("a"), state("b"));
    // Waiting, under way, and answered.
    for stage in 0..3 {
        let mut desk = desk();
        desk.gap(1, &[a.clone(), b.clone()]);
        let job = (stage > 0).then(|| desk.job().unwrap());
        if stage == 2 {
            desk.answer(job.as_ref().unwrap(), vec![item(&a, 1), item(&b, 2)]);
        }
        desk.backlog.forget(&["v2.users.A.PRESENCE".parse().unwrap()], wall(0));
        let job = job.or_else(|| desk.job()).unwrap();
        if stage < 2 {
            let items = job.request.topics.iter().map(|topic| item(topic, 2)).collect();
            desk.answer(&job, items);
        }
        let mut told = desk.drain();
        told.sort();
        assert_eq!(
            told,
            [
                "complete 1 b.presence",
                "failed 1 A.PRESENCE: Closed",
                r#"item 1 b.presence {"at":2}"#,
            ],
            "{stage}"
        );
        // Subscribed again, it is a topic like any other.
        desk.gap(2, std::slice::from_ref(&a));
        let job = desk.job().unwrap();
        desk.answer(&job, vec![]);
        assert_eq!(desk.drain(), ["complete 2 a.presence"]);
    }
}

#[test]
fn what_was_answered_before_the_end_is_delivered_and_the_rest_fails() {
    let mut desk = Desk::new(BackfillOptions::default().concurrency(2));
    let topics = ["a", "b", "c", "d", "e"].map(state);
    desk.gap(1, &topics);
    let (first, second) = (desk.job().unwrap(), desk.job().unwrap());
    desk.gap(2, &topics[..1]);
    desk.answer(&first, vec![item(&topics[1], 1)]);
    desk.backlog.close(wall(0));
    assert!(desk.job().is_none());
    assert_eq!(
        desk.drain(),
        [
            r#"item 1 b.presence {"at":1}"#,
            "complete 1 a.presence b.presence",
            "failed 1 c.presence d.presence e.presence: Closed",
            "failed 2 a.presence: Closed",
        ]
    );
    desk.answer(&second, vec![item(&topics[2], 1)]);
    assert!(desk.drain().is_empty());
}

#[test]
fn a_topic_that_waits_too_long_is_given_up() {
    let options = BackfillOptions::default().concurrency(1).give_up_after(Duration::from_secs(60));
    let mut desk = Desk::new(options);
    desk.gap(1, &[state("a"), parts("b")]);
    let first = desk.job().unwrap();
    assert_eq!(first.deadline, desk.now + Duration::from_secs(60));
    desk.now += Duration::from_secs(60);
    desk.gap(2, &[parts("c")]);
    desk.answer(&first, vec![]);
    let next = desk.job().unwrap();
    assert_eq!(next.request.topics, [parts("c")]);
    assert_eq!(desk.drain(), ["complete 1 a.presence", "failed 1 b.conversations: Timeout"]);
}

#[test]
fn a_topic_that_may_wait_for_ever_is_not_given_up_at_once() {
    let mut desk = Desk::new(BackfillOptions::default().give_up_after(Duration::MAX));
    desk.gap(1, &[state("a")]);
    let job = desk.job().unwrap();
    assert!(job.deadline > desk.now + Duration::from_secs(86_400 * 365));
}

#[test]
fn nothing_more_is_asked_for_while_answers_pile_up() {
    let mut desk = desk();
    let (a, b) = (parts("a"), state("b"));
    desk.gap(1, std::slice::from_ref(&a));
    let job = desk.job().unwrap();
    desk.answer(&job, (0..8_192).map(|n| part(&a, &n.to_string())).collect());
    desk.gap(2, &[b]);
    assert!(desk.job().is_none());
    assert_eq!(desk.drain().len(), 8_193);
    assert!(desk.job().is_some());
}

#[test]
fn more_live_parts_than_are_told_apart_are_a_failure_and_nothing_old_is_delivered() {
    let mut desk = desk();
    let a = parts("a");
    desk.gap(1, std::slice::from_ref(&a));
    let job = desk.job().unwrap();
    for n in 0..2_000 {
        desk.live(&a, &json!({ "part": n.to_string() }));
    }
    desk.answer(&job, vec![part(&a, "x"), part(&a, "1999")]);
    assert_eq!(desk.drain(), ["failed 1 a.conversations: Capacity"]);
}

#[test]
fn an_answer_for_topics_that_were_not_asked_for_is_ignored() {
    let mut desk = desk();
    desk.gap(1, &[state("a")]);
    let job = desk.job().unwrap();
    desk.answer(&job, vec![item(&state("z"), 1)]);
    desk.answer(&job, vec![item(&state("a"), 1)]);
    assert_eq!(desk.drain(), ["complete 1 a.presence"]);
}

#[test]
fn a_topic_that_a_gap_names_twice_ends_once() {
    let mut desk = desk();
    let twice = ["v2.users.a?presence&presence", "v2.users.A.presence"];
    desk.gap(1, &twice.map(|name| name.parse().unwrap()));
    let job = desk.job().unwrap();
    desk.answer(&job, vec![]);
    assert_eq!(desk.drain(), ["complete 1 a.presence"]);
}
