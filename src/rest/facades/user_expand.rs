//! Parts of users that come on request.

use crate::events::open_enum::open_enum;

open_enum! {
    /// A part of a user that the platform sends on request. It does so as well as it can: a part may be missing.
    ///
    /// Source of the names: description of `expand` of `GET /api/v2/users` and `GET /api/v2/users/me`.
    pub enum UserExpand {
        /// The routing status.
        RoutingStatus = "routingStatus",
        /// The presence.
        Presence = "presence",
        /// The presence of an integration, such as Microsoft Teams.
        IntegrationPresence = "integrationPresence",
        /// How many conversations of which kind the user has.
        ConversationSummary = "conversationSummary",
        /// Whether the user is out of office.
        OutOfOffice = "outOfOffice",
        /// Where the user is.
        Geolocation = "geolocation",
        /// The stations.
        Station = "station",
        /// Roles and permissions.
        Authorization = "authorization",
        /// When the user signed in last.
        LastTokenIssued = "lasttokenissued",
        /// The team.
        Team = "team",
        /// The groups.
        Groups = "groups",
        /// The skills of the profile.
        ProfileSkills = "profileSkills",
        /// The certificates.
        Certifications = "certifications",
        /// The locations.
        Locations = "locations",
        /// The skills for routing.
        Skills = "skills",
        /// The languages for routing.
        Languages = "languages",
        /// The language that the user reads.
        LanguagePreference = "languagePreference",
        /// The employer's data.
        EmployerInfo = "employerInfo",
        /// The biography.
        Biography = "biography",
        /// The organisation; of `me` only.
        Organization = "organization",
        /// The token; of `me` only.
        Token = "token",
    }
}

pub(super) fn names(parts: impl IntoIterator<Item = UserExpand>) -> impl Iterator<Item = Box<str>> {
    parts.into_iter().map(|part| part.as_str().into())
}
