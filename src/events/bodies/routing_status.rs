//! The routing status of users.

use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// A user's routing status.
    pub struct UserRoutingStatus {
        /// The user.
        id: Box<str> = "id",
        /// The status.
        routing_status: RoutingStatus = "routingStatus",
        /// What went wrong.
        error_info: Box<RoutingError> = "errorInfo",
    }
}

body! {
    /// A routing status, and since when.
    pub struct RoutingStatus {
        /// The status.
        status: RoutingState = "status",
        /// Since when.
        start_time: Timestamp = "startTime",
    }
}

open_enum! {
    /// Whether work is offered to a user, and whether it is taken.
    pub enum RoutingState {
        /// No work is offered.
        OffQueue = "OFF_QUEUE",
        /// Waits for work.
        Idle = "IDLE",
        /// Has work from a queue.
        Interacting = "INTERACTING",
        /// Did not answer, and is offered nothing until that is changed.
        NotResponding = "NOT_RESPONDING",
        /// Is busy with something that is not from a queue.
        Communicating = "COMMUNICATING",
    }
}

body! {
    /// What went wrong with a routing status.
    pub struct RoutingError {
        /// The platform's code.
        error_code: Box<str> = "errorCode",
        /// The status.
        status: i64 = "status",
        /// What support asks for.
        correlation_id: Box<str> = "correlationId",
        /// The text.
        user_message: Box<str> = "userMessage",
        /// The text with places for its parameters.
        user_params_message: Box<str> = "userParamsMessage",
        /// The parameters of the text.
        user_params: Vec<RoutingErrorParam> = "userParams",
    }
}

body! {
    /// A parameter of an error's text.
    pub struct RoutingErrorParam {
        /// Its name.
        key: Box<str> = "key",
        /// Its value.
        value: Box<str> = "value",
    }
}
