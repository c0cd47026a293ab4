//! What several channels have to do with each other.

use super::bench::Bench;
use crate::streaming::packing::Bounds;
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
