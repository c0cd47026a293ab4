//! Where a probe asks about drops: the list of an application's connections, and ends of conversations.

use std::time::SystemTime;

use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::probe::correlate::{Correlate, DisconnectEvent};
use crate::rest::app_foundry::AppFoundryApi;
use crate::rest::conversation_ends::{ConversationEnd, ConversationEndsApi};

/// Audio with a lower mean opinion score is poor.
/// Source: ITU-T G.107, annex B: below 3.60 many users are dissatisfied.
const POOR_MOS: f64 = 3.60;

/// The events of one application's connections.
pub(crate) struct ApplicationEvents {
    api: AppFoundryApi,
    app: Box<str>,
}

impl ApplicationEvents {
    pub(crate) fn new(api: AppFoundryApi, app_id: &str) -> Self {
        Self { api, app: app_id.into() }
    }
}

impl Correlate for ApplicationEvents {
    fn events(
        &self,
        start: SystemTime,
        end: SystemTime,
    ) -> BoxFuture<'_, Result<Vec<DisconnectEvent>>> {
        Box::pin(async move {
            let found = self.api.connection_events(&self.app, start, end).await?;
            let ends = found.into_iter().filter_map(|event| {
                let mut end =
                    DisconnectEvent::new(event.at, event.reason?, "appfoundry.connection");
                end.by = event.by;
                end.code = event.code;
                Some(end)
            });
            Ok(ends.collect())
        })
    }
}

/// Legs of conversations that a fault may have ended, or whose audio was poor. What ended in a usual way is left out.
impl Correlate for ConversationEndsApi {
    fn events(
        &self,
        start: SystemTime,
        end: SystemTime,
    ) -> BoxFuture<'_, Result<Vec<DisconnectEvent>>> {
        Box::pin(async move {
            let found = self.between(start, end).await?;
            Ok(found.ends.iter().filter_map(suspicious).collect())
        })
    }
}

fn suspicious(end: &ConversationEnd) -> Option<DisconnectEvent> {
    let mos = end.media.and_then(|media| media.min_mos);
    let poor = mos.is_some_and(|mos| mos < POOR_MOS);
    let mut reason = match &end.disconnect {
        Some(kind) if kind.is_fault() => kind.to_string(),
        _ if end.error_code.is_some() => "error".to_owned(),
        _ if poor => "poor audio".to_owned(),
        _ => return None,
    };
    let parts = [&end.purpose, &end.media_type, &end.error_code, &end.error_description];
    for part in parts.into_iter().flatten() {
        reason.push_str(", ");
        reason.push_str(part);
    }
    if let Some(mos) = mos {
        reason = format!("{reason}, MOS {mos:.2}");
    }
    let event = DisconnectEvent::new(Some(end.at), reason, "conversation details");
    Some(event.conversation(end.conversation_id.clone()))
}
