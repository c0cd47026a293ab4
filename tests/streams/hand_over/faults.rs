//! Checkpoints and calls that do not fit.

use std::time::{Duration, SystemTime};

use genesys_cloud::{Checkpoint, Client, ErrorKind, Event, Gone, Lifecycle};

use super::rig::{Log, Rig, carried, process};
use crate::quiet::{next, until_what};

/// The last checkpoint of a process that flowed.
async fn checkpoint(rig: &Rig) -> Checkpoint {
    let mut stream = rig.builder().start().await.unwrap();
    stream.ready().await.unwrap();
    stream.close().await;
    let (_, mut stream) = process(stream).await.unwrap();
    carried(&stream.checkpoint().await.unwrap())
}

/// The same with some text of its JSON replaced.
fn changed(checkpoint: &Checkpoint, change: impl Fn(&mut serde_json::Value)) -> Checkpoint {
    let mut json: serde_json::Value = serde_json::from_str(&checkpoint.to_json().unwrap()).unwrap();
    change(&mut json);
    Checkpoint::from_json(&json.to_string()).unwrap()
}

fn stamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).unwrap().to_string()
}

#[tokio::test]
async fn calls_at_the_wrong_time_say_what_to_do() {
    let rig = Rig::quiet(1).await;
    let last = checkpoint(&rig).await;
    let mut plain = rig.builder().start().await.unwrap();
    let error = plain.resume(last.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("standby()"), "{error}");
    let error = rig.builder().standby().resume(last.clone()).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let mut standby = rig.builder().standby().start().await.unwrap();
    let error = standby.checkpoint().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    next(&mut standby).await;
    let error = standby.resume(last.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "it was read");
    standby.checkpoint().await.unwrap();
    let mut standby = rig.builder().standby().start().await.unwrap();
    standby.resume(last.clone()).await.unwrap();
    assert_eq!(standby.resume(last).await.unwrap_err().kind(), ErrorKind::Config, "twice");
}

#[tokio::test]
async fn channels_of_the_day_before_are_made_anew_and_the_gap_is_told() {
    let rig = Rig::quiet(2).await;
    let last = checkpoint(&rig).await;
    let day = Duration::from_secs(86_400);
    let old = changed(&last, |json| {
        json["taken_at"] = stamp(last.taken_at() - day).into();
        for group in json["coverage"].as_array_mut().unwrap() {
            group["until"] = stamp(last.taken_at() - day).into();
        }
    });
    let dials = rig.platform.stats().dials;
    let mut new = rig.bare().resume(old).start().await.unwrap();
    let Lifecycle::Gap { duration, cause, topics, .. } = until_what(&mut new, "gap").await else {
        unreachable!()
    };
    assert!(duration >= day && duration < day + Duration::from_secs(60), "{duration:?}");
    assert_eq!((cause, topics.len()), (Gone::Restarted, 2));
    assert_ne!(new.handle().channels().await.unwrap()[0].id, last.channels()[0].id);
    assert_eq!(rig.platform.stats().dials, dials + 1);
}

#[tokio::test]
async fn channels_of_another_organization_or_region_are_passed_over() {
    let (rig, other) = (Rig::quiet(1).await, Rig::quiet(1).await);
    let credentials = rig.platform.add_client();
    let stranger = Client::builder(rig.platform.endpoints()).credentials(credentials).build();
    let elsewhere = checkpoint(&other).await;
    for (name, last, client) in [
        ("other client", checkpoint(&rig).await, stranger.unwrap()),
        (
            "other region",
            changed(&elsewhere, |json| {
                // The topics are those of this one.
                json["wanted"] = serde_json::json!([rig.topics[0]]);
                json["coverage"][0]["topics"] = serde_json::json!([rig.topics[0]]);
            }),
            rig.client(),
        ),
    ] {
        let mut new = client.stream().resume(last.clone()).start().await.unwrap();
        until_what(&mut new, "gap").await;
        let made = new.handle().channels().await.unwrap();
        assert_ne!(made[0].id, last.channels()[0].id, "{name}");
        rig.emit(0);
        Log::default().read(&mut new, 1).await;
    }
    assert_eq!(rig.platform.stats().evictions, 0);
}

#[tokio::test]
async fn a_clock_that_is_an_hour_ahead_hides_no_gap() {
    let rig = Rig::quiet(1).await;
    let last = checkpoint(&rig).await;
    let hour = Duration::from_secs(3_600);
    let ahead = changed(&last, |json| {
        json["taken_at"] = stamp(last.taken_at() + hour).into();
        let until = last.topics().next().unwrap().1.unwrap();
        json["coverage"][0]["until"] = stamp(until + hour).into();
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut new = rig.builder().standby().start().await.unwrap();
    new.ready().await.unwrap();
    // The other ended before this one flowed, whatever its clock says; it was surely not later than now.
    rig.platform.fault(genesys_cloud::sim::Fault::Reset).unwrap();
    let handle = new.handle();
    while handle.stats().gaps == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    new.resume(ahead).await.unwrap();
    // The gap of this one's own was within the margin before now.
    until_what(&mut new, "gap").await;
}

#[tokio::test]
async fn a_gap_of_a_stream_that_stands_by_is_told_only_if_the_other_did_not_cover_it() {
    let rig = Rig::quiet(1).await;
    let mut old = rig.builder().start().await.unwrap();
    old.ready().await.unwrap();
    let mut new = rig.builder().standby().start().await.unwrap();
    new.ready().await.unwrap();
    let channel = new.handle().channels().await.unwrap().remove(0);
    rig.platform.fault_on(channel.id.expose(), genesys_cloud::sim::Fault::Reset).unwrap();
    while new.stats().gaps == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    new.ready().await.unwrap();
    old.close().await;
    let (_, mut old) = process(old).await.unwrap();
    new.resume(carried(&old.checkpoint().await.unwrap())).await.unwrap();
    rig.emit(0);
    let mut log = Log::default();
    log.read(&mut new, 1).await;
    assert!(log.gaps.is_empty(), "{:?}", log.gaps);
}

#[tokio::test]
async fn a_checkpoint_of_a_stream_that_is_closing_does_not_wait_for_its_reader() {
    let mut rig = Rig::loaded(2).await;
    let small = genesys_cloud::Capacity::new(8, 1 << 20);
    let mut stream = rig.builder().capacity(small).start().await.unwrap();
    stream.ready().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let handle = stream.handle();
    let closing = tokio::spawn(async move { handle.close().await });
    for _ in 0..20 {
        let asked = tokio::time::timeout(crate::quiet::PATIENCE, stream.checkpoint());
        asked.await.expect("an answer").unwrap();
        let delivery = next(&mut stream).await;
        if matches!(delivery.event, Event::Lifecycle(Lifecycle::Stopped { .. })) {
            break;
        }
    }
    let (_, mut stream) = process(stream).await.unwrap();
    closing.await.unwrap();
    assert!(stream.checkpoint().await.unwrap().is_final());
    rig.calm().await;
}
