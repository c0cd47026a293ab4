//! Usage of the API: what the requests that were counted come to, in both generations of the query.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::asked::{Answer, Asked, invalid, missing};
use super::interval::{DAY, Interval};
use super::listing::Slice;
use crate::sim::clock::iso;
use crate::sim::response::Reply;

/// Queries that are kept; of more the oldest are forgotten.
const KEPT: usize = 100;

/// Longest interval, in milliseconds. Source: documentation of the operations.
const INTERVAL_MAX: i64 = 90 * DAY;

/// Rows of a page, at most. Source: documentation of the simple search.
const PAGE_MAX: usize = 1_000;

/// Counts of answers by class, and of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Counts {
    status_200: u64,
    status_300: u64,
    status_400: u64,
    status_429: u64,
    status_500: u64,
    requests: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.status_200 += other.status_200;
        self.status_300 += other.status_300;
        self.status_400 += other.status_400;
        self.status_429 += other.status_429;
        self.status_500 += other.status_500;
        self.requests += other.requests;
    }

    fn of(status: u16) -> Self {
        let mut one = Self { requests: 1, ..Self::default() };
        match status {
            429 => one.status_429 = 1,
            200..=299 => one.status_200 = 1,
            300..=399 => one.status_300 = 1,
            400..=499 => one.status_400 = 1,
            _ => one.status_500 = 1,
        }
        one
    }
}

/// What requests are counted by: client, method, path with braces for ids, and day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    client: String,
    method: String,
    template: String,
    day: i64,
}

/// Queries that were submitted, and the counts that they read.
#[derive(Default)]
pub(super) struct Executions {
    of_id: BTreeMap<String, Execution>,
    order: VecDeque<String>,
    counts: BTreeMap<Key, Counts>,
}

struct Execution {
    /// Path of the submission.
    path: String,
    at: Instant,
    rows: Vec<(Key, Counts)>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Query {
    interval: String,
    granularity: Option<String>,
    metrics: Option<Vec<String>>,
    group_by: Option<Vec<String>>,
    template_uris: Option<Vec<String>>,
    http_methods: Option<Vec<String>>,
    oauth_client_ids: Option<Vec<String>>,
    oauth_client_names: Option<Vec<String>>,
}

const GROUPS: &[&str] =
    &["OAuthClientId", "OrganizationId", "UserId", "TemplateUri", "HttpMethod", "Platform"];
const METRICS: &[&str] =
    &["Status200", "Status300", "Status400", "Status429", "Status500", "Requests"];

impl Executions {
    /// Counts one answer.
    pub(super) fn count(
        &mut self,
        client: &str,
        method: &str,
        template: &str,
        day: i64,
        status: u16,
    ) {
        let key = Key {
            client: client.to_owned(),
            method: method.to_owned(),
            template: template.to_owned(),
            day,
        };
        if self.counts.len() >= super::books::RECORDS && !self.counts.contains_key(&key) {
            return;
        }
        self.counts.entry(key).or_default().add(Counts::of(status));
    }
}

/// Runs the query at once; its results are told after the delay of jobs.
fn submit_query(asked: &mut Asked<'_>, client: Option<&str>) -> Result<String, Reply> {
    let query: Query = asked.body()?;
    let interval = Interval::read(&query.interval, INTERVAL_MAX)?;
    let step = match query.granularity.as_deref() {
        None => None,
        Some("Day") => Some(DAY),
        Some("Week") => Some(7 * DAY),
        // Months are counted from the start of the interval on, and have 30 days.
        Some("Month") => Some(30 * DAY),
        Some(_) => return Err(invalid("granularity", "Day, Week, Month")),
    };
    let groups = query.group_by.unwrap_or_default();
    if groups.iter().any(|one| !GROUPS.contains(&one.as_str())) {
        return Err(invalid("groupBy", &GROUPS.join(", ")));
    }
    if query.metrics.iter().flatten().any(|one| !METRICS.contains(&one.as_str())) {
        return Err(invalid("metrics", &METRICS.join(", ")));
    }
    let by = |name: &str| groups.iter().any(|one| one == name);
    let among = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_none_or(|list| {
            list.is_empty() || list.iter().any(|one| one.eq_ignore_ascii_case(value))
        })
    };
    let mut rows: BTreeMap<Key, Counts> = BTreeMap::new();
    for (key, counts) in &asked.state.books.executions.counts {
        let name = asked.state.oauth.client_name(&key.client);
        let wanted = client.is_none_or(|client| client == key.client)
            && key.day >= interval.from.div_euclid(DAY) * DAY
            && key.day < interval.to
            && among(&query.template_uris, &key.template)
            && among(&query.http_methods, &key.method)
            && among(&query.oauth_client_ids, &key.client)
            && among(&query.oauth_client_names, &name);
        if !wanted {
            continue;
        }
        let day = step.map_or(interval.from, |step| {
            interval.from + (key.day - interval.from).max(0).div_euclid(step) * step
        });
        let part = |wanted: bool, text: &str| if wanted { text.to_owned() } else { String::new() };
        let row = Key {
            client: part(by("OAuthClientId"), &key.client),
            method: part(by("HttpMethod"), &key.method),
            template: part(by("TemplateUri"), &key.template),
            day,
        };
        rows.entry(row).or_default().add(*counts);
    }
    Ok(keep(asked, rows))
}

/// Keeps the rows of a query for those who ask for its results.
fn keep(asked: &mut Asked<'_>, rows: BTreeMap<Key, Counts>) -> String {
    let id = asked.new_id();
    let path = asked.request.parts.uri.path().to_owned();
    let executions = &mut asked.state.books.executions;
    if executions.order.len() == KEPT {
        if let Some(oldest) = executions.order.pop_front() {
            executions.of_id.remove(&oldest);
        }
    }
    executions.order.push_back(id.clone());
    let rows = rows.into_iter().collect();
    executions.of_id.insert(id.clone(), Execution { path, at: Instant::now(), rows });
    id
}

fn accepted(id: &str, uri: &str) -> Answer {
    Ok(Reply::json(&json!({ "executionId": id, "resultsUri": uri })))
}

/// `POST /api/v2/usage/query`.
pub(super) fn submit(asked: &mut Asked<'_>) -> Answer {
    let id = submit_query(asked, None)?;
    accepted(&id, &format!("/api/v2/usage/query/{id}/results"))
}

/// `POST /api/v2/usage/simplesearch`.
pub(super) fn submit_search(asked: &mut Asked<'_>) -> Answer {
    let id = submit_query(asked, None)?;
    accepted(&id, &format!("/api/v2/usage/simplesearch/{id}/results"))
}

fn client(asked: &Asked<'_>) -> Result<String, Reply> {
    let id = asked.id(0);
    if asked.state.oauth.has_client(id) {
        Ok(id.to_owned())
    } else {
        Err(missing("OAuth client", id))
    }
}

/// `POST /api/v2/oauth/clients/{clientId}/usage/query`.
pub(super) fn submit_of_client(asked: &mut Asked<'_>) -> Answer {
    let client = client(asked)?;
    let id = submit_query(asked, Some(&client))?;
    accepted(&id, &format!("/api/v2/oauth/clients/{client}/usage/query/results/{id}"))
}

/// The execution of an id, and whether it is done.
fn execution<'a>(
    asked: &'a Asked<'_>,
    id: &str,
    below: &str,
) -> Result<(&'a Execution, bool), Reply> {
    let found = asked.state.books.executions.of_id.get(id).filter(|one| one.path == below);
    let found = found.ok_or_else(|| missing("execution", id))?;
    let done = found.at.elapsed() >= asked.shared.config.job_delay;
    Ok((found, done))
}

fn first_generation(asked: &Asked<'_>, id: &str, below: &str) -> Answer {
    let (found, done) = execution(asked, id, below)?;
    if !done {
        return Ok(Reply::json(&json!({ "queryStatus": "Running" })));
    }
    let slice = Slice::asked(asked.request, "after", found.rows.len(), PAGE_MAX, PAGE_MAX)?;
    let organization = &asked.state.world.organization["id"];
    let rows: Vec<Value> = found.rows[slice.begin..slice.end]
        .iter()
        .map(|(key, counts)| {
            let mut row = numbers(counts);
            row["requests"] = json!(counts.requests);
            row["date"] = json!(iso(key.day));
            row["organizationId"] = organization.clone();
            if !key.client.is_empty() {
                row["clientId"] = json!(key.client);
                row["clientName"] = json!(asked.state.oauth.client_name(&key.client));
            }
            with_route(row, key)
        })
        .collect();
    let mut body = json!({ "results": rows, "queryStatus": "Complete" });
    if let Some((_, cursor)) = slice.next {
        body["cursors"] = json!({ "after": cursor });
    }
    Ok(Reply::json(&body))
}

fn numbers(counts: &Counts) -> Value {
    json!({
        "status200": counts.status_200, "status300": counts.status_300,
        "status400": counts.status_400, "status429": counts.status_429,
        "status500": counts.status_500,
    })
}

fn with_route(mut row: Value, key: &Key) -> Value {
    for (name, text) in [("templateUri", &key.template), ("httpMethod", &key.method)] {
        if !text.is_empty() {
            row[name] = json!(text);
        }
    }
    row
}

/// `GET /api/v2/usage/query/{executionId}/results`, and of the simple search.
pub(super) fn results(asked: &mut Asked<'_>) -> Answer {
    let search = asked.request.parts.uri.path().contains("simplesearch");
    let below = if search { "/api/v2/usage/simplesearch" } else { "/api/v2/usage/query" };
    first_generation(asked, asked.id(0), below)
}

/// `GET /api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}`.
pub(super) fn results_of_client(asked: &mut Asked<'_>) -> Answer {
    let below = format!("/api/v2/oauth/clients/{}/usage/query", asked.id(0));
    let summary = format!("/api/v2/oauth/clients/{}/usage/summary", asked.id(0));
    match first_generation(asked, asked.id(1), &below) {
        Err(_) => first_generation(asked, asked.id(1), &summary),
        found => found,
    }
}

/// `GET /api/v2/oauth/clients/{clientId}/usage/summary`: a query of the last days.
pub(super) fn summary(asked: &mut Asked<'_>) -> Answer {
    let client = client(asked)?;
    let days = super::listing::number(asked.request, "days", 7, 90)?;
    let from = asked.now.div_euclid(DAY) - i64::try_from(days).unwrap_or(90);
    let mut rows: BTreeMap<Key, Counts> = BTreeMap::new();
    for (key, counts) in &asked.state.books.executions.counts {
        if key.client == client && key.day.div_euclid(DAY) >= from {
            rows.entry(key.clone()).or_default().add(*counts);
        }
    }
    let id = keep(asked, rows);
    accepted(&id, &format!("/api/v2/oauth/clients/{client}/usage/query/results/{id}"))
}

fn job(id: &str, uri: &str) -> Answer {
    Ok(Reply::json(&json!({ "id": id, "resultsUri": uri, "selfUri": uri })))
}

/// `POST /api/v2/usage/aggregates/query/jobs`.
pub(super) fn submit_aggregates(asked: &mut Asked<'_>) -> Answer {
    let id = submit_query(asked, None)?;
    job(&id, &format!("/api/v2/usage/aggregates/query/jobs/{id}"))
}

/// `POST /api/v2/usage/client/{clientId}/aggregates/query/jobs`.
pub(super) fn submit_aggregates_of_client(asked: &mut Asked<'_>) -> Answer {
    let client = client(asked)?;
    let id = submit_query(asked, Some(&client))?;
    job(&id, &format!("/api/v2/usage/client/{client}/aggregates/query/jobs/{id}"))
}

fn second_generation(asked: &Asked<'_>, id: &str, below: &str, of_client: bool) -> Answer {
    let (found, done) = execution(asked, id, below)?;
    let uri = asked.request.parts.uri.path();
    if !done {
        let waits = found.at.elapsed() < asked.shared.config.job_delay / 2;
        let status = if waits { "Queued" } else { "Running" };
        return Ok(Reply::json(&json!({ "queryStatus": status, "selfUri": uri })));
    }
    let slice = Slice::asked(asked.request, "after", found.rows.len(), 100, PAGE_MAX)?;
    let rows: Vec<Value> = found.rows[slice.begin..slice.end]
        .iter()
        .map(|(key, counts)| {
            let mut row = numbers(counts);
            row["requestCount"] = json!(counts.requests);
            row["date"] = json!(iso(key.day).get(..10));
            if !key.client.is_empty() && !of_client {
                row["oauthClient"] = json!({ "id": key.client });
            }
            with_route(row, key)
        })
        .collect();
    let mut body = json!({ "queryStatus": "Succeeded", "entities": rows, "selfUri": uri });
    if let Some((next, _)) = slice.next {
        body["nextUri"] = json!(next);
    }
    Ok(Reply::json(&body))
}

/// `GET /api/v2/usage/aggregates/query/jobs/{jobId}`.
pub(super) fn aggregates(asked: &mut Asked<'_>) -> Answer {
    second_generation(asked, asked.id(0), "/api/v2/usage/aggregates/query/jobs", false)
}

/// `GET /api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}`.
pub(super) fn aggregates_of_client(asked: &mut Asked<'_>) -> Answer {
    let below = format!("/api/v2/usage/client/{}/aggregates/query/jobs", asked.id(0));
    second_generation(asked, asked.id(1), &below, true)
}
