//! A set of topics, by name or by template.

use std::collections::HashSet;
use std::fmt;

use crate::core::limits::TOPIC_LENGTH;
use crate::events::template::Tree;
use crate::events::topic::Topic;

/// A set of topics: single ones, combined ones, and templates such as `v2.users.{id}.presence`, in which `{id}` stands
/// for any one segment.
///
/// Case does not matter, as it does not to the platform. Looking a topic up takes no allocation and no longer when the
/// set is large.
///
/// ```
/// use genesys_cloud::TopicSet;
///
/// let set = TopicSet::new().with("v2.users.{id}.presence").with("v2.users.8f0c?station&geolocation");
/// assert!(set.contains("v2.users.77aa.presence"));
/// assert!(set.contains("v2.users.8f0c.station"));
/// assert!(!set.contains("v2.users.77aa.station"));
/// ```
///
/// As a filter of a stream, asked before a body is looked at:
///
/// ```no_run
/// # async fn start(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use genesys_cloud::TopicSet;
///
/// let wanted = TopicSet::new().with("v2.users.{id}.presence");
/// let events = client
///     .stream()
///     .subscribe("v2.users.8f0c?presence&routingStatus")
///     .filter(wanted.into_filter())
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct TopicSet {
    /// In lower case.
    names: HashSet<Box<str>>,
    templates: Tree,
    count: usize,
}

impl TopicSet {
    /// A set that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another topic: a name, a template or a [`Topic`]. A combined topic stands for its single ones.
    #[must_use]
    pub fn with(mut self, topic: impl AsRef<str>) -> Self {
        self.insert(topic);
        self
    }

    /// Adds a topic, as [`with`](Self::with) does.
    pub fn insert(&mut self, topic: impl AsRef<str>) {
        let combined: Topic = Topic::unchecked(topic.as_ref());
        for topic in combined.members() {
            let name = topic.name().to_ascii_lowercase();
            if name.contains("{id}") {
                self.count += usize::from(self.templates.insert(&name, None));
            } else {
                self.names.insert(name.into());
            }
        }
    }

    /// Whether the topic is in the set, or fits a template that is.
    pub fn contains(&self, topic: &str) -> bool {
        let mut lower = [0; TOPIC_LENGTH];
        let known = match lower.get_mut(..topic.len()) {
            Some(lower) => {
                lower.copy_from_slice(topic.as_bytes());
                lower.make_ascii_lowercase();
                std::str::from_utf8(lower).is_ok_and(|name| self.names.contains(name))
            }
            None => self.names.contains(topic.to_ascii_lowercase().as_str()),
        };
        known || self.templates.find(topic).is_some()
    }

    /// How many names and templates there are.
    pub fn len(&self) -> usize {
        self.names.len() + self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set as a filter, for [`StreamBuilder::filter`](crate::StreamBuilder::filter).
    pub fn into_filter(self) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        move |topic| self.contains(topic)
    }
}

impl<T: AsRef<str>> FromIterator<T> for TopicSet {
    fn from_iter<I: IntoIterator<Item = T>>(topics: I) -> Self {
        let mut set = Self::new();
        set.extend(topics);
        set
    }
}

impl<T: AsRef<str>> Extend<T> for TopicSet {
    fn extend<I: IntoIterator<Item = T>>(&mut self, topics: I) {
        topics.into_iter().for_each(|topic| self.insert(topic));
    }
}

impl fmt::Debug for TopicSet {
    /// Shows how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_templates_and_combined_topics_are_found_in_any_case() {
        let set: TopicSet = ["v2.users.{id}.presence", "v2.routing.queues.Q1?users&conversations"]
            .into_iter()
            .collect();
        assert_eq!(set.len(), 3);
        for name in ["v2.users.a.presence", "V2.Users.A.Presence", "v2.routing.queues.q1.USERS"] {
            assert!(set.contains(name), "{name}");
        }
        for name in
            ["", "v2.users..presence", "v2.users.a.presence.b", "v2.routing.queues.q2.users"]
        {
            assert!(!set.contains(name), "{name}");
        }
        assert!(!TopicSet::new().contains("") && TopicSet::new().is_empty());
    }

    #[test]
    fn a_template_that_the_platform_does_not_have_counts_too() {
        let set = TopicSet::new().with("v2.new.{id}.thing.{id}").with("v2.new.{id}.thing.{id}");
        assert_eq!(set.len(), 1);
        assert!(set.contains("v2.new.1.thing.2") && !set.contains("v2.new.1.thing"));
    }

    #[test]
    fn a_name_longer_than_any_topic_is_compared_all_the_same() {
        let long = format!("v2.{}.é", "x".repeat(TOPIC_LENGTH));
        let set = TopicSet::new().with(&long);
        assert!(set.contains(&long) && !set.contains(&long[..long.len() - 2]));
    }
}
