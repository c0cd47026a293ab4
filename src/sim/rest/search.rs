//! The search for users.

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, invalid};
use super::listing::cursor_of;
use super::users::{shown, state};
use crate::sim::agents::Agent;
use crate::sim::response::Reply;

/// Users of a page when the caller does not say, and at most. Source: documentation of the operation.
const PAGE: usize = 25;
const PAGE_MAX: usize = 100;

/// Deepest nesting of groups: this simulator's own number.
const DEEPEST: usize = 8;

/// Fields that can be searched and sorted by.
const FIELDS: &[&str] = &[
    "id",
    "guid",
    "name",
    "email",
    "username",
    "state",
    "title",
    "department",
    "presence",
    "routingStatus",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    sort_order: Option<String>,
    sort_by: Option<String>,
    page_size: Option<usize>,
    page_number: Option<usize>,
    #[serde(default)]
    sort: Option<Vec<Sort>>,
    #[serde(default)]
    expand: Option<Vec<String>>,
    #[serde(default)]
    query: Option<Vec<Criterion>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sort {
    sort_order: Option<String>,
    sort_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Criterion {
    r#type: Option<String>,
    #[serde(default)]
    fields: Option<Vec<String>>,
    value: Option<String>,
    #[serde(default)]
    values: Option<Vec<String>>,
    #[serde(default)]
    operator: Join,
    #[serde(default)]
    group: Option<Vec<Criterion>>,
}

/// How a criterion is joined to those before it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Join {
    #[default]
    And,
    Or,
    Not,
}

fn field(agent: &Agent, name: &str) -> Option<String> {
    Some(match name {
        "id" | "guid" => agent.id.clone(),
        "name" => agent.name.clone(),
        "email" | "username" => agent.email.clone(),
        "state" => state(agent).to_owned(),
        "routingStatus" => agent.routing.to_owned(),
        other => agent.fields.get(other)?.as_str()?.to_owned(),
    })
}

impl Criterion {
    fn check(&self, depth: usize) -> Result<(), Reply> {
        if depth > DEEPEST {
            return Err(Reply::bad_request("the groups of the search are nested too deeply"));
        }
        if let Some(group) = &self.group {
            return group.iter().try_for_each(|one| one.check(depth + 1));
        }
        let known = [
            "EXACT",
            "STARTS_WITH",
            "CONTAINS",
            "TERM",
            "TERMS",
            "REQUIRED_FIELDS",
            "MATCH_ALL",
            "QUERY_STRING",
        ];
        let kind = self.kind();
        if !known.contains(&kind) {
            return Err(invalid(&format!("type {kind:?} is not simulated: it"), &known.join(", ")));
        }
        if kind == "MATCH_ALL" {
            return Ok(());
        }
        let fields = self.fields.as_deref().unwrap_or_default();
        if fields.is_empty() && kind != "QUERY_STRING" {
            return Err(Reply::bad_request("a criterion of the search needs fields"));
        }
        if let Some(unknown) = fields.iter().find(|one| !FIELDS.contains(&one.as_str())) {
            return Err(invalid(
                &format!("field {unknown:?} cannot be searched: it"),
                &FIELDS.join(", "),
            ));
        }
        if kind != "REQUIRED_FIELDS" && self.wanted().is_empty() {
            return Err(Reply::bad_request("a criterion of the search needs a value or values"));
        }
        Ok(())
    }

    fn kind(&self) -> &str {
        self.r#type.as_deref().unwrap_or("EXACT")
    }

    fn wanted(&self) -> Vec<String> {
        let all = self.value.iter().chain(self.values.iter().flatten());
        all.filter(|text| !text.is_empty()).map(|text| text.to_lowercase()).collect()
    }

    fn fits(&self, agent: &Agent) -> bool {
        if let Some(group) = &self.group {
            return all_fit(group, agent);
        }
        let wanted = self.wanted();
        let names = match self.fields.as_deref() {
            Some(fields) if !fields.is_empty() => fields.iter().map(String::as_str).collect(),
            _ => vec!["name", "email", "title", "department"],
        };
        let mut texts =
            names.into_iter().map(|name| field(agent, name).map(|text| text.to_lowercase()));
        let is_word = |text: &str, word: &String| {
            text.split(|c: char| !c.is_alphanumeric()).any(|one| one == word)
        };
        match self.kind() {
            "MATCH_ALL" => true,
            "REQUIRED_FIELDS" => texts.all(|text| text.is_some()),
            kind => texts.flatten().any(|text| {
                wanted.iter().any(|wanted| match kind {
                    "STARTS_WITH" => {
                        text.starts_with(wanted.as_str())
                            || text.split(' ').any(|word| word.starts_with(wanted.as_str()))
                    }
                    "CONTAINS" | "QUERY_STRING" => text.contains(wanted.as_str()),
                    "TERM" | "TERMS" => text == *wanted || is_word(&text, wanted),
                    _ => text == *wanted,
                })
            }),
        }
    }
}

/// From the first to the last: AND and NOT narrow what is found so far, OR widens it.
fn all_fit(criteria: &[Criterion], agent: &Agent) -> bool {
    let mut so_far: Option<bool> = None;
    for one in criteria {
        let fits = one.fits(agent);
        so_far = Some(match (so_far, one.operator) {
            (before, Join::Not) => before.unwrap_or(true) && !fits,
            (None, _) => fits,
            (Some(before), Join::And) => before && fits,
            (Some(before), Join::Or) => before || fits,
        });
    }
    so_far.unwrap_or(true)
}

/// `POST /api/v2/users/search`.
pub(super) fn users(asked: &mut Asked<'_>) -> Answer {
    let query: Query = asked.body()?;
    let criteria = query.query.as_deref().unwrap_or_default();
    criteria.iter().try_for_each(|one| one.check(0))?;
    let (size, number) = (query.page_size.unwrap_or(PAGE), query.page_number.unwrap_or(1));
    if !(1..=PAGE_MAX).contains(&size) || number == 0 {
        let text = format!("pageSize must be from 1 to {PAGE_MAX}, and pageNumber at least 1");
        return Err(Reply::bad_request(&text));
    }
    let mut sorts: Vec<(String, bool)> = Vec::new();
    let of_list = query.sort.iter().flatten().map(|one| (&one.sort_by, &one.sort_order));
    for (by, order) in std::iter::once((&query.sort_by, &query.sort_order)).chain(of_list) {
        let Some(by) = by else { continue };
        if !FIELDS.contains(&by.as_str()) {
            return Err(invalid("sortBy", &FIELDS.join(", ")));
        }
        sorts.push((by.clone(), order.as_deref() == Some("DESC")));
    }
    let world = &asked.state.world;
    let mut found: Vec<&Agent> =
        world.agents.iter().filter(|agent| all_fit(criteria, agent)).collect();
    found.sort_by(|a, b| {
        for (by, descending) in &sorts {
            let order = field(a, by).cmp(&field(b, by));
            let order = if *descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id))
    });
    let (total, pages) = (found.len(), found.len().div_ceil(size));
    let expand = query.expand.unwrap_or_default();
    let begin = size.saturating_mul(number - 1);
    let results: Vec<Value> = found
        .into_iter()
        .skip(begin)
        .take(size)
        .map(|agent| shown(world, agent, &expand))
        .collect();
    let page = |number: usize| cursor_of(number);
    let mut body = json!({
        "total": total, "pageCount": pages, "pageSize": size, "pageNumber": number,
        "currentPage": page(number), "types": ["users"], "results": results,
    });
    if number > 1 {
        body["previousPage"] = json!(page(number - 1));
    }
    if number < pages {
        body["nextPage"] = json!(page(number + 1));
    }
    Ok(Reply::json(&body))
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::sim::world::World;

    #[test]
    fn criteria_are_joined_from_the_first_to_the_last() {
        let world = World::new(12, 2, 0, &mut Rng::with_seed(7));
        let count = |criteria: Value| {
            let criteria: Vec<Criterion> = serde_json::from_value(criteria).expect("criteria");
            assert!(criteria.iter().all(|one| one.check(0).is_ok()));
            world.agents.iter().filter(|agent| all_fit(&criteria, agent)).count()
        };
        let first = world.agents[0].name.clone();
        let word = first.split(' ').next().unwrap_or_default().to_owned();
        assert_eq!(count(json!([])), 12);
        assert_eq!(
            count(json!([{ "type": "EXACT", "fields": ["name"], "value": first.to_uppercase() }])),
            1
        );
        assert_eq!(count(json!([{ "type": "TERM", "fields": ["name"], "value": word }])), 1);
        assert_eq!(count(json!([{ "type": "EXACT", "fields": ["name"], "value": word }])), 0);
        assert_eq!(
            count(json!([{ "type": "CONTAINS", "fields": ["email"], "value": "@ACME" }])),
            12
        );
        assert_eq!(
            count(json!([
                { "type": "EXACT", "fields": ["name"], "value": first },
                { "type": "EXACT", "fields": ["id"], "values": [world.agents[1].id, world.agents[2].id], "operator": "OR" },
            ])),
            3
        );
        assert_eq!(
            count(
                json!([{ "operator": "NOT", "group": [{ "type": "EXACT", "fields": ["name"], "value": first }] }])
            ),
            11
        );
    }
}
