//! The presence of users.

use crate::events::body::body;
use crate::events::timestamp::Timestamp;

body! {
    /// A user's presence. The user's id is in the topic only.
    pub struct UserPresence {
        /// Who set it: `PURECLOUD`, or another source.
        source: Box<str> = "source",
        /// The presence.
        presence_definition: OrganizationPresence = "presenceDefinition",
        /// Whether its source is the user's primary one.
        primary: bool = "primary",
        /// The user's own words.
        message: Box<str> = "message",
        /// When it changed.
        modified_date: Timestamp = "modifiedDate",
        /// The presence that follows when the current work is done.
        future_presence_definition: Box<OrganizationPresence> = "futurePresenceDefinition",
    }
}

body! {
    /// A presence of the organization.
    pub struct OrganizationPresence {
        /// The id of its definition.
        id: Box<str> = "id",
        /// What it means to the platform, such as `AVAILABLE` or `ON_QUEUE`. REST spells it differently: compare after
        /// dropping case, spaces and underscores.
        system_presence: Box<str> = "systemPresence",
    }
}
