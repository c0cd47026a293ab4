//! The permissions that the platform says the caller has.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::error::Result;
use crate::rest::answer::Answer;
use crate::rest::arguments::Arguments;
use crate::rest::operation::{Method, Operation};

/// The roles of the caller, with their policies.
///
/// Source: `getAuthorizationSubjectsMe` of the official SDKs; it needs no permission.
pub(super) struct GetGrants;

impl Operation for GetGrants {
    type Response = Grants;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/authorization/subjects/me";

    fn arguments(&self) -> Arguments {
        Arguments::new()
    }

    fn response(answer: Answer) -> Result<Grants> {
        Ok(Grants::new(answer.json()?))
    }
}

/// Permissions by role.
#[derive(Debug, Default)]
pub(super) struct Grants(Vec<Policy>);

#[derive(Debug)]
struct Policy {
    role: Box<str>,
    domain: Box<str>,
    entity: Box<str>,
    actions: BTreeSet<Box<str>>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
struct Grant {
    role: Option<Role>,
}

#[derive(Deserialize)]
struct Role {
    name: Option<Box<str>>,
    policies: Option<Vec<Written>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    domain: Option<Box<str>>,
    entity_name: Option<Box<str>>,
    #[serde(alias = "actionSet")]
    actions: Option<BTreeSet<Box<str>>>,
}

impl Grants {
    fn new(subject: Subject) -> Self {
        let mut policies = Vec::new();
        for role in subject.grants.into_iter().filter_map(|grant| grant.role) {
            let name = role.name.unwrap_or_default();
            for written in role.policies.unwrap_or_default() {
                let (Some(domain), Some(entity)) = (written.domain, written.entity_name) else {
                    continue;
                };
                let actions = written.actions.unwrap_or_default();
                policies.push(Policy { role: name.clone(), domain, entity, actions });
            }
        }
        Self(policies)
    }

    /// Whether nothing is known: no role comes with policies.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first role that has a permission.
    pub(super) fn role_with(&self, permission: &str) -> Option<&str> {
        let mut parts = permission.splitn(3, ':');
        let (domain, entity, action) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = |known: &str, wanted: &str| known == "*" || known.eq_ignore_ascii_case(wanted);
        let has = |policy: &&Policy| {
            fits(&policy.domain, domain)
                && fits(&policy.entity, entity)
                && policy.actions.iter().any(|known| fits(known, action))
        };
        self.0.iter().find(has).map(|policy| &*policy.role)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_permission_is_found_in_a_role_by_its_three_parts_or_by_stars() {
        let subject = json!({ "id": "x", "grants": [
            { "division": { "id": "*" }, "role": { "name": "Viewer", "policies": [
                { "domain": "routing", "entityName": "queue", "actions": ["view", "search"] },
                { "domain": "odd" },
            ]}},
            { "role": { "name": "Analyst", "policies": [
                { "domain": "analytics", "entityName": "*", "actions": ["*"] },
            ]}},
            {},
        ]});
        let grants = Grants::new(serde_json::from_value(subject).unwrap());
        assert_eq!(grants.role_with("routing:queue:view"), Some("Viewer"));
        assert_eq!(grants.role_with("routing:queue:edit"), None);
        assert_eq!(grants.role_with("analytics:conversationDetail:view"), Some("Analyst"));
        assert_eq!(grants.role_with("odd"), None);
        assert!(Grants::new(serde_json::from_str("{}").unwrap()).is_empty());
    }
}
