//! What a live event supersedes.

use serde_json::{Value, json};

use super::*;

/// Live events in the places of a backfill's life, and whether what is fetched still is news.
struct Case {
    what: &'static str,
    before: Option<Value>,
    since_gap: Option<Value>,
    since_sent: Option<Value>,
    since_answer: Option<Value>,
    fetched: fn(&Topic) -> Backfilled,
    is_news: bool,
}

fn case(what: &'static str, fetched: fn(&Topic) -> Backfilled, is_news: bool) -> Case {
    let (before, since_gap, since_sent, since_answer) = (None, None, None, None);
    Case { what, before, since_gap, since_sent, since_answer, fetched, is_news }
}

#[expect(clippy::unnecessary_wraps, reason = "cases have no body, or this one")]
fn at(seconds: u64) -> Option<Value> {
    Some(json!({ "at": seconds }))
}

#[expect(clippy::unnecessary_wraps, reason = "as above")]
fn of(part: &str) -> Option<Value> {
    Some(json!({ "part": part }))
}

fn undated(topic: &Topic) -> Backfilled {
    Backfilled::of(topic.clone(), &json!({}))
}

fn check(topic: &Topic, cases: Vec<Case>) {
    for Case { what, before, since_gap, since_sent, since_answer, fetched, is_news } in cases {
        let mut desk = Desk::new(BackfillOptions::default());
        if let Some(body) = &before {
            desk.live(topic, body);
        }
        desk.gap(1, std::slice::from_ref(topic));
        if let Some(body) = &since_gap {
            desk.live(topic, body);
        }
        let job = desk.job().unwrap();
        if let Some(body) = &since_sent {
            desk.live(topic, body);
        }
        desk.answer(&job, vec![fetched(topic)]);
        if let Some(body) = &since_answer {
            desk.live(topic, body);
        }
        let out = desk.drain();
        assert_eq!(out.len(), 1 + usize::from(is_news), "{what}: {out:?}");
        assert!(out.last().unwrap().starts_with("complete 1"), "{what}");
        let stats = desk.counters.snapshot();
        assert_eq!(
            (stats.backfilled, stats.backfill_stale),
            (u64::from(is_news), u64::from(!is_news))
        );
    }
}

#[test]
fn states_with_times_are_compared_by_them() {
    let ten = |topic: &Topic| item(topic, 10);
    check(
        &state("a"),
        vec![
            case("alone", ten, true),
            Case { before: at(10), ..case("unchanged since before the gap", ten, true) },
            Case { before: at(11), ..case("older than what came before the gap", ten, false) },
            Case { since_gap: at(9), ..case("an older one since the gap", ten, true) },
            Case { since_gap: at(10), ..case("the same since the gap", ten, false) },
            Case { since_gap: at(11), ..case("a newer one since the gap", ten, false) },
            Case { since_sent: at(9), ..case("an older one since it was sent", ten, true) },
            Case { since_sent: at(10), ..case("the same since it was sent", ten, false) },
            Case { since_answer: at(9), ..case("an older one since the answer", ten, true) },
            Case { since_answer: at(11), ..case("a newer one since the answer", ten, false) },
            Case { since_gap: of("x"), ..case("one without a time before it was sent", ten, true) },
            Case {
                since_sent: of("x"),
                ..case("one without a time since it was sent", ten, false)
            },
            case("without a time", undated, true),
            Case {
                since_gap: at(11),
                ..case("without a time, one before it was sent", undated, true)
            },
            Case {
                since_sent: at(1),
                ..case("without a time, one since it was sent", undated, false)
            },
        ],
    );
}

#[test]
fn parts_are_superseded_by_events_of_the_same_part() {
    let x = |topic: &Topic| part(topic, "x");
    let dated = |topic: &Topic| part(topic, "x").at(Some(wall(10)));
    check(
        &parts("a"),
        vec![
            case("alone", x, true),
            Case { before: of("x"), ..case("before the gap", x, true) },
            Case { since_gap: of("x"), ..case("before it was sent", x, true) },
            Case { since_sent: of("x"), ..case("since it was sent", x, false) },
            Case { since_sent: of("y"), ..case("another part since it was sent", x, true) },
            Case { since_answer: of("x"), ..case("since the answer", x, false) },
            Case { since_answer: of("y"), ..case("another part since the answer", x, true) },
            Case { since_sent: Some(json!({})), ..case("all parts since it was sent", x, false) },
            Case { since_sent: of("x"), ..case("with a time, since it was sent", dated, false) },
            Case { since_sent: of("y"), ..case("with a time, another part", dated, true) },
            Case { since_sent: of("y"), ..case("the whole, any part", undated, false) },
        ],
    );
}

#[test]
fn what_happened_in_the_gap_comes_in_the_order_of_its_times() {
    let mut desk = Desk::new(BackfillOptions::default());
    let a = parts("a");
    desk.gap(1, std::slice::from_ref(&a));
    let job = desk.job().unwrap();
    let timed = |name: &str, at| part(&a, name).at(Some(wall(at)));
    let items = vec![timed("c", 3), part(&a, "none"), timed("a", 1), timed("b", 2)];
    desk.answer(&job, items);
    let order: Vec<_> =
        desk.drain()[..4].iter().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect();
    assert_eq!(order, ["a", "b", "c", "none"]);
}

#[test]
fn a_second_backfill_does_not_go_behind_the_first() {
    let mut desk = Desk::new(BackfillOptions::default());
    let a = state("a");
    for (gap, seconds, lines) in [(1, 20, 2), (2, 19, 1), (3, 20, 2)] {
        desk.gap(gap, std::slice::from_ref(&a));
        let job = desk.job().unwrap();
        desk.answer(&job, vec![item(&a, seconds)]);
        assert_eq!(desk.drain().len(), lines, "{gap}");
    }
}
