//! One bad topic is reported for that topic alone.

use serde_json::{Value, json};

use super::platform::{platform, topics};
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelApi, TopicState};
use crate::transport::loopback::{Reply, Seen};

/// A platform that refuses whole calls with a topic that contains `bad`, naming one of them or none.
fn strict(names_it: bool) -> impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static {
    move |_, seen| {
        if seen.method == "DELETE" {
            return Reply::new(200, &[], "");
        }
        let sent: Vec<Value> = serde_json::from_str(&seen.body).unwrap();
        let bad = sent
            .iter()
            .find(|topic| topic["id"].as_str().unwrap().contains("bad"));
        match bad {
            None => Reply::json(200, &json!({ "entities": sent }).to_string()),
            Some(topic) => {
                let named = if names_it {
                    topic["id"].as_str().unwrap()
                } else {
                    "something"
                };
                let body = json!({"code": "notification.invalid.topic", "status": 400, "message": format!("Invalid topic {named}.")});
                Reply::json(400, &body.to_string())
            }
        }
    }
}

fn many(bad: &[usize]) -> Vec<Box<str>> {
    (0..100)
        .map(|n| {
            if bad.contains(&n) {
                format!("v2.bad.{n}")
            } else {
                format!("v2.good.{n}")
            }
            .into()
        })
        .collect()
}

fn check(asked: &[Box<str>], states: &[TopicState]) {
    assert_eq!(states.len(), asked.len());
    for topic in asked {
        let state = states.iter().find(|state| state.topic == *topic).unwrap();
        assert_eq!(state.rejected.is_some(), topic.contains("bad"), "{topic}");
    }
}

#[tokio::test]
async fn a_named_topic_costs_one_call_and_an_unnamed_one_is_halved_out() {
    for (names_it, most) in [(true, 6), (false, 45)] {
        let (server, notifications) = platform(strict(names_it)).await;
        let asked = many(&[3, 50, 99]);
        let id = ChannelId::new("c");
        check(
            &asked,
            &ChannelApi::add(&notifications, &id, &asked).await.unwrap(),
        );
        assert!(server.count() <= most, "{}", server.count());
        assert!(
            server
                .seen()
                .iter()
                .all(|seen| seen.method == "POST" && seen.target.ends_with("?ignoreErrors=true"))
        );
    }
}

#[tokio::test]
async fn replacing_never_takes_a_good_topic_away_on_the_way() {
    let (server, notifications) = platform(strict(false)).await;
    let asked = many(&[7]);
    let id = ChannelId::new("c");
    check(
        &asked,
        &ChannelApi::replace(&notifications, &id, &asked)
            .await
            .unwrap(),
    );
    let seen = server.seen();
    let puts: Vec<_> = seen.iter().filter(|seen| seen.method == "PUT").collect();
    assert_eq!(puts.len(), 2, "the one that was refused, and the last");
    let last: Vec<Value> = serde_json::from_str(&seen.last().unwrap().body).unwrap();
    assert_eq!(last.len(), 99);
}

#[tokio::test]
async fn when_every_topic_is_bad_the_calls_are_bounded_and_the_subscription_is_empty() {
    let (server, notifications) = platform(strict(false)).await;
    let asked = many(&(0..100).collect::<Vec<_>>());
    let id = ChannelId::new("c");
    check(
        &asked,
        &ChannelApi::replace(&notifications, &id, &asked)
            .await
            .unwrap(),
    );
    assert!(server.count() <= 62, "{}", server.count());
    assert_eq!(server.seen().last().unwrap().method, "DELETE");
}

#[tokio::test]
async fn an_empty_set_is_a_delete_or_nothing() {
    let (server, notifications) = platform(strict(false)).await;
    let id = ChannelId::new("c");
    assert!(
        ChannelApi::add(&notifications, &id, &[])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        ChannelApi::replace(&notifications, &id, &topics(&[]))
            .await
            .unwrap()
            .is_empty()
    );
    let methods: Vec<_> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["DELETE"]);
}
