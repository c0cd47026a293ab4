//! How conversations ended: the conversation details query of analytics, as far as drops need it.

use std::collections::HashSet;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::limits;
use crate::error::{Error, Result};
use crate::rest::api::Api;
use crate::rest::app_foundry::iso;
use crate::rest::disconnect_kind::DisconnectKind;
use crate::rest::operation::CallOptions;
use crate::transport::http::request::Priority;

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

/// Conversations of one page.
const PAGE: usize = limits::DETAILS_PAGE as usize;

/// Conversations that are read at most, when nobody says otherwise.
pub(crate) const MOST_CONVERSATIONS: usize = 1_000;

/// Ends that are kept at most: a conversation has as many as it has had legs.
const MOST_ENDS: usize = 10_000;

/// Ends that are asked for: those that a fault may be behind.
const SUSPICIOUS: [&str; 4] = ["transportFailure", "error", "timeout", "system"];

/// How conversations ended, from [`Client::conversation_ends`](crate::Client::conversation_ends).
///
/// It is a source for [`Probe::correlate`](crate::probe::Probe::correlate), too.
#[derive(Clone, Debug)]
pub struct ConversationEndsApi {
    api: Api,
}

/// Ends of legs of conversations.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConversationEnds {
    /// The ends, the earliest first.
    pub ends: Vec<ConversationEnd>,
    /// Whether there may be more than were read: 1,000 conversations, or 10,000 ends.
    pub truncated: bool,
}

/// The end of one leg of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConversationEnd {
    /// When.
    #[serde(serialize_with = "time")]
    pub at: SystemTime,
    /// The conversation.
    pub conversation_id: Box<str>,
    /// Whose leg it is, such as `agent` or `customer`.
    pub purpose: Option<Box<str>>,
    /// The user, when it is a user's leg.
    pub user_id: Option<Box<str>>,
    /// The queue of the last part of the leg that has one.
    pub queue_id: Option<Box<str>>,
    /// The edge that handled the leg.
    pub edge_id: Option<Box<str>>,
    /// The medium, such as `voice`.
    pub media_type: Option<Box<str>>,
    /// How it ended; `None` when the platform has only an error.
    pub disconnect: Option<DisconnectKind>,
    /// The platform's code of the error.
    pub error_code: Option<Box<str>>,
    /// The error in words.
    pub error_description: Option<Box<str>>,
    /// SIP codes.
    pub sip_codes: Vec<u16>,
    /// Q.850 codes.
    pub q850_codes: Vec<u16>,
    /// How the audio was, when there was any.
    pub media: Option<MediaQuality>,
}

/// The worst of the endpoints of one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MediaQuality {
    /// The least mean opinion score, 1 to 5.
    pub min_mos: Option<f64>,
    /// The largest latency, in milliseconds.
    pub max_latency_ms: Option<u64>,
    /// Packets that came in, those that were discarded included.
    pub received_packets: u64,
    /// Packets that were discarded.
    pub discarded_packets: u64,
}

impl MediaQuality {
    /// The share of the packets that was discarded; `None` without packets. Analytics have no other figure of loss.
    #[expect(clippy::cast_precision_loss, reason = "counts of packets are far below 2^52")]
    pub fn discarded(&self) -> Option<f64> {
        let (lost, all) = (self.discarded_packets as f64, self.received_packets as f64);
        (all > 0.0).then(|| lost / all)
    }
}

fn time<S: serde::Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    let text = iso(*time).map_err(serde::ser::Error::custom)?;
    to.serialize_str(&text)
}

/// A page; without conversations the member is absent.
#[derive(Deserialize)]
struct Page {
    conversations: Option<Vec<Conversation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    conversation_id: Option<Box<str>>,
    participants: Option<Vec<Participant>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    purpose: Option<Box<str>>,
    user_id: Option<Box<str>>,
    sessions: Option<Vec<Session>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    media_type: Option<Box<str>>,
    edge_id: Option<Box<str>>,
    error_code_description: Option<Box<str>>,
    media_endpoint_stats: Option<Vec<Stats>>,
    segments: Option<Vec<Segment>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the platform's.
struct Segment {
    segment_end: Option<Box<str>>,
    queue_id: Option<Box<str>>,
    disconnect_type: Option<Box<str>>,
    error_code: Option<Box<str>>,
    sip_response_codes: Option<Vec<u16>>,
    q850_response_codes: Option<Vec<u16>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    min_mos: Option<f64>,
    max_latency_ms: Option<u64>,
    received_packets: Option<u64>,
    discarded_packets: Option<u64>,
}

impl ConversationEndsApi {
    pub(crate) fn new(api: Api) -> Self {
        Self { api }
    }

    /// The ends between two times, of conversations of which a leg ended by a transport failure, an error, a timeout or
    /// the platform itself. Other legs of the same conversations are among them.
    ///
    /// At most 10 pages of 100 conversations are asked for, the latest first. What happened is there some seconds to
    /// minutes later. It takes the permission `analytics:conversationDetail:view`.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for an interval that ends before it starts,
    /// [`Status(400)`](crate::ErrorKind::Status) for one that is longer than the platform takes, and as every call:
    /// [`Auth`](crate::ErrorKind::Auth), [`Forbidden`](crate::ErrorKind::Forbidden),
    /// [`Throttled`](crate::ErrorKind::Throttled), [`Transport`](crate::ErrorKind::Transport),
    /// [`Timeout`](crate::ErrorKind::Timeout), [`Decode`](crate::ErrorKind::Decode), or the status.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn between(&self, start: SystemTime, end: SystemTime) -> Result<ConversationEnds> {
        let search = Search { start, end, conversations: MOST_CONVERSATIONS, filters: &[] };
        search.run(&self.api, CallOptions::default().priority(Priority::Backfill), |_| true).await
    }
}

/// What is looked for: ends between two times, both included.
pub(crate) struct Search<'a> {
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    /// Conversations that are read at most, in whole pages.
    pub(crate) conversations: usize,
    /// Filters of segments that must hold too.
    pub(crate) filters: &'a [Value],
}

impl Search<'_> {
    /// Reads the pages, and keeps the ends that `keep` wants.
    pub(crate) async fn run(
        &self,
        api: &Api,
        options: CallOptions,
        keep: impl Fn(&ConversationEnd) -> bool,
    ) -> Result<ConversationEnds> {
        if self.end < self.start {
            return Err(Error::config("the interval ends before it starts"));
        }
        let interval = format!("{}/{}", iso(self.start)?, iso(self.end)?);
        let (mut found, mut known) = (ConversationEnds::default(), HashSet::new());
        let pages = self.conversations.div_ceil(PAGE);
        for number in 1..=pages {
            // A query by POST: asking twice does no harm.
            let query = self.query(&interval, number);
            let mut call = api.post(QUERY).json(&query).retry_unsafe().priority(options.priority);
            if let Some(deadline) = options.deadline {
                call = call.deadline(deadline);
            }
            let page: Page = call.fetch().await?;
            let conversations = page.conversations.unwrap_or_default();
            let full = conversations.len() >= PAGE;
            for conversation in conversations {
                // Pages shift while data comes in.
                let Some(id) = conversation.conversation_id.clone() else { continue };
                if !known.insert(id.clone()) {
                    continue;
                }
                // The query is by day; the interval is ours to hold.
                let ends = conversation.ends(&id);
                let ends =
                    ends.filter(|one| (self.start..=self.end).contains(&one.at) && keep(one));
                let room = MOST_ENDS.saturating_sub(found.ends.len());
                let before = found.ends.len();
                found.ends.extend(ends.take(room.saturating_add(1)));
                if found.ends.len() - before > room {
                    found.ends.truncate(MOST_ENDS);
                    found.truncated = true;
                }
            }
            if !full || found.truncated {
                break;
            }
            found.truncated = number == pages;
        }
        found.ends.sort_by_key(|one| one.at);
        Ok(found)
    }

    fn query(&self, interval: &str, page: usize) -> Value {
        let mut predicates: Vec<Value> = SUSPICIOUS
            .iter()
            .map(|kind| {
                json!({ "type": "dimension", "dimension": "disconnectType", "operator": "matches", "value": kind })
            })
            .collect();
        predicates
            .push(json!({ "type": "dimension", "dimension": "errorCode", "operator": "exists" }));
        let mut filters = vec![json!({ "type": "or", "predicates": predicates })];
        filters.extend_from_slice(self.filters);
        json!({
            "interval": interval,
            "order": "desc",
            "orderBy": "segmentEnd",
            "paging": { "pageSize": PAGE, "pageNumber": page },
            "segmentFilters": filters,
        })
    }
}

impl ConversationEnd {
    /// Whether a fault may be behind it: a transport failure, an error, a timeout, the platform itself, or any end with
    /// an error code.
    pub fn is_abnormal(&self) -> bool {
        self.error_code.is_some() || self.disconnect.as_ref().is_some_and(DisconnectKind::is_fault)
    }
}

impl Conversation {
    /// The end of each leg that has ended.
    fn ends(self, id: &str) -> impl Iterator<Item = ConversationEnd> {
        let participants = self.participants.unwrap_or_default().into_iter();
        participants.flat_map(move |participant| {
            let Participant { purpose, user_id, sessions } = participant;
            let sessions = sessions.unwrap_or_default().into_iter();
            sessions.filter_map(move |session| {
                let end = session.end(id)?;
                Some(ConversationEnd { purpose: purpose.clone(), user_id: user_id.clone(), ..end })
            })
        })
    }
}

impl Session {
    /// The latest of its segments that says how it ended.
    fn end(self, id: &str) -> Option<ConversationEnd> {
        let segments = self.segments.unwrap_or_default();
        let queue_id = segments.iter().rev().find_map(|one| one.queue_id.clone());
        let ended = segments
            .into_iter()
            .filter(|one| one.disconnect_type.is_some() || one.error_code.is_some())
            .filter_map(|one| Some((moment(one.segment_end.as_deref()?)?, one)));
        let (at, last) = ended.max_by_key(|(at, _)| *at)?;
        Some(ConversationEnd {
            at,
            conversation_id: id.into(),
            purpose: None,
            user_id: None,
            queue_id,
            edge_id: self.edge_id,
            media_type: self.media_type,
            disconnect: last.disconnect_type.as_deref().map(DisconnectKind::from),
            error_code: last.error_code,
            error_description: self.error_code_description,
            sip_codes: last.sip_response_codes.unwrap_or_default(),
            q850_codes: last.q850_response_codes.unwrap_or_default(),
            media: self.media_endpoint_stats.and_then(|stats| worst(&stats)),
        })
    }
}

fn moment(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}

fn worst(stats: &[Stats]) -> Option<MediaQuality> {
    let sum =
        |of: fn(&Stats) -> Option<u64>| stats.iter().filter_map(of).fold(0, u64::saturating_add);
    (!stats.is_empty()).then(|| MediaQuality {
        min_mos: stats.iter().filter_map(|one| one.min_mos).min_by(f64::total_cmp),
        max_latency_ms: stats.iter().filter_map(|one| one.max_latency_ms).max(),
        received_packets: sum(|one| one.received_packets),
        discarded_packets: sum(|one| one.discarded_packets),
    })
}
