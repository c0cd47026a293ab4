//! Whose turn it is to dial, when many streams share a rate.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::link::{Link, Order, Report};
use super::protocol::StreamEvent;
use super::report::Farewell;
use super::supervisor::Ending;
use crate::error::{Error, ErrorKind};
use crate::events::Topic;
use crate::transport::clock::sleep_until;

/// Says when a connection may be opened: plain data in, plain data out.
///
/// Asked once for each connection of every stream that it was given to, first ones, lost ones and successors alike.
///
/// ```
/// use std::time::Instant;
/// use genesys_cloud::DialGate;
///
/// struct AtOnce;
///
/// impl DialGate for AtOnce {
///     fn turn(&self, now: Instant) -> Instant {
///         now
///     }
/// }
/// ```
pub trait DialGate: Send + Sync {
    /// Takes the next free turn. What is returned is waited for; a time in the past means at once.
    fn turn(&self, now: Instant) -> Instant;
}

const _: fn(&dyn DialGate) = |_| {};

impl<T: DialGate + ?Sized> DialGate for Arc<T> {
    fn turn(&self, now: Instant) -> Instant {
        (**self).turn(now)
    }
}

/// Runs a link once its turn has come. Until then it obeys orders as a link does whose socket is not open yet.
pub(super) async fn run_in_turn<E: StreamEvent>(
    link: Link<E>,
    mut wanted: Vec<Topic>,
    mut orders: mpsc::Receiver<Box<Order>>,
) {
    // Also when a gate, a filter or an observer panics: the driver must not wait for a link that is no more.
    let mut farewell = Farewell { link: link.key, reports: Some(link.reports.clone()) };
    let clock = link.parts.connector.clock.clone();
    let turn = link.parts.gate.as_ref().map(|gate| gate.turn(clock.now()));
    if let Some(turn) = turn {
        let mut wait = pin!(sleep_until(&*clock, turn));
        loop {
            let order = tokio::select! {
                biased;
                order = orders.recv() => order,
                () = &mut wait => break,
            };
            let report = match order.map(|order| *order) {
                // The driver is gone.
                None => {
                    farewell.reports = None;
                    return;
                }
                Some(Order::Close(cause)) => {
                    farewell.reports = None;
                    let ending = Ending::new(cause, None);
                    let _ =
                        link.reports.send(Box::new(Report::Gone { link: link.key, ending })).await;
                    return;
                }
                // It will be in the first messages.
                Some(Order::Subscribe(newer)) => {
                    wanted.clone_from(&newer);
                    Report::Asked { link: link.key, answer: Ok(newer) }
                }
                Some(Order::Send(_, answer)) => {
                    let text = "the stream is not live: nothing was sent";
                    let _ = answer.send(Err(Error::new(ErrorKind::Closed, text).retryable(true)));
                    continue;
                }
                // A new connection shows that it flows as soon as it does, and there is nothing to deliver yet.
                Some(Order::Probe | Order::Hush) => continue,
            };
            let _ = link.reports.send(Box::new(report)).await;
        }
    }
    link.run(wanted, orders, farewell).await;
}
