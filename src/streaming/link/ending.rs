//! The end of a link.

use super::{Running, Voice};
use crate::core::close::Gone;
use crate::streaming::protocol::StreamEvent;
use crate::streaming::report::Report;
use crate::streaming::supervisor::{Ending, refuses_token};

impl<E: StreamEvent> Running<E> {
    pub(super) async fn report_gone(mut self, cause: Gone) {
        let ended = self.now();
        // It flowed to its end: what it has is delivered once the supervisor has said what there is to say.
        if let Voice::Waiting(go) = &mut self.voice {
            let fading = Report::Fading { link: self.link.key };
            let _ = self.link.reports.send(Box::new(fading)).await;
            if go.await.is_ok() {
                let now = self.now();
                self.speak(now);
            }
        }
        let now = self.now();
        if matches!(self.voice, Voice::Speaking) && !self.hold.is_empty() {
            let batch = self.hold.take((usize::MAX, usize::MAX));
            self.deliver(batch, now);
        }
        if let Some(probe) = self.probe.take() {
            probe.closed(now);
        }
        let last_in = self.socket.as_ref().map(|socket| socket.last_inbound());
        // The socket goes before the report: nobody may dial again while it is still there.
        drop(self.socket.take());
        let link = &self.link;
        link.overlap.over(link.key);
        let mut ending = Ending::new(cause, last_in);
        if let Some(proof) = &self.proof {
            ending.sure = Some(proof.until(ended));
        }
        if let Some(token) = &self.token {
            ending.token = Some(token.generation);
            if refuses_token(&ending.cause) {
                link.parts.tokens.invalidate(token);
                let hint = link.parts.protocol.refusal_hint(&ending.cause);
                ending.hint = hint.map(Into::into);
            }
        }
        ending.retry_after = self.retry_after;
        ending.drained = self.drained;
        ending.error = self.error.take();
        let report = Report::Gone { link: link.key, ending };
        let _ = link.reports.send(Box::new(report)).await;
    }
}
