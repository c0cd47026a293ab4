//! The platform's catalogue of topics.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A topic that can be subscribed to, as the platform describes it.
///
/// Which fields are there depends on what was expanded. Fields that this version does not know are kept in
/// [`other`](Self::other), so that writing it out again loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AvailableTopic {
    /// The template, such as `v2.users.{id}.presence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<str>>,
    /// What it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// `Public` or `Preview`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Box<str>>,
    /// Whether its permissions are enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforced: Option<bool>,
    /// JSON schema of the event's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Map<String, Value>>,
    /// The permissions that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_permissions: Option<Vec<Box<str>>>,
    /// How the permissions combine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_details: Option<Vec<PermissionDetail>>,
    /// Whether it is only for the user whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_current_user: Option<bool>,
    /// Whether that user, or the permissions, will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_current_user_or_permission: Option<bool>,
    /// Whether permissions are looked up by division.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_division_permissions: Option<bool>,
    /// Whether any one of its checks will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_any_validator: Option<bool>,
    /// Where it can be delivered to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transports: Option<Vec<Box<str>>>,
    /// Paths of the REST API that show the same data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_api_template_uri_paths: Option<Vec<Box<str>>>,
    /// Names of the template's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_parameters: Option<Vec<Box<str>>>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One way to be permitted a topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PermissionDetail {
    /// Such as `requiresPermissions`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// The permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Box<str>>>,
    /// Whether the user whom it is about needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows_current_user: Option<bool>,
    /// Whether it is enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforced: Option<bool>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A part of [`AvailableTopic`] that the platform sends on request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpandTopic {
    /// [`AvailableTopic::description`].
    Description,
    /// [`AvailableTopic::enforced`].
    Enforced,
    /// [`AvailableTopic::schema`].
    Schema,
    /// [`AvailableTopic::visibility`].
    Visibility,
    /// [`AvailableTopic::transports`].
    Transports,
    /// [`AvailableTopic::public_api_template_uri_paths`].
    PublicApiTemplateUriPaths,
    /// [`AvailableTopic::requires_permissions`].
    RequiresPermissions,
    /// [`AvailableTopic::permission_details`].
    PermissionDetails,
    /// [`AvailableTopic::topic_parameters`].
    TopicParameters,
    /// One that this version does not know.
    Other(Box<str>),
}

impl ExpandTopic {
    /// Everything that this version knows.
    pub const ALL: [Self; 9] = [
        Self::Description,
        Self::Enforced,
        Self::Schema,
        Self::Visibility,
        Self::Transports,
        Self::PublicApiTemplateUriPaths,
        Self::RequiresPermissions,
        Self::PermissionDetails,
        Self::TopicParameters,
    ];

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Description => "description",
            Self::Enforced => "enforced",
            Self::Schema => "schema",
            Self::Visibility => "visibility",
            Self::Transports => "transports",
            Self::PublicApiTemplateUriPaths => "publicApiTemplateUriPaths",
            Self::RequiresPermissions => "requiresPermissions",
            Self::PermissionDetails => "permissionDetails",
            Self::TopicParameters => "topicParameters",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for ExpandTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_a_topic_out_again_loses_nothing() {
        let text = serde_json::json!({
            "id": "v2.users.{id}.presence", "description": "d", "visibility": "Experimental", "enforced": true,
            "schema": {"type": "object", "x": [1, null]}, "requiresPermissions": ["a:b:c"],
            "permissionDetails": [{"type": "new", "permissions": [], "allowsCurrentUser": true, "enforced": false, "novel": 1}],
            "requiresCurrentUser": false, "requiresCurrentUserOrPermission": true, "requiresDivisionPermissions": false,
            "requiresAnyValidator": true, "transports": ["All"], "publicApiTemplateUriPaths": ["/p"],
            "topicParameters": ["id"], "novel": {"deep": [true]}
        });
        let topic: AvailableTopic = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(topic.other.len(), 1, "known fields are typed");
        assert_eq!(serde_json::to_value(&topic).unwrap(), text);
        let bare: AvailableTopic = serde_json::from_str(r#"{"id":"x"}"#).unwrap();
        assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"id":"x"}"#);
    }

    #[test]
    fn every_expansion_has_the_name_of_its_field() {
        let topic = AvailableTopic {
            description: Some("d".into()),
            enforced: Some(true),
            schema: Some(Map::new()),
            visibility: Some("Public".into()),
            transports: Some(Vec::new()),
            public_api_template_uri_paths: Some(Vec::new()),
            requires_permissions: Some(Vec::new()),
            permission_details: Some(Vec::new()),
            topic_parameters: Some(Vec::new()),
            ..AvailableTopic::default()
        };
        let written = serde_json::to_value(&topic).unwrap();
        for expand in ExpandTopic::ALL {
            assert!(written.get(expand.as_str()).is_some(), "{expand}");
        }
    }
}
