//! What the REST API keeps besides the world: what was configured, created and asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::clients::ClientRecord;
use super::credentials::CredentialRecord;
use super::history::History;
use super::integrations::IntegrationRecord;
use super::interval::DAY;
use super::jobs::Jobs;
use super::usage::Executions;
use super::wrap_up::WrapUps;
use crate::sim::world::World;

/// Most records of one kind that a client can create.
pub(super) const RECORDS: usize = 10_000;

/// Everything that operations keep.
pub(in crate::sim) struct Books {
    /// Permissions that no client has.
    pub(super) denied: BTreeSet<String>,
    /// Those from the start, to which a reset returns.
    denied_from_start: BTreeSet<String>,
    pub(super) history: History,
    pub(super) jobs: Jobs,
    /// How many of the next jobs fail.
    pub(super) failing: u32,
    pub(super) wrap_ups: WrapUps,
    pub(super) integrations: BTreeMap<String, IntegrationRecord>,
    pub(super) credentials: BTreeMap<String, CredentialRecord>,
    pub(super) clients: BTreeMap<Arc<str>, ClientRecord>,
    pub(super) executions: Executions,
    /// `GET /api/v2/tokens/timeout`.
    pub(super) idle_timeout: Value,
    /// What was changed about the organisation.
    pub(super) organization: BTreeMap<String, Value>,
}

impl Books {
    pub(in crate::sim) fn new(denied: BTreeSet<String>, history: History, world: &World) -> Self {
        let integrations = IntegrationRecord::first(&history, world);
        Self {
            denied_from_start: denied.clone(),
            denied,
            wrap_ups: WrapUps::first(&history, world),
            integrations,
            credentials: CredentialRecord::first(&history),
            history,
            jobs: Jobs::default(),
            failing: 0,
            clients: BTreeMap::new(),
            executions: Executions::default(),
            idle_timeout: json!({ "idleTokenTimeoutSeconds": 3_600, "enableIdleTokenTimeout": false }),
            organization: BTreeMap::new(),
        }
    }

    /// Takes a permission from every client.
    pub(in crate::sim) fn deny(&mut self, permission: &str) {
        self.denied.insert(permission.to_owned());
    }

    /// Gives a permission back.
    pub(in crate::sim) fn allow(&mut self, permission: &str) {
        self.denied.remove(permission);
    }

    /// What is denied now.
    pub(in crate::sim) fn denied(&self) -> impl Iterator<Item = &str> {
        self.denied.iter().map(String::as_str)
    }

    /// Lets the next jobs fail.
    pub(in crate::sim) fn fail_jobs(&mut self, count: u32) {
        self.failing = count;
    }

    /// Permissions are as at the start, and no job fails.
    pub(in crate::sim) fn reset(&mut self) {
        self.denied.clone_from(&self.denied_from_start);
        self.failing = 0;
    }

    /// Counts an answer for the usage of the API.
    pub(in crate::sim) fn count(
        &mut self,
        client: &str,
        method: &str,
        template: &str,
        now: i64,
        status: u16,
    ) {
        let day = now.div_euclid(DAY) * DAY;
        self.executions.count(client, method, template, day, status);
    }

    /// How long the tokens of a client live, when that was set.
    pub(in crate::sim) fn token_life(&self, client: &str) -> Option<Duration> {
        self.clients.get(client)?.token_life()
    }
}
