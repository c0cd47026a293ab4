//! The links of a driver, and what they are told to do.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Driver, Line};
use crate::core::ports::ChannelInfo;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;
use crate::streaming::gate::run_in_turn;
use crate::streaming::ledger::LinkKey;
use crate::streaming::link::{Link, Order};
use crate::streaming::progress::Progress;
use crate::streaming::protocol::{Outbound, StreamEvent};

/// Orders that may wait for a link; a link takes them at once.
const ORDERS: usize = 8;
/// Orders of the driver's own that always find room beside messages of the owner's.
const OWN_ORDERS: usize = 4;

impl<E: StreamEvent> Driver<E> {
    /// Hands a message of the owner's to the link that can send it, which answers.
    pub(super) fn send(&self, message: Outbound, answer: oneshot::Sender<Result<()>>) {
        let line = self.supervisor.open_link().and_then(|link| self.links.get(&link));
        let orders = line.map(|line| &line.orders);
        let error = match orders {
            None => Error::new(ErrorKind::Closed, "the stream is not live: nothing was sent"),
            Some(orders) if orders.capacity() <= OWN_ORDERS => {
                Error::new(ErrorKind::Capacity, "too many messages wait for the connection")
            }
            Some(orders) => {
                // Refused only by a link that is ending, which drops the answer: that is an error too.
                let _ = orders.try_send(Box::new(Order::Send(message, answer)));
                return;
            }
        };
        let _ = answer.send(Err(error.retryable(true)));
    }

    pub(super) fn dial(
        &mut self,
        key: LinkKey,
        channel: Option<ChannelInfo>,
        wanted: Vec<Topic>,
        replaces: Vec<LinkKey>,
    ) {
        let attempt = self.supervisor.failures();
        let id = channel.as_ref().map(|channel| &channel.id);
        self.parts.observer.observe(&Signal::Dial { channel: id, attempt });
        let (orders, ordered) = mpsc::channel(ORDERS);
        let progress = Arc::<Progress>::default();
        self.links.insert(key, Line { orders, progress: progress.clone() });
        let link = Link {
            key,
            channel,
            replaces,
            overlap: self.shared.overlap.clone(),
            parts: self.parts.clone(),
            timing: self.timing,
            events: self.events.clone(),
            reports: self.reports.clone(),
            counters: self.shared.counters.clone(),
            progress,
        };
        tokio::spawn(run_in_turn(link, wanted, ordered));
    }

    pub(super) fn order(&self, link: LinkKey, order: Order) {
        if let Some(line) = self.links.get(&link) {
            // A link with a full box of orders is one that is ending.
            let _ = line.orders.try_send(Box::new(order));
        }
    }
}
