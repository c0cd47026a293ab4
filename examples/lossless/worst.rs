//! What the simulator does wrong, by a seed.

use std::time::Duration;

use genesys_cloud::sim::Fault;

/// One of these after the other, in an order that the seed decides.
pub(crate) struct Worst {
    dice: fastrand::Rng,
    ahead: Vec<usize>,
}

impl Worst {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: fastrand::Rng::with_seed(seed), ahead: Vec::new() }
    }

    /// How long until the next fault.
    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(self.dice.u64(700..2_200))
    }

    /// The next fault: every kind once before one comes again.
    pub(crate) fn next(&mut self) -> (Fault, &'static str) {
        let kinds = kinds();
        if self.ahead.is_empty() {
            self.ahead = (0..kinds.len()).collect();
            self.dice.shuffle(&mut self.ahead);
        }
        let at = self.ahead.pop().unwrap_or_default();
        kinds.into_iter().nth(at).expect("the order holds numbers of kinds")
    }
}

fn kinds() -> Vec<(Fault, &'static str)> {
    let close = |code, text| (Fault::Close { code, reason: String::new() }, text);
    vec![
        (Fault::Reset, "every connection is cut"),
        close(1001, "every connection is closed: going away"),
        close(1011, "every connection is closed: server error"),
        (
            Fault::SocketClosing { after_ms: Some(2_500) },
            "maintenance: a notice now, the close in 2.5 s",
        ),
        (Fault::EvictChannel, "every channel is removed"),
        (Fault::RefuseConnect { for_ms: 800 }, "no connection is taken for 0.8 s"),
        (Fault::Silence { for_ms: 1_500 }, "nothing flows for 1.5 s"),
        (Fault::Delay { ms: 40, jitter_ms: 60 }, "events are late by 40 to 100 ms from now on"),
        (Fault::Reorder { probability: 0.2 }, "topics overtake each other from now on"),
        (Fault::Malformed { count: 3 }, "three frames that are no JSON"),
        (Fault::InvalidUtf8 { count: 1 }, "a frame that is not UTF-8"),
        (Fault::UnknownTopic { count: 3 }, "events of topics that nobody knows"),
        (
            Fault::Http {
                path: "/api/v2/".into(),
                status: 503,
                retry_after: None,
                count: 3,
                html: true,
            },
            "the next three calls get a gateway's error page",
        ),
    ]
}
