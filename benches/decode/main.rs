//! What it costs to decode one frame.
//!
//! ```text
//! cargo bench --bench decode --features all-topics
//! cargo bench --bench decode -- --quick
//! ```
//!
//! Ours is a whole frame, with every field and nothing lost. It is held against `serde_json` reading the same text in
//! the same run: the ratios mean something on any machine, the figures only on the one that they come from. With
//! `--features all-topics` all ten topics have a type; without, four are `Unrecognized`.

mod frames;
mod plain;
mod readers;
mod three;
mod watch;

use std::hint::black_box;

use genesys_cloud::Frame;

use frames::FRAMES;
use watch::Watch;

fn main() {
    let watch = if std::env::args().any(|argument| argument == "--quick") {
        Watch::quick()
    } else {
        Watch::thorough()
    };
    topics(&watch);
    println!();
    sizes(&watch);
}

/// Ten topics: ours against a tree, a struct of three fields, and structs of all fields that are there, read at once and
/// in two passes.
fn topics(watch: &Watch) {
    println!("one frame decoded; above 1 is faster than the other reader");
    println!(
        "{:<24}{:<28}{:>7}{:>10}{:>9}{:>14}{:>10}{:>12}",
        "topic", "variant", "bytes", "ours, ns", "a tree", "three fields", "one pass", "two passes"
    );
    for frame in FRAMES {
        let text = frame.text();
        let variant = Frame::decode(&text).expect("a valid frame").event.variant();
        let ours = || readers::ours(black_box(&text));
        let tree = || drop(black_box(readers::tree(black_box(&text))));
        let one = || (frame.one_pass)(black_box(&text));
        let three = || (frame.three)(black_box(&text));
        let two = || (frame.two_passes)(black_box(&text));
        let [ours, tree, three, one, two] = watch.compare([&ours, &tree, &three, &one, &two]);
        println!(
            "{:<24}{variant:<28}{:>7}{ours:>10.0}{:>9.2}{:>14.2}{:>10.2}{:>12.2}",
            frame.name,
            text.len(),
            tree / ours,
            three / ours,
            one / ours,
            two / ours,
        );
    }
}

/// Frames that nobody asked for: the time must not grow with the body, or no faster than a walk over it.
fn sizes(watch: &Watch) {
    println!("bodies that are not decoded, in ns");
    println!("{:<44}{:>10}{:>10}{:>10}", "", "1 KB", "100 KB", "growth");
    let unknown = "v2.nobody.knows.8f0c.this";
    let frames = [1, 100].map(|size| frames::conversation_of(unknown, size * 1000));
    let typed = [1, 100].map(|size| frames::conversation_of(frames::CONVERSATIONS, size * 1000));
    let row = |name: &str, [small, large]: [f64; 2]| {
        println!("{name:<44}{small:>10.0}{large:>10.0}{:>10.1}", large / small);
        large
    };
    let compare = |texts: &[String; 2], read: &dyn Fn(&str)| {
        let [small, large] = texts;
        watch.compare([&|| read(black_box(small)), &|| read(black_box(large))])
    };
    row("filtered out: Frame::peek_topic", compare(&typed, &readers::peek));
    let unrecognized = row("Unrecognized: Frame::decode", compare(&frames, &readers::ours));
    let walk = row("a walk to its end, and one copy", compare(&frames, &readers::walk));
    let ours = row("typed: Frame::decode", compare(&typed, &readers::ours));
    let tree = row("a tree", compare(&frames, &|text| drop(black_box(readers::tree(text)))));
    println!(
        "Unrecognized, 100 KB: {:.2} of the walk, {:.2} of typed, {:.2} of the tree",
        unrecognized / walk,
        unrecognized / ours,
        unrecognized / tree
    );
}
