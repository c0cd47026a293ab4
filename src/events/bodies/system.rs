//! What the platform says about channels and subscriptions.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::ids::ChannelId;
use crate::events::body::body;
use crate::events::json::Json;
use crate::events::open_enum::open_enum;
use crate::events::read::{Failed, Source, Value};
use crate::events::write::{Sink, Write};

body! {
    /// A message of the platform about a channel.
    pub struct SystemMessage {
        /// The channel.
        channel_id: ChannelId = "channelId",
        /// What it is about.
        system_topic_type: SystemTopicType = "systemTopicType",
        /// The platform's transaction.
        correlation_id: Box<str> = "correlationId",
        /// The organization.
        organization_id: Box<str> = "organizationId",
        /// The user.
        user_id: Box<str> = "userId",
        /// The OAuth client.
        oauth_client_id: Box<str> = "oauthClientId",
        /// The organization of the OAuth client.
        oauth_client_org_id: Box<str> = "oauthClientOrgId",
        /// Why.
        reason: SystemReason = "reason",
        /// The text.
        message: Box<str> = "message",
        /// More, as JSON.
        data: Json = "data",
    }
}

open_enum! {
    /// What a system message is about.
    pub enum SystemTopicType {
        /// Another channel took the subscriptions.
        NoLongerSubscribed = "no_longer_subscribed",
        /// The subscriptions changed.
        SubscriptionChanged = "subscription_changed",
        /// The token was revoked.
        TokenRevoked = "token_revoked",
    }
}

open_enum! {
    /// Why a system message was sent.
    pub enum SystemReason {
        /// Another channel of the same client subscribed.
        AnotherChannelSubscribed = "another_channel_subscribed",
        /// The tokens of the user were revoked.
        UserTokensRevoked = "user_tokens_revoked",
    }
}

impl Value for ChannelId {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        Ok(Box::<str>::read(from)?.map(Self::new))
    }
}

impl Write for ChannelId {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.text(self.expose())
    }
}

/// The whole id: what is read from the wire is written to the wire.
impl Serialize for ChannelId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for ChannelId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::new(Box::<str>::deserialize(from)?))
    }
}
