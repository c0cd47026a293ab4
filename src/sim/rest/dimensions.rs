//! The dimensions and metrics that the query language of analytics knows, as the platform publishes them. One that
//! nothing here has is known all the same: no row has a value for it.

use super::filter::Known;

/// Filters of conversations.
pub(super) const CONVERSATION: Known = Known { dimensions: OF_CONVERSATIONS, metrics: METRICS };

/// Filters of segments.
pub(super) const SEGMENT: Known = Known { dimensions: OF_SEGMENTS, metrics: &["tSegmentDuration"] };

/// Filters and groups of aggregates of conversations.
pub(super) const AGGREGATE: Known = Known { dimensions: OF_AGGREGATES, metrics: METRICS };

/// Filters and groups of aggregates of flows.
pub(super) const FLOW: Known = Known { dimensions: OF_FLOWS, metrics: FLOW_METRICS };

/// Filters and groups of aggregates of users.
pub(super) const USER: Known = Known { dimensions: &["userId"], metrics: USER_METRICS };

/// Filters of the details of users.
pub(super) const PRESENCE: Known =
    Known { dimensions: &["organizationPresenceId", "systemPresence"], metrics: &[] };
pub(super) const ROUTING_STATUS: Known = Known { dimensions: &["routingStatus"], metrics: &[] };

/// Filters of observations.
pub(super) const QUEUE_NOW: Known = Known { dimensions: &["mediaType", "queueId"], metrics: &[] };
pub(super) const FLOW_NOW: Known = Known { dimensions: &["flowId", "mediaType"], metrics: &[] };

/// Of whole conversations.
#[rustfmt::skip]
const OF_CONVERSATIONS: &[&str] = &[
    "accessAttribute", "conversationEnd", "conversationId", "conversationInitiator",
    "conversationStart", "customerParticipation", "divisionId", "externalTag",
    "mediaStatsMinConversationMos", "originatingDirection", "originatingSocialMediaPublic",
];

/// Of segments, with what stands above them.
#[rustfmt::skip]
const OF_SEGMENTS: &[&str] = &[
    "addressFrom", "addressTo", "agentAssistantId", "agentOwned", "ani", "authenticated",
    "bargedParticipantId", "callbackNumber", "callbackScheduledTime",
    "canonicalExternalContactId", "cleared", "coachedParticipantId", "conference",
    "deliveryPushed", "deliveryStatus", "destinationAddress", "destinationConversationId",
    "detectedSpeechEnd", "detectedSpeechStart", "direction", "disconnectType", "dnis", "edgeId",
    "engagementSource", "errorCode", "exitReason", "extendedDeliveryStatus",
    "externalContactId", "externalOrganizationId", "flaggedReason", "flowId", "flowName",
    "flowOutType", "flowOutcome", "flowOutcomeId", "flowOutcomeValue", "flowVersion", "groupId",
    "journeyActionId", "journeyActionMapId", "journeyCustomerId", "journeyCustomerIdType",
    "journeyCustomerSessionId", "mediaCount", "mediaType", "messageType",
    "monitoredParticipantId", "outboundCampaignId", "outboundContactId",
    "outboundContactListId", "participantName", "protocolCallId", "provider", "purpose",
    "queueId", "recording", "remote", "remoteNameDisplayable", "requestedLanguageId",
    "requestedRouting", "requestedRoutingSkillId", "scoredAgentId", "screenMonitoredUserId",
    "screenRecording", "scriptId", "segmentEnd", "segmentType", "sessionDnis",
    "sipResponseCode", "skillExpressionId", "snippetRecording", "subject", "teamId",
    "transferTargetAddress", "transferTargetName", "transferType", "usedRouting", "userId",
    "wrapUpCode", "wrapUpNote",
];

/// Of the sessions that aggregates are made of.
#[rustfmt::skip]
const OF_AGGREGATES: &[&str] = &[
    "activeRouting", "activeSkillId", "addressFrom", "addressTo", "agentAssistantId",
    "agentBullseyeRing", "agentOwned", "agentRank", "agentScore", "ani", "assignerId",
    "authenticated", "canonicalExternalContactId", "conversationId", "conversationInitiator",
    "convertedFrom", "convertedTo", "customerParticipation", "deliveryStatus",
    "destinationAddress", "direction", "disconnectType", "divisionId", "dnis", "edgeId",
    "eligibleAgentCount", "errorCode", "extendedDeliveryStatus", "externalContactId",
    "externalMediaCount", "externalOrganizationId", "externalTag", "firstQueue",
    "flaggedReason", "flowInType", "flowOutType", "groupId", "interactionType",
    "journeyActionId", "journeyActionMapId", "journeyActionMapVersion", "journeyCustomerId",
    "journeyCustomerIdType", "journeyCustomerSessionId", "journeyCustomerSessionIdType",
    "knowledgeBaseId", "mediaCount", "mediaType", "messageType", "originatingDirection",
    "originatingSocialMediaPublic", "outboundCampaignId", "outboundContactId",
    "outboundContactListId", "participantName", "peerId", "proposedAgentId", "provider",
    "purpose", "queueId", "remote", "removedSkillId", "requestedLanguageId", "requestedRouting",
    "requestedRoutingSkillId", "roomId", "routingPriority", "routingRing", "routingRule",
    "routingRuleType", "scoredAgentId", "selectedAgentId", "selectedAgentRank", "selfServed",
    "sessionDnis", "sessionId", "skillExpressionId", "stationId", "teamId", "usedRouting",
    "userId", "videoPresent", "waitingInteractionCount", "wrapUpCode",
];

/// Of the sessions of flows.
#[rustfmt::skip]
const OF_FLOWS: &[&str] = &[
    "activeRouting", "activeSkillId", "addressFrom", "addressTo", "agentAssistantId",
    "agentBullseyeRing", "agentOwned", "agentRank", "agentScore", "ani", "assignerId",
    "authenticated", "canonicalExternalContactId", "conversationId", "conversationInitiator",
    "convertedFrom", "convertedTo", "customerParticipation", "deliveryStatus",
    "destinationAddress", "direction", "disconnectType", "divisionId", "dnis", "edgeId",
    "eligibleAgentCount", "endingLanguage", "entryReason", "entryType", "errorCode",
    "exitReason", "extendedDeliveryStatus", "externalContactId", "externalMediaCount",
    "externalOrganizationId", "externalTag", "firstQueue", "flaggedReason", "flowId",
    "flowInType", "flowMilestoneId", "flowName", "flowOutType", "flowOutcome", "flowOutcomeId",
    "flowOutcomeValue", "flowSubType", "flowType", "flowVersion", "groupId", "interactionType",
    "journeyActionId", "journeyActionMapId", "journeyActionMapVersion", "journeyCustomerId",
    "journeyCustomerIdType", "journeyCustomerSessionId", "journeyCustomerSessionIdType",
    "knowledgeBaseId", "mediaCount", "mediaType", "messageType", "originatingDirection",
    "outboundCampaignId", "outboundContactId", "outboundContactListId", "participantName",
    "peerId", "proposedAgentId", "provider", "purpose", "queueId", "recognitionFailureReason",
    "remote", "removedSkillId", "requestedLanguageId", "requestedRouting",
    "requestedRoutingSkillId", "roomId", "routingPriority", "routingRing", "routingRule",
    "routingRuleType", "scoredAgentId", "selectedAgentId", "selectedAgentRank", "selfServed",
    "sessionDnis", "sessionId", "skillExpressionId", "startingLanguage", "stationId", "teamId",
    "transferTargetAddress", "transferTargetName", "transferType", "usedRouting", "userId",
    "videoPresent", "waitingInteractionCount", "wrapUpCode",
];

/// Of conversations.
#[rustfmt::skip]
const METRICS: &[&str] = &[
    "nAgentDeclined", "nAlertExpired", "nBlindTransferred", "nBotInteractions",
    "nCallbackAttempts", "nCallbackOverSla", "nCallbackScheduled", "nCfcOffered",
    "nCobrowseSessions", "nConnected", "nConsult", "nConsultTransferred", "nConversations",
    "nError", "nFlow", "nFlowMilestone", "nFlowOutcome", "nFlowOutcomeFailed", "nOffered",
    "nOutbound", "nOutboundAbandoned", "nOutboundAttempted", "nOutboundConnected", "nOverSla",
    "nStateTransitionError", "nTakeover", "nTransferred", "oAudioMessageCount",
    "oExternalAudioMessageCount", "oExternalMediaCount", "oFlowMilestone", "oMediaCount",
    "oMessageCount", "oMessageSegmentCount", "oMessageTurn", "oSkillExpressionApplications",
    "tAbandon", "tAcd", "tActiveCallback", "tActiveCallbackComplete", "tAcw",
    "tAgentResponseTime", "tAgentVideoConnected", "tAlert", "tAnswered",
    "tAverageAgentResponseTime", "tAverageCustomerResponseTime", "tBarging", "tCallbackAbandon",
    "tCallbackConnect", "tCallbackNotReached", "tCallbackVirtualWait", "tCfcAbandon", "tCfcAcd",
    "tCfcAnswered", "tCfcFlowOut", "tCoaching", "tCoachingComplete", "tConnected",
    "tContacting", "tConversationDuration", "tDialing", "tFirstConnect", "tFirstDial",
    "tFirstEngagement", "tFirstResponse", "tFlow", "tFlowDisconnect", "tFlowExit", "tFlowOut",
    "tFlowOutcome", "tHandle", "tHeld", "tHeldComplete", "tIvr", "tMonitoring",
    "tMonitoringComplete", "tNotResponding", "tPark", "tParkComplete", "tScreenMonitoring",
    "tShortAbandon", "tSnippetRecord", "tTalk", "tTalkComplete", "tTransmitting",
    "tUserResponseTime", "tVoicemail",
    "tWait", "oServiceLevel", "oServiceTarget", "oCallbackServiceLevel",
];

/// Of flows.
#[rustfmt::skip]
const FLOW_METRICS: &[&str] = &[
    "nFlow", "nFlowMilestone", "nFlowOutcome", "nFlowOutcomeFailed", "oFlowMilestone", "tFlow",
    "tFlowDisconnect", "tFlowExit", "tFlowOutcome",
];

/// Of users.
#[rustfmt::skip]
const USER_METRICS: &[&str] = &[
    "tAgentRoutingStatus", "tOrganizationPresence", "tSystemPresence",
];
