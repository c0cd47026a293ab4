//! Jobs of analytics: submitted, queued, pending, fulfilled, and at last gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::asked::{Answer, Asked, missing};
use super::details::{INTERVAL_MAX, render};
use super::filter::Filter;
use super::interval::Interval;
use super::listing::{bad_cursor, cursor_of, number, place};
use super::selection::{At, Order, OrderBy, Search, Touch, check};
use super::{aggregates, user_details, user_figures};
use crate::sim::clock::iso;
use crate::sim::response::Reply;

/// Jobs that are kept; of more the oldest are forgotten.
const KEPT: usize = 100;

/// Entries of a page of results when the caller does not say, and at most. The platform publishes neither.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Every job, the oldest first.
#[derive(Default)]
pub(super) struct Jobs {
    of_id: BTreeMap<String, Job>,
    order: std::collections::VecDeque<String>,
}

struct Job {
    /// The path of its submission: its results are found below that only.
    path: String,
    task: Task,
    /// By the wall clock, in milliseconds, and by the runtime's.
    submitted: i64,
    at: Instant,
    fails: bool,
    cancelled: bool,
    /// What details have found, from the first page on.
    found: Option<Arc<Vec<At>>>,
}

#[derive(Clone)]
enum Task {
    Details(Arc<Details>),
    UserDetails(Arc<user_details::Query>),
    Conversations(Arc<aggregates::Query>),
    Flows(Arc<aggregates::Query>),
    Users(Arc<user_figures::Query>),
}

/// `AsyncConversationQuery`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Details {
    interval: String,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    order_by: Option<OrderBy>,
    #[serde(default)]
    conversation_filters: Option<Vec<Filter>>,
    #[serde(default)]
    segment_filters: Option<Vec<Filter>>,
    #[serde(default)]
    evaluation_filters: Option<Vec<Value>>,
    #[serde(default)]
    survey_filters: Option<Vec<Value>>,
    #[serde(default)]
    resolution_filters: Option<Vec<Value>>,
    limit: Option<usize>,
    #[serde(default)]
    start_of_day_interval_matching: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Pending,
    Failed,
    Cancelled,
    Fulfilled,
    Expired,
    /// Not even its status is known any more.
    Gone,
}

impl Job {
    fn state(&self, delay: Duration, life: Duration, now: Instant) -> State {
        let age = now.saturating_duration_since(self.at);
        if age >= delay.saturating_add(life.saturating_mul(2)) {
            State::Gone
        } else if self.cancelled {
            State::Cancelled
        } else if age < delay / 2 {
            State::Queued
        } else if age < delay {
            State::Pending
        } else if self.fails {
            State::Failed
        } else if age < delay.saturating_add(life) {
            State::Fulfilled
        } else {
            State::Expired
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Pending => "PENDING",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Fulfilled => "FULFILLED",
            Self::Expired | Self::Gone => "EXPIRED",
        }
    }
}

fn submit(asked: &mut Asked<'_>, task: Task) -> Answer {
    let id = asked.new_id();
    let fails = asked.state.books.failing > 0;
    asked.state.books.failing = asked.state.books.failing.saturating_sub(1);
    let jobs = &mut asked.state.books.jobs;
    if jobs.order.len() == KEPT {
        if let Some(oldest) = jobs.order.pop_front() {
            jobs.of_id.remove(&oldest);
        }
    }
    jobs.order.push_back(id.clone());
    let path = asked.request.parts.uri.path().to_owned();
    let at = Instant::now();
    let job = Job { path, task, submitted: asked.now, at, fails, cancelled: false, found: None };
    jobs.of_id.insert(id.clone(), job);
    Ok(Reply::json_with(StatusCode::ACCEPTED, &json!({ "jobId": id })))
}

/// `POST /api/v2/analytics/conversations/details/jobs`.
pub(super) fn submit_details(asked: &mut Asked<'_>) -> Answer {
    let query: Details = asked.body()?;
    Interval::read(&query.interval, INTERVAL_MAX)?;
    check(
        query.conversation_filters.as_deref().unwrap_or_default(),
        query.segment_filters.as_deref().unwrap_or_default(),
    )?;
    submit(asked, Task::Details(Arc::new(query)))
}

/// `POST /api/v2/analytics/users/details/jobs`.
pub(super) fn submit_user_details(asked: &mut Asked<'_>) -> Answer {
    let query: user_details::Query = asked.body()?;
    query.check()?;
    submit(asked, Task::UserDetails(Arc::new(query)))
}

/// `POST /api/v2/analytics/conversations/aggregates/jobs`.
pub(super) fn submit_conversation_aggregates(asked: &mut Asked<'_>) -> Answer {
    let query = aggregates::Query::read(asked, aggregates::Family::Conversations)?;
    submit(asked, Task::Conversations(Arc::new(query)))
}

/// `POST /api/v2/analytics/flows/aggregates/jobs`.
pub(super) fn submit_flow_aggregates(asked: &mut Asked<'_>) -> Answer {
    let query = aggregates::Query::read(asked, aggregates::Family::Flows)?;
    submit(asked, Task::Flows(Arc::new(query)))
}

/// `POST /api/v2/analytics/users/aggregates/jobs`.
pub(super) fn submit_user_aggregates(asked: &mut Asked<'_>) -> Answer {
    let query = user_figures::Query::read(asked)?;
    submit(asked, Task::Users(Arc::new(query)))
}

/// `GET …/details/jobs/availability`: everything up to now.
pub(super) fn availability(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&json!({ "dataAvailabilityDate": iso(asked.now) })))
}

/// The job of the path, and its state; a job that is gone is not there.
fn job<'a>(asked: &'a mut Asked<'_>) -> Result<(&'a mut Job, State), Reply> {
    let (delay, life) = (asked.shared.config.job_delay, asked.shared.config.job_life);
    let (id, path) = (asked.id(0).to_owned(), asked.request.parts.uri.path().to_owned());
    let job = asked.state.books.jobs.of_id.get_mut(&id);
    let job = job.filter(|job| path.starts_with(&job.path)).ok_or_else(|| missing("job", &id))?;
    match job.state(delay, life, Instant::now()) {
        State::Gone => Err(missing("job", &id)),
        state => Ok((job, state)),
    }
}

/// `GET …/jobs/{jobId}`.
pub(super) fn status(asked: &mut Asked<'_>) -> Answer {
    let (delay, life) = (asked.shared.config.job_delay, asked.shared.config.job_life);
    let (job, state) = job(asked)?;
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut body = json!({ "state": state.name(), "submissionDate": iso(job.submitted) });
    let done = job.submitted.saturating_add(millis(delay));
    match state {
        State::Fulfilled | State::Expired => {
            body["completionDate"] = json!(iso(done));
            body["expirationDate"] = json!(iso(done.saturating_add(millis(life))));
        }
        State::Failed => {
            body["completionDate"] = json!(iso(done));
            body["errorMessage"] = json!("The query could not be carried out.");
        }
        _ => {}
    }
    Ok(Reply::json(&body))
}

/// `DELETE …/jobs/{jobId}`.
pub(super) fn cancel(asked: &mut Asked<'_>) -> Answer {
    let (job, _) = job(asked)?;
    job.cancelled = true;
    job.found = None;
    Ok(super::asked::deleted())
}

/// `GET …/jobs/{jobId}/results`: one page, and the cursor of the next.
pub(super) fn results(asked: &mut Asked<'_>) -> Answer {
    let size = number(asked.request, "pageSize", PAGE, PAGE_MAX)?;
    let (now, life) = (asked.now, asked.shared.config.cursor_life);
    let begin = match asked.request.query("cursor") {
        None => 0,
        Some(cursor) => Cursor::read(&cursor, now, life).ok_or_else(bad_cursor)?,
    };
    let (task, submitted, known) = {
        let (job, state) = job(asked)?;
        match state {
            State::Fulfilled => (job.task.clone(), job.submitted, job.found.clone()),
            State::Expired => {
                return Err(Reply::error(410, "gone", "The results of the job have expired."));
            }
            other => {
                let text = format!("The job has no results: its state is {}.", other.name());
                return Err(Reply::bad_request(&text));
            }
        }
    };
    let (name, page, total) = match task {
        Task::Details(query) => {
            let found = match known {
                Some(found) => found,
                None => Arc::new(query.find(asked, submitted)?),
            };
            let page = render(asked, found.iter().skip(begin).take(size), true);
            let total = found.len();
            job(asked)?.0.found = Some(found);
            ("conversations", page, total)
        }
        Task::UserDetails(query) => {
            let found = query.find(asked, submitted)?;
            let page = query.render(asked, found.iter().skip(begin).take(size), submitted)?;
            ("userDetails", page, found.len())
        }
        Task::Conversations(query) | Task::Flows(query) => {
            let all = query.results(asked)?;
            let total = all.len();
            ("results", all.into_iter().skip(begin).take(size).collect(), total)
        }
        Task::Users(query) => {
            let all = query.results(asked)?;
            let total = all.len();
            ("results", all.into_iter().skip(begin).take(size).collect(), total)
        }
    };
    let mut body = json!({});
    // An empty page has no list at all.
    if !page.is_empty() {
        body[name] = page.into();
    }
    if name != "results" {
        body["dataAvailabilityDate"] = json!(iso(submitted));
    }
    let end = begin.saturating_add(size);
    if end < total {
        body["cursor"] = json!(Cursor::write(end, now));
    }
    Ok(Reply::json(&body))
}

impl Details {
    /// Conversations with activity in the interval, as of the submission.
    fn find(&self, asked: &Asked<'_>, submitted: i64) -> Result<Vec<At>, Reply> {
        let others = [&self.evaluation_filters, &self.survey_filters, &self.resolution_filters];
        if others.iter().any(|list| list.as_ref().is_some_and(|list| !list.is_empty())) {
            return Ok(Vec::new());
        }
        let mut interval = Interval::read(&self.interval, INTERVAL_MAX)?;
        let by_day = self.start_of_day_interval_matching == Some(true);
        if by_day {
            interval = interval.days();
        }
        interval.to = interval.to.min(submitted);
        let search = Search {
            interval,
            touch: if by_day { Touch::Began } else { Touch::Active },
            conversations: self.conversation_filters.as_deref().unwrap_or_default(),
            segments: self.segment_filters.as_deref().unwrap_or_default(),
            order: self.order.unwrap_or_default(),
            order_by: self.order_by.unwrap_or_default(),
        };
        let mut found = search.run(&asked.state.world, &asked.state.books);
        found.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(found)
    }
}

/// A place in results that is good for a while only.
struct Cursor;

impl Cursor {
    fn write(place: usize, now: i64) -> String {
        format!("{}-{now:x}", cursor_of(place))
    }

    fn read(text: &str, now: i64, life: Duration) -> Option<usize> {
        let (place_text, made) = text.split_once('-')?;
        let age = now.saturating_sub(i64::from_str_radix(made, 16).ok()?);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        place(place_text).filter(|_| age <= life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_ends_with_its_life() {
        let life = Duration::from_secs(60);
        let cursor = Cursor::write(300, 1_000_000);
        assert_eq!(Cursor::read(&cursor, 1_060_000, life), Some(300));
        assert_eq!(Cursor::read(&cursor, 1_060_001, life), None);
        assert_eq!(Cursor::read("nonsense", 0, life), None);
    }
}
