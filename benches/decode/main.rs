//! What it costs to decode one frame.
//!
//! ```text
//! cargo bench --bench decode
//! cargo bench --bench decode -- --quick
//! ```
//!
//! Ours is a whole frame, with every field and nothing lost. It is held against `serde_json` reading the same text in
//! the same run: the ratios mean something on any machine, the figures only on the one that they come from.

mod frames;
mod readers;
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

/// Ten topics: ours against a tree, a struct of three fields, and the same type in two passes.
fn topics(watch: &Watch) {
    println!("one frame decoded; above 1 is faster than the other reader");
    println!(
        "{:<28}{:<30}{:>7}{:>10}{:>9}{:>14}{:>13}",
        "topic", "variant", "bytes", "ours, ns", "a tree", "three fields", "two passes"
    );
    for frame in FRAMES {
        let text = frame.text();
        let variant = Frame::decode(&text).expect("a valid frame").event.variant();
        let ours = || drop(black_box(Frame::decode(black_box(&text)).expect("a valid frame")));
        let tree = || drop(black_box(readers::tree(black_box(&text))));
        let three = || (frame.three)(black_box(&text));
        let two = || {
            if let Some(two) = frame.two_passes {
                two(black_box(&text));
            }
        };
        let [ours, tree, three, two] = watch.compare([&ours, &tree, &three, &two]);
        let two = match frame.two_passes {
            Some(_) => format!("{:.2}", two / ours),
            None => "-".to_owned(),
        };
        println!(
            "{:<28}{variant:<30}{:>7}{ours:>10.0}{:>9.2}{:>14.2}{two:>13}",
            frame.name,
            text.len(),
            tree / ours,
            three / ours,
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
    let measure = |texts: &[String; 2], read: &dyn Fn(&str)| {
        let [small, large] = texts;
        watch.compare([&|| read(black_box(small)), &|| read(black_box(large))])
    };
    row("filtered out: Frame::peek_topic", measure(&typed, &readers::peek));
    let unrecognized = row("Unrecognized: Frame::decode", measure(&frames, &readers::ours));
    let walk = row("a walk to its end, and one copy", measure(&frames, &readers::walk));
    let ours = row("typed: Frame::decode", measure(&typed, &readers::ours));
    let tree = row("a tree", measure(&frames, &|text| drop(black_box(readers::tree(text)))));
    println!(
        "Unrecognized, 100 KB: {:.2} of the walk, {:.2} of typed, {:.2} of the tree",
        unrecognized / walk,
        unrecognized / ours,
        unrecognized / tree
    );
}
