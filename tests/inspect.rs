//! The example `inspect`, as a process: one line out for each frame in, in order, and in bounded memory.

use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

/// Frames that go through.
const FRAMES: usize = 100_000;

/// Frames that differ in more than their number.
const KINDS: usize = 1_000;

/// What may be resident at most while they do, in KiB.
const RESIDENT: u64 = 64 * 1024;

/// Starts the example, which is built with the tests; `None`, and a line that says so, when it is not there.
fn inspect(arguments: &[&str]) -> Option<Child> {
    let test = std::env::current_exe().expect("the test is a file");
    let target = test.ancestors().nth(2).expect("a test is in target/*/deps");
    let path: PathBuf =
        target.join("examples").join("inspect").with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        println!("SKIPPED: {} is not built; `cargo build --example inspect`", path.display());
        return None;
    }
    let child =
        Command::new(path).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    Some(child.expect("the example starts"))
}

fn input(child: &mut Child) -> BufWriter<ChildStdin> {
    BufWriter::new(child.stdin.take().expect("piped"))
}

/// The lines that come out, and that the example ended well.
fn output(arguments: &[&str], bytes: Vec<u8>) -> Option<Vec<Value>> {
    let mut child = inspect(arguments)?;
    let mut to = input(&mut child);
    let feeder = thread::spawn(move || to.write_all(&bytes).and_then(|()| to.flush()));
    let out = child.wait_with_output().expect("the example ends");
    feeder.join().expect("no panic").expect("all is read");
    assert!(out.status.success(), "{}", out.status);
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    Some(text.lines().map(parse).collect())
}

/// Behind the number of a frame.
const TAIL: &str = "\"}}";

/// The variant of a frame, and its text before its number.
fn kind_of_frame(number: usize) -> (&'static str, String) {
    let id = format!("8f0c{number:04x}-0000-4000-8000-000000000001");
    let time = format!("2026-03-04T09:{:02}:{:02}.120Z", number / 60 % 60, number % 60);
    let (variant, topic, body) = match number % 10 {
        0..=2 => {
            let definition = json!({"id": id, "systemPresence": "ON_QUEUE"});
            let body = json!({"source": "PURECLOUD", "presenceDefinition": definition, "primary": true, "modifiedDate": time});
            ("UsersPresence", format!("v2.users.{id}.presence"), body)
        }
        3 => {
            let status = json!({"status": "INTERACTING", "startTime": time});
            let body = json!({"id": id, "routingStatus": status});
            ("UsersRoutingStatus", format!("v2.users.{id}.routingStatus"), body)
        }
        4..=6 => {
            let call = json!({"id": id, "state": "connected", "direction": "inbound", "held": false, "connectedTime": time});
            let participant = json!({"id": id, "purpose": "agent", "name": "Kim \u{e9}", "calls": [call, call], "attributes": {"note": "n".repeat(80)}});
            let body = json!({"id": id, "participants": vec![participant; 6]});
            ("UsersConversations", format!("v2.users.{id}.conversations"), body)
        }
        7 => {
            let metric = json!({"metric": "oWaiting", "stats": {"count": number}});
            let data = json!([{"interval": format!("{time}/{time}"), "metrics": vec![metric; 4]}]);
            let body = json!({"group": {"queueId": id, "mediaType": "voice"}, "data": data});
            ("AnalyticsQueuesObservations", format!("v2.analytics.queues.{id}.observations"), body)
        }
        8 => {
            let body = json!({"channelId": "streaming-7-k2m1", "message": "closing in 60 seconds"});
            ("System", "v2.system.socket_closing".to_owned(), body)
        }
        _ => {
            let body =
                json!({"eventTime": number, "text": "x".repeat(500), "list": [1, 1.0, null]});
            ("Unrecognized", format!("v2.nobody.knows.{id}.this"), body)
        }
    };
    let head = format!(
        r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{{"CorrelationId":""#
    );
    (variant, head)
}

/// The variant and text of a frame of this kind, with a number of its own.
fn frame(kind: usize, number: usize) -> (&'static str, String) {
    let (variant, head) = kind_of_frame(kind);
    (variant, format!("{head}frame-{number}{TAIL}"))
}

#[test]
fn a_hundred_thousand_frames_go_through_in_order_and_in_bounded_memory() {
    let Some(mut child) = inspect(&["-"]) else { return };
    let mut to = input(&mut child);
    let kinds: Arc<Vec<_>> = Arc::new((0..KINDS).map(kind_of_frame).collect());
    let fed = Arc::clone(&kinds);
    let feeder = thread::spawn(move || {
        let mut bytes = 0;
        for number in 0..FRAMES {
            let (_, head) = &fed[number % KINDS];
            writeln!(to, "{head}frame-{number}{TAIL}").expect("the example reads");
            bytes += head.len();
        }
        to.flush().expect("the example reads");
        // Kept open, so that the process is there to be measured when its last line is out.
        (to, bytes)
    });
    let mut from = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    for number in 0..FRAMES {
        line.clear();
        from.read_line(&mut line).expect("UTF-8");
        let (variant, text) = &kinds[number % KINDS];
        let head = format!(r#"{{"variant":"{variant}","topic":""#);
        let id = format!(r#""CorrelationId":"frame-{number}""#);
        assert!(line.starts_with(&head) && line.contains(&id), "{number}: {line}");
        if number % 101 == 0 {
            let shown: Value = serde_json::from_str(&line).expect("JSON");
            let text = format!("{text}frame-{number}{TAIL}");
            let expected: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(shown["topic"], expected["topicName"]);
            assert_eq!(shown["frame"], expected);
        }
    }
    let (to, bytes) = feeder.join().expect("no panic");
    assert!(bytes > 100_000_000, "{bytes} bytes are too few to tell");
    if let Some(resident) = peak_resident(child.id()) {
        println!("{FRAMES} frames, {bytes} bytes, {resident} KiB resident at most");
        assert!(resident < RESIDENT, "{resident} KiB");
    }
    drop(to);
    let mut rest = String::new();
    from.read_to_string(&mut rest).expect("UTF-8");
    assert_eq!(rest, "");
    assert!(child.wait().expect("the example ends").success());
}

/// The largest resident size that a process has had, in KiB; only Linux tells.
fn peak_resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// A presence and a conversation among what is no frame.
fn mixed() -> Vec<u8> {
    let mut bytes = frame(0, 0).1.into_bytes();
    bytes.extend(b"\n\n \t\r\n{\"result\":\"200\"}\r\nnonsense\n\xff\xfe\n");
    bytes.extend(br#"{"topicName":"v2.users.1.presence","eventBody":{"primary":7}}"#);
    bytes.push(b'\n');
    bytes.extend(vec![b'['; 8 * 1024 * 1024 + 1]);
    bytes.push(b'\n');
    bytes.extend(vec![b' '; 8 * 1024 * 1024]);
    bytes.push(b'\n');
    // The last line needs no line break.
    bytes.extend(frame(4, 4).1.bytes());
    bytes
}

#[test]
fn bad_lines_are_errors_in_their_place_and_blank_ones_are_nothing() {
    let Some(lines) = output(&[], mixed()) else { return };
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["variant"].as_str().or(line["error"].as_str()).expect("either"))
        .collect();
    let [first, reply, nonsense, bytes, misfit, long, last] = *kinds.as_slice() else {
        panic!("{kinds:#?}");
    };
    assert_eq!((first, last), ("UsersPresence", "UsersConversations"));
    assert!(reply.contains("no topicName"), "{reply}");
    assert!(nonsense.contains("not a notification"), "{nonsense}");
    assert!(bytes.contains("not UTF-8"), "{bytes}");
    assert!(misfit.contains("malformed at primary"), "{misfit}");
    assert!(long.contains("exceeds 8388608 bytes"), "{long}");
}

#[test]
fn a_summary_is_one_object_of_counts() {
    let Some(lines) = output(&["--summary", "-"], mixed()) else { return };
    let expected = json!({
        "frames": 7, "errors": 5, "variants": {"UsersPresence": 1, "UsersConversations": 1}
    });
    assert_eq!(lines, [expected]);
    let Some(lines) = output(&["--summary"], Vec::new()) else { return };
    assert_eq!(lines, [json!({"frames": 0, "errors": 0, "variants": {}})]);
}

#[test]
fn a_file_is_read_and_a_missing_one_is_a_failure() {
    let file = std::env::temp_dir().join(format!("inspect-{}.ndjson", std::process::id()));
    fs::write(&file, mixed()).expect("a file can be written");
    let lines = output(&[file.to_str().expect("UTF-8")], Vec::new());
    fs::remove_file(&file).expect("it was there");
    let Some(lines) = lines else { return };
    assert_eq!(lines.len(), 7);
    let mut child = inspect(&[file.to_str().expect("UTF-8")]).expect("it was there");
    assert!(!child.wait().expect("the example ends").success());
}

#[test]
fn it_ends_quietly_when_nobody_reads_on() {
    let Some(mut child) = inspect(&[]) else { return };
    let mut to = input(&mut child);
    drop(child.stdout.take());
    // Written until the example has gone, and refused then.
    while writeln!(to, "{}", frame(0, 0).1).is_ok() {}
    assert!(child.wait().expect("the example ends").success());
}
