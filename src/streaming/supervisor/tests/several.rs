//! What several channels have to do with each other.

use super::bench::Bench;
use crate::core::close::Gone;
use crate::streaming::packing::Bounds;
use crate::streaming::policy::ChannelPolicy;
use crate::streaming::supervisor::{ChannelRules, Input};

#[test]
fn a_topic_that_comes_back_spoils_the_successor_of_its_own_channel_only() {
    let rules = ChannelRules { bounds: Bounds::new(2, 1), ..ChannelRules::default() };
    let mut bench = Bench::of(&["a", "b"], rules);
    bench.step(Input::Renew);
    bench.settle();
    assert!(bench.has_line("c3") && bench.has_line("c4"), "both have a successor");
    bench.unwant("b");
    bench.want("b");
    assert_eq!(bench.unfit(), 1);
}

#[test]
fn a_channel_that_cannot_be_had_during_a_merge_is_waited_for_under_every_policy() {
    for policy in [ChannelPolicy::Wait, ChannelPolicy::Share, ChannelPolicy::Fail] {
        let bounds = Bounds::new(3, 2);
        let rules = ChannelRules { bounds, policy, ..ChannelRules::default() };
        let mut bench = Bench::of(&["a", "b", "c", "d", "e", "f"], rules);
        for name in ["d", "e", "f"] {
            bench.unwant(name);
            bench.settle();
        }
        // c1 goes on with its topic, which the successor of c2 is to take over.
        bench.step(Input::Rebalance);
        bench.others = 20;
        bench.evict("c2");
        bench.later(2);
        bench.settle();
        assert!(!bench.has_stopped(), "{policy:?}");
        bench.others = 0;
        for _ in 0..60 {
            bench.later(1);
            bench.settle();
        }
        let carriers = ["a", "b", "c"].map(|name| bench.carriers(name));
        assert_eq!(carriers, [1, 1, 1], "{policy:?}");
        assert!(bench.is_covered(), "{policy:?}");
    }
}

#[test]
fn a_merge_that_comes_to_nothing_leaves_no_renewal() {
    let rules = ChannelRules { bounds: Bounds::new(2, 2), ..ChannelRules::default() };
    let mut bench = Bench::of(&["a", "b", "c", "d"], rules);
    for name in ["c", "d"] {
        bench.unwant(name);
        bench.settle();
    }
    bench.step(Input::Rebalance);
    // It goes before the successor of the other flows.
    bench.line_gone("c1", Gone::Cut { detail: "x".into() }, false);
    assert_eq!(bench.end(), "c2, 1 gap, 1 disconnected");
}
