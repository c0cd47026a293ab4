//! The calls that a supervisor waits for.

use super::{Driver, Op};
use crate::error::ErrorKind;
use crate::streaming::protocol::StreamEvent;
use crate::streaming::supervisor::{Action, Input};

impl<E: StreamEvent> Driver<E> {
    /// A call that the supervisor waits for.
    pub(super) fn op(&self, action: Action) -> Op {
        let channels = self.parts.channels.clone();
        let tokens = self.parts.tokens.clone();
        let events = self.events.clone();
        Box::pin(async move {
            match action {
                Action::List => Input::Listed(channels.list().await),
                Action::Create => match tokens.token().await {
                    // The call takes this token or a newer one.
                    Ok(token) => {
                        let answer = channels.create().await;
                        Input::Created { answer, generation: token.generation }
                    }
                    Err(error) => {
                        // Without a token no channel was asked for.
                        let passes = error.is_retryable();
                        let answer = Err(error.unsent().retryable(passes));
                        Input::Created { answer, generation: 0 }
                    }
                },
                Action::Check(channel) => {
                    let answer = channels.exists(&channel).await;
                    Input::Checked { channel, answer }
                }
                Action::ReadBack(channel) => {
                    let answer = channels.subscriptions(&channel).await;
                    Input::ReadBack { channel, answer }
                }
                Action::Clear(channel) => {
                    let gone = channels.clear(&channel).await;
                    let alive = !gone.is_err_and(|error| error.kind() == ErrorKind::NotFound);
                    Input::Cleared { channel, alive }
                }
                Action::Replace(id, sent) => {
                    let answer = channels.replace(&id, &sent).await;
                    Input::Subscribed { channel: id, sent, answer }
                }
                _ => {
                    events.until(|events| events.has_caught_up() && !events.is_clogged()).await;
                    Input::CaughtUp
                }
            }
        })
    }
}
