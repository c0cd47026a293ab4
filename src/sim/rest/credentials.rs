//! Credentials of integrations; what is secret about them is taken, and never told again.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, deleted, missing, required};
use super::books::RECORDS;
use super::history::History;
use super::listing::{PAGE_MAX, Slice, numbered};
use crate::sim::clock::iso;
use crate::sim::response::Reply;

/// Most credentials of a page of the newer listing. Source: documentation of the operation.
const LISTING_MAX: usize = 200;

/// Id and name of a type, and its fields.
type Kind = (&'static str, &'static str, &'static [&'static str]);

/// Types of credentials.
const TYPES: &[Kind] = &[
    ("basicAuth", "Basic Auth", &["userName", "password"]),
    ("pureCloudOAuthClient", "Genesys Cloud OAuth Client", &["clientId", "clientSecret"]),
    ("userDefinedOAuth", "User Defined (OAuth)", &["loginUrl", "clientId", "clientSecret"]),
];

/// One credential. Its fields are kept only as far as whether they are there.
pub(super) struct CredentialRecord {
    id: String,
    name: String,
    kind: &'static Kind,
    created: i64,
    modified: i64,
}

impl fmt::Debug for CredentialRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl CredentialRecord {
    /// The one from the start.
    pub(super) fn first(history: &History) -> BTreeMap<String, Self> {
        let id = history.id_for(300);
        let one = Self {
            id: id.clone(),
            name: "Simulated service".to_owned(),
            kind: &TYPES[0],
            created: history.end,
            modified: history.end,
        };
        BTreeMap::from([(id, one)])
    }
}

fn type_shown((id, name, fields): &Kind) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), json!({ "type": "string" }))).collect();
    json!({
        "id": id, "name": name, "displayOrder": fields, "required": fields,
        "properties": { "type": "object", "properties": properties },
    })
}

fn type_short((id, name, _): &Kind) -> Value {
    json!({ "id": id, "name": name })
}

/// `CredentialInfo`.
pub(super) fn info(one: &CredentialRecord) -> Value {
    json!({
        "id": one.id,
        "name": one.name,
        "createdDate": iso(one.created),
        "modifiedDate": iso(one.modified),
        "type": type_short(one.kind),
        "selfUri": format!("/api/v2/integrations/credentials/{}", one.id),
    })
}

fn sorted<'a>(asked: &'a Asked<'_>) -> Vec<&'a CredentialRecord> {
    let mut all: Vec<_> = asked.state.books.credentials.values().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    all
}

/// `GET /api/v2/integrations/credentials`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    numbered(asked.request, PAGE_MAX, &sorted(asked), |one| info(one))
}

/// `GET /api/v2/integrations/credentials/listing`: the same behind a cursor.
pub(super) fn listing(asked: &mut Asked<'_>) -> Answer {
    let all = sorted(asked);
    let slice = Slice::asked(asked.request, "after", all.len(), 25, LISTING_MAX)?;
    let page = all.get(slice.begin..slice.end).unwrap_or_default();
    let entities: Vec<Value> = page.iter().map(|one| info(one)).collect();
    let mut body = json!({ "entities": entities, "selfUri": slice.self_uri });
    if let Some((uri, _)) = slice.next {
        body["nextUri"] = json!(uri);
    }
    if let Some(uri) = slice.previous {
        body["previousUri"] = json!(uri);
    }
    Ok(Reply::json(&body))
}

/// `GET /api/v2/integrations/credentials/types`.
pub(super) fn types(_: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&TYPES.iter().map(type_shown).collect::<Vec<_>>()))
}

/// `GET /api/v2/integrations/credentials/{credentialId}`: without what is secret.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let one = asked.state.books.credentials.get(asked.id(0));
    let one = one.ok_or_else(|| missing("credential", asked.id(0)))?;
    Ok(Reply::json(&json!({
        "id": one.id,
        "name": one.name,
        "type": type_short(one.kind),
        "credentialFields": {},
        "selfUri": format!("/api/v2/integrations/credentials/{}", one.id),
    })))
}

/// Name and type of a body, whose fields have to be those of the type.
fn read(body: &Value) -> Result<(String, &'static Kind), Reply> {
    let name = required(body, "name")?.to_owned();
    let kind = required(&body["type"], "id").or_else(|_| required(&body["type"], "name"))?;
    let kind = TYPES
        .iter()
        .find(|(id, name, _)| *id == kind || *name == kind)
        .ok_or_else(|| missing("credential type", kind))?;
    for field in kind.2 {
        if !body["credentialFields"][*field].is_string() {
            let text = format!("The field credentialFields.{field} is required.");
            return Err(Reply::error(400, "required.field.missing", &text));
        }
    }
    Ok((name, kind))
}

/// `POST /api/v2/integrations/credentials`.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    let (name, kind) = read(&asked.object()?)?;
    if asked.state.books.credentials.len() >= RECORDS {
        return Err(Reply::bad_request("There are too many credentials."));
    }
    let id = asked.new_id();
    let one = CredentialRecord { id, name, kind, created: asked.now, modified: asked.now };
    let reply = Reply::json(&info(&one));
    asked.state.books.credentials.insert(one.id.clone(), one);
    Ok(reply)
}

/// `PUT /api/v2/integrations/credentials/{credentialId}`.
pub(super) fn update(asked: &mut Asked<'_>) -> Answer {
    let (id, now) = (asked.id(0).to_owned(), asked.now);
    let (name, kind) = read(&asked.object()?)?;
    let one = asked.state.books.credentials.get_mut(&id);
    let one = one.ok_or_else(|| missing("credential", &id))?;
    (one.name, one.kind, one.modified) = (name, kind, now);
    Ok(Reply::json(&info(one)))
}

/// `DELETE /api/v2/integrations/credentials/{credentialId}`.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let id = asked.id(0).to_owned();
    asked.state.books.credentials.remove(&id).ok_or_else(|| missing("credential", &id))?;
    Ok(deleted())
}
