//! The name of a topic: what is subscribed, and what every event carries.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use crate::core::limits::TOPIC_LENGTH;
use crate::error::{Error, Result};
use crate::events::template;

/// What the names of the topics of sockets without a channel begin with.
const OF_SOCKETS: &str = "socket.";

/// A notification topic, such as `v2.users.8f0c….presence`.
///
/// `B` is the type of the topic's event bodies; `()` when it is not known. The functions of
/// [`topics`](crate::topics) make typed ones. A combined topic, `v2.users.8f0c…?presence&routingStatus`, stands for
/// several that differ in their end; its events arrive under the single names.
///
/// Names that begin with `socket.` are this crate's own, for what sockets without a channel send, such as
/// `socket.presence.8f0c…`. The platform knows nothing of them.
///
/// ```
/// use genesys_cloud::Topic;
///
/// let topic: Topic = "v2.users.8f0c?presence&routingStatus".parse()?;
/// let names: Vec<_> = topic.members().iter().map(Topic::to_string).collect();
/// assert_eq!(names, ["v2.users.8f0c.presence", "v2.users.8f0c.routingStatus"]);
/// assert_eq!(topic.id(), "8f0c");
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
pub struct Topic<B = ()> {
    name: Arc<str>,
    body: PhantomData<fn() -> B>,
}

impl<B> Topic<B> {
    /// A topic with a name that nobody has checked: one from the network, or one to be checked when it is subscribed.
    pub(crate) fn unchecked(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), body: PhantomData }
    }

    /// The topic as it is written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first id in the topic: the user, queue or conversation that it is about; empty when it has none.
    /// Of a socket's topic it is the last segment.
    pub fn id(&self) -> &str {
        self.ids().into_iter().next().unwrap_or_default()
    }

    /// Every id in the topic, in order.
    ///
    /// The platform's list of topics says which segments are ids; in a topic that is not in that list, it is every
    /// segment after the first with a digit in it. Of a socket's topic it is the last segment.
    pub fn ids(&self) -> Vec<&str> {
        if self.is_of_socket() {
            return self.name.rsplit('.').take(1).collect();
        }
        let segments = self.name.split(['.', '?', '&']);
        let found = match self.name.split_once('?') {
            None => template::find(&self.name),
            Some((prefix, ends)) => {
                let end = ends.split('&').next().unwrap_or_default();
                template::find(&format!("{prefix}.{end}"))
            }
        };
        let is_id = |index: usize, segment: &str| match &found {
            Some(found) => found.is_id(index),
            None => index > 0 && segment.bytes().any(|byte| byte.is_ascii_digit()),
        };
        segments
            .enumerate()
            .filter(|(index, segment)| is_id(*index, segment))
            .map(|(_, segment)| segment)
            .collect()
    }

    /// Whether this is one of the crate's own names, for what a socket without a channel sends.
    pub fn is_of_socket(&self) -> bool {
        self.name.starts_with(OF_SOCKETS)
    }

    /// Whether this stands for several topics that differ in their end.
    pub fn is_combined(&self) -> bool {
        self.name.contains('?')
    }

    /// The single topics under whose names events arrive: of a combined topic its parts, of any other itself.
    pub fn members(&self) -> Vec<Topic> {
        match self.name.split_once('?') {
            None => vec![self.untyped()],
            Some((prefix, ends)) => {
                ends.split('&').map(|end| Topic::unchecked(format!("{prefix}.{end}"))).collect()
            }
        }
    }

    /// The part that topics must share to be combined, and the rest: everything up to the last dot, and the end behind
    /// it. `None` for what is better sent alone: topics that the platform's list does not have, that end in an id, or
    /// that need no subscription.
    pub(crate) fn stem(&self) -> Option<(&str, &str)> {
        let (stem, end) = self.name.rsplit_once('.')?;
        let found = template::find(&self.name)?;
        let last = self.name.bytes().filter(|byte| *byte == b'.').count();
        let own = ["v2.system.", "v2.subscription."].iter().any(|own| self.name.starts_with(own));
        let fits = self.name.starts_with("v2.") && !own && !self.is_combined();
        (fits && !found.is_id(last)).then_some((stem, end))
    }

    /// The same topic without its body type.
    pub fn untyped(&self) -> Topic {
        Topic::unchecked(Arc::clone(&self.name))
    }

    /// Fails on a name that the platform would refuse.
    pub(crate) fn check(&self) -> Result<()> {
        check(&self.name)
    }
}

impl Topic {
    /// The topic of items that have none, such as a lifecycle item or a frame that is not JSON: its name is empty.
    pub fn none() -> Self {
        Self::unchecked(Arc::<str>::default())
    }

    /// Whether this is [`none`](Self::none).
    pub fn is_none(&self) -> bool {
        self.name.is_empty()
    }
}

fn check(name: &str) -> Result<()> {
    let shown: String = name.chars().take(64).collect();
    let fail = |what: &str| Err(Error::config(format!("topic {shown:?} {what}")));
    if name.is_empty() {
        return Err(Error::config(
            "topic is empty; write one such as v2.users.{id}.presence with the user's id",
        ));
    }
    if !name.is_ascii() {
        return fail("has a character outside ASCII; copy the id from the platform");
    }
    if name.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return fail("has a space, line break or control character; remove it");
    }
    if name.len() > TOPIC_LENGTH {
        return fail(&format!(
            "has {} characters, and the platform takes {TOPIC_LENGTH}; split a combined topic",
            name.len()
        ));
    }
    if name.contains(['{', '}']) {
        return fail("has a placeholder in braces; put the id there");
    }
    if !["v2.", "channel.", OF_SOCKETS].iter().any(|start| name.starts_with(start)) {
        return fail("must begin with `v2.`, `channel.` or `socket.`");
    }
    if name.starts_with(OF_SOCKETS) && name.contains(['?', '&']) {
        return fail("has `?` or `&`; topics of sockets cannot be combined: subscribe each");
    }
    let (prefix, ends) = match name.split_once('?') {
        None => (name, None),
        Some((prefix, ends)) => (prefix, Some(ends)),
    };
    if prefix.split('.').any(str::is_empty) {
        return fail("has an empty segment; is an id missing between two dots?");
    }
    if prefix.contains('&') {
        return fail("has `&` without `?` before it; write prefix?end&end");
    }
    if let Some(ends) = ends {
        if ends.contains('?') {
            return fail("has more than one `?`; join the ends with `&`");
        }
        if ends.split(['&', '.']).any(str::is_empty) {
            return fail("has an empty end; write prefix?end&end");
        }
    }
    Ok(())
}

impl FromStr for Topic {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        check(name)?;
        Ok(Self::unchecked(name))
    }
}

impl TryFrom<&str> for Topic {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self> {
        name.parse()
    }
}

/// What can be subscribed: a [`Topic`], or its name.
pub trait IntoTopic {
    /// The topic, checked.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) that says what to change, when the platform would refuse the name.
    fn into_topic(self) -> Result<Topic>;
}

impl IntoTopic for &str {
    fn into_topic(self) -> Result<Topic> {
        self.parse()
    }
}

impl IntoTopic for String {
    fn into_topic(self) -> Result<Topic> {
        self.parse()
    }
}

impl IntoTopic for &String {
    fn into_topic(self) -> Result<Topic> {
        self.parse()
    }
}

impl<B> IntoTopic for Topic<B> {
    fn into_topic(self) -> Result<Topic> {
        (&self).into_topic()
    }
}

impl<B> IntoTopic for &Topic<B> {
    fn into_topic(self) -> Result<Topic> {
        self.check()?;
        Ok(self.untyped())
    }
}

impl<B> Clone for Topic<B> {
    fn clone(&self) -> Self {
        Self::unchecked(Arc::clone(&self.name))
    }
}

impl<B> fmt::Display for Topic<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<B> fmt::Debug for Topic<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({})", self.name.escape_debug())
    }
}

impl<A, B> PartialEq<Topic<B>> for Topic<A> {
    fn eq(&self, other: &Topic<B>) -> bool {
        self.name == other.name
    }
}

impl<B> Eq for Topic<B> {}

impl<B> PartialOrd for Topic<B> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<B> Ord for Topic<B> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl<B> Hash for Topic<B> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<B> Borrow<str> for Topic<B> {
    fn borrow(&self) -> &str {
        &self.name
    }
}

impl<B> AsRef<str> for Topic<B> {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_bad_topic_is_refused_and_the_error_says_what_to_do() {
        let long = format!("v2.users.{}.presence", "x".repeat(TOPIC_LENGTH));
        let table: &[(&str, &str)] = &[
            ("", "empty"),
            ("v2.users. 1.presence", "space"),
            ("v2.users.1.presence\n", "line break"),
            ("v2.users.1\u{7}.presence", "control"),
            ("v2.users.é.presence", "ASCII"),
            (&long, "the platform takes 200"),
            ("v2.users.{id}.presence", "placeholder"),
            ("v2.users..presence", "empty segment"),
            ("v2.", "empty segment"),
            ("users.1.presence", "must begin with"),
            ("v2.users.1?", "empty end"),
            ("v2.users.1?presence&", "empty end"),
            ("v2.users.1?a&&b", "empty end"),
            ("v2.users.1?a?b", "more than one"),
            ("v2.users.1&presence", "without `?`"),
            ("v2.users.1&2?presence", "without `?`"),
            ("v2.users.?presence", "empty segment"),
            ("socket.", "empty segment"),
            ("socket.presence.u1?a", "cannot be combined"),
        ];
        for (name, clause) in table {
            let error = name.into_topic().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{name:?}");
            assert!(error.to_string().contains(clause), "{name:?}: {error}");
        }
    }

    #[test]
    fn ids_are_found_where_the_list_of_topics_has_them() {
        let ids = |name: &str| -> Vec<String> {
            let topic: Topic = name.parse().unwrap();
            topic.ids().into_iter().map(str::to_owned).collect()
        };
        assert_eq!(ids("v2.users.alice.presence"), ["alice"]);
        assert_eq!(ids("v2.USERS.alice.Presence"), ["alice"]);
        assert_eq!(ids("v2.users.alice?presence&station"), ["alice"]);
        assert_eq!(ids("v2.audits.entitytype.queue.entityid.abc"), ["queue", "abc"]);
        assert_eq!(ids("v2.system.socket_closing"), [""; 0]);
        assert_eq!(ids("v2.nobody.knows.8f0c.this"), ["8f0c"]);
        assert_eq!(ids("channel.metadata"), [""; 0]);
        assert_eq!(ids("socket.presence.Alice"), ["Alice"]);
        assert_eq!(ids("socket.routing.interactions"), ["interactions"]);
        assert_eq!(Topic::none().id(), "");
    }

    #[test]
    fn members_of_a_combined_topic_are_the_single_topics() {
        let topic: Topic = "v2.users.1?presence&conversations.calls".parse().unwrap();
        assert!(topic.is_combined());
        let names: Vec<_> = topic.members().iter().map(Topic::to_string).collect();
        assert_eq!(names, ["v2.users.1.presence", "v2.users.1.conversations.calls"]);
        for member in topic.members() {
            assert!(!member.is_combined());
            assert_eq!(member.members(), [member.into_topic().unwrap()]);
        }
    }

    #[test]
    fn a_typed_topic_with_a_bad_id_is_reported_when_it_is_subscribed() {
        let topic = crate::events::topics::users::presence("not an id");
        assert!(topic.into_topic().is_err());
        assert!(crate::events::topics::users::presence("").into_topic().is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(name in any::<String>()) {
            if let Ok(topic) = name.parse::<Topic>() {
                let _ = (topic.ids(), topic.members(), format!("{topic:?}"));
            }
            let wild: Topic = Topic::unchecked(name);
            let _ = (wild.ids(), wild.members(), format!("{wild:?}"));
        }

        #[test]
        fn parse_of_format_is_the_same(name in "(v2|channel|socket)(\\.[a-zA-Z0-9_-]{1,12}){1,6}(\\?[a-z.]{1,9}(&[a-zA-Z]{1,9}){0,3})?") {
            if let Ok(topic) = name.parse::<Topic>() {
                prop_assert_eq!(topic.to_string(), &*name);
                prop_assert_eq!(topic.to_string().parse::<Topic>().unwrap(), topic.clone());
                for member in topic.members() {
                    prop_assert!(member.check().is_ok() || member.name().len() > TOPIC_LENGTH);
                }
            } else {
                prop_assert!(name.contains("..") || name.contains("?.") || name.contains(".&") || name.ends_with('.') || name.starts_with("socket."), "{}", name);
            }
        }
    }
}
