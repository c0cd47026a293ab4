//! Sources of backfill: the state of users and queues, and the conversations of a gap, by REST calls that work with
//! client credentials.

mod conversation_body;
mod conversations;
mod observations;
mod presence;
mod routing_status;
pub(crate) mod source;
