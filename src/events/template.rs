//! Which kind of topic a name is: the platform's list of topics, compiled into a tree of segments.

use std::sync::LazyLock;

use crate::events::event::OWN;
use crate::events::generated::table::{TYPED, TopicKind};
use crate::events::generated::templates::TEMPLATES;

/// Segments that are looked at; no topic of the platform has more than nine.
const DEPTH: usize = 32;

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let mut tree = Tree::default();
    for template in TEMPLATES {
        tree.insert(template, None);
    }
    for (template, kind) in OWN.iter().chain(TYPED) {
        tree.insert(template, Some(*kind));
    }
    tree
});

/// A topic that is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Its kind, when there is a type for its bodies.
    pub(crate) kind: Option<TopicKind>,
    /// The segments that are ids, as bits.
    ids: u32,
}

impl Match {
    /// Whether the segment with this index is an id.
    pub(crate) fn is_id(self, segment: usize) -> bool {
        segment < DEPTH && self.ids & (1 << segment) != 0
    }
}

/// Finds a topic in the list. Fixed segments match in any case, and before an id does.
pub(crate) fn find(name: &str) -> Option<Match> {
    TREE.find(name)
}

/// Templates of topics, as a tree of segments.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Default)]
struct Node {
    fixed: Vec<(Box<str>, usize)>,
    id: Option<usize>,
    /// Whether a topic ends here, and its kind when its bodies have a type.
    ends: bool,
    kind: Option<TopicKind>,
}

impl Tree {
    /// Adds a template, or gives it another kind. Returns whether it is new.
    pub(crate) fn insert(&mut self, template: &str, kind: Option<TopicKind>) -> bool {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for segment in template.split('.') {
            let node = &self.nodes[at];
            let known = if segment == "{id}" {
                node.id
            } else {
                let mut fixed = node.fixed.iter();
                fixed.find(|(known, _)| known.eq_ignore_ascii_case(segment)).map(|(_, next)| *next)
            };
            at = known.unwrap_or_else(|| {
                let new = self.nodes.len();
                self.nodes.push(Node::default());
                match segment {
                    "{id}" => self.nodes[at].id = Some(new),
                    fixed => self.nodes[at].fixed.push((fixed.into(), new)),
                }
                new
            });
        }
        self.nodes[at].kind = kind;
        !std::mem::replace(&mut self.nodes[at].ends, true)
    }

    /// The template that a name fits.
    pub(crate) fn find(&self, name: &str) -> Option<Match> {
        let mut segments = [""; DEPTH];
        let mut count = 0;
        for segment in name.split('.') {
            *segments.get_mut(count)? = segment;
            count += 1;
        }
        self.walk(0, segments.get(..count)?, 0, 0)
    }

    /// Each node is seen at most once, so that no name makes this slow.
    fn walk(&self, at: usize, segments: &[&str], depth: usize, ids: u32) -> Option<Match> {
        let node = self.nodes.get(at)?;
        let Some((segment, rest)) = segments.split_first() else {
            let kind = node.kind;
            return node.ends.then_some(Match { kind, ids });
        };
        let fixed = node
            .fixed
            .iter()
            .find(|(fixed, _)| fixed.eq_ignore_ascii_case(segment))
            .and_then(|(_, next)| self.walk(*next, rest, depth + 1, ids));
        fixed.or_else(|| {
            let next = node.id.filter(|_| !segment.is_empty())?;
            self.walk(next, rest, depth + 1, ids | (1 << depth))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn kind(name: &str) -> Option<TopicKind> {
        find(name)?.kind
    }

    #[test]
    fn every_template_is_found_with_its_ids() {
        let typed: HashMap<_, _> = OWN.iter().chain(TYPED).copied().collect();
        for &template in TEMPLATES.iter().chain(typed.keys()) {
            let kind = typed.get(template).copied();
            let name = template.replace("{id}", "8f0c-1");
            let found = find(&name).unwrap_or_else(|| panic!("{template}"));
            assert_eq!(found.kind, kind, "{template}");
            for (index, segment) in template.split('.').enumerate() {
                assert_eq!(found.is_id(index), segment == "{id}", "{template}");
            }
            assert_eq!(find(&name.to_uppercase()), Some(found), "{template}");
        }
    }

    #[test]
    fn a_fixed_segment_wins_over_an_id_and_gives_way_when_the_rest_does_not_fit() {
        assert_eq!(kind("v2.system.socket_closing"), Some(TopicKind::System));
        let named = find("v2.system.token_revoked.u1").unwrap();
        assert!(!named.is_id(2) && named.is_id(3));
        let generic = find("v2.system.else.u1").unwrap();
        assert!(generic.is_id(2) && generic.is_id(3));
    }

    #[test]
    fn what_is_not_in_the_list_has_no_kind() {
        for name in [
            "",
            ".",
            "v2",
            "v2.users.1.presence.more",
            "v2.users..presence",
            "v2.users.1",
            "v3.users.1.presence",
            &"v2.".repeat(1000),
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
