//! Until when it is sure that a connection brought everything.

use std::time::{Duration, Instant};

use crate::core::clock::Moment;

/// A second without a byte that could be read is a lull: what comes after it may have waited on its way. It is how long
/// TCP waits before it sends a first segment again (RFC 6298, section 2), and longer than a round trip to any region.
const LULL: Duration = Duration::from_secs(1);
/// What was held up comes in one go: after this long without an end, it was not the last that had waited.
const SETTLED: Duration = Duration::from_secs(1);

/// Until when everything that the peer had to deliver is known to have come in, should the connection end now.
///
/// A byte that comes in shows that the peer was there when it was sent, not when it came: a network that stood still for
/// twenty seconds hands over in one go what was sent before, with the close frame behind it, though the peer delivered
/// nothing more over this connection for most of that time. So what comes after a lull counts only when the connection
/// outlives it for a moment. And a byte counts as come in when it was read only as long as the reader waits for it: of what
/// a reader finds that was behind, or looked away, nobody knows how long it has been there, only that it came after
/// nothing had waited. The answer to a ping shows that the peer was there when the ping was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    sure: Moment,
    /// The newest moment since which a byte has come in, or at which one did.
    last: Moment,
    /// When nothing waited to be read.
    empty: Moment,
    /// When the first byte after a lull came in. A connection that has just been opened had none.
    resumed: Option<Instant>,
    /// Whether more waits to be read.
    behind: bool,
}

impl Proof {
    /// Of a connection that begins to count at this moment.
    pub(crate) fn new(at: Moment) -> Self {
        Self { sure: at, last: at, empty: at, resumed: None, behind: false }
    }

    /// Everything that has come in is read; `newest` is the byte that was read last.
    pub(crate) fn read_all(&mut self, newest: Moment) {
        if std::mem::take(&mut self.behind) {
            self.empty = newest;
            if self.has_settled(newest.mono) {
                self.advance(self.last);
            }
        } else if newest.mono > self.empty.mono {
            self.came_in(newest.mono, newest);
            self.empty = newest;
        }
    }

    /// More waits to be read; `newest` is the byte that was read last.
    pub(crate) fn read_some(&mut self, newest: Moment) {
        if !self.behind && newest.mono > self.empty.mono {
            self.came_in(newest.mono, self.empty);
        }
        self.behind = true;
    }

    /// Nobody reads any more, until the next of the calls above.
    pub(crate) fn looks_away(&mut self, now: Instant) {
        self.advance(self.until(now));
        self.behind = true;
    }

    /// Something was read that has come in since this moment, or at it.
    fn came_in(&mut self, read: Instant, since: Moment) {
        if read.saturating_duration_since(self.last.mono) > LULL {
            // What came before the lull has been outlived by the connection.
            self.advance(self.last);
            self.resumed = Some(read);
        } else if self.has_settled(read) {
            self.advance(since);
        }
        if since.mono > self.last.mono {
            self.last = since;
        }
    }

    /// A ping that was sent at this moment is answered.
    pub(crate) fn answered(&mut self, sent: Moment) {
        self.advance(sent);
    }

    /// Until when it is sure, at this time.
    pub(crate) fn until(&self, now: Instant) -> Moment {
        if !self.behind && self.has_settled(now) && self.last.mono > self.sure.mono {
            self.last
        } else {
            self.sure
        }
    }

    /// Where it stands while the reader is behind.
    pub(crate) fn stands_at(&self) -> Option<Instant> {
        self.behind.then_some(self.sure.mono)
    }

    fn has_settled(&self, now: Instant) -> bool {
        self.resumed.is_none_or(|since| now.saturating_duration_since(since) >= SETTLED)
    }

    fn advance(&mut self, to: Moment) {
        if to.mono > self.sure.mono {
            self.sure = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    struct Line {
        start: Instant,
        proof: Proof,
    }

    impl Line {
        fn new() -> Self {
            let start = Instant::now();
            let at = Moment { mono: start, wall: SystemTime::UNIX_EPOCH };
            Self { start, proof: Proof::new(at) }
        }

        fn at(&self, millis: u64) -> Moment {
            let after = Duration::from_millis(millis);
            Moment { mono: self.start + after, wall: SystemTime::UNIX_EPOCH + after }
        }

        fn read(&mut self, millis: impl IntoIterator<Item = u64>) {
            for at in millis {
                self.proof.read_all(self.at(at));
            }
        }

        /// Until when it is sure when it ends then, in milliseconds.
        fn until(&self, end: u64) -> u128 {
            let until = self.proof.until(self.at(end).mono);
            let wall = until.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(until.mono.saturating_duration_since(self.start), wall);
            wall.as_millis()
        }
    }

    #[test]
    fn a_steady_connection_is_sure_until_its_last_byte() {
        let mut line = Line::new();
        line.read((0..10_000).step_by(300));
        assert_eq!(line.until(9_900), 9_900);
        assert_eq!(line.until(60_000), 9_900);
    }

    #[test]
    fn what_comes_in_one_go_after_a_lull_proves_nothing_before_it_is_outlived() {
        let mut line = Line::new();
        line.read((0..5_000).step_by(500));
        line.read([25_000, 25_001, 25_400]);
        assert_eq!(line.until(25_400), 4_500, "it may have been sent at any time since");
        assert_eq!(line.until(25_999), 4_500);
        assert_eq!(line.until(26_000), 25_400, "whoever had closed it then would have been heard");
        line.read([26_100]);
        assert_eq!(line.until(26_100), 26_100);
    }

    #[test]
    fn a_connection_that_was_just_opened_is_no_lull() {
        let mut line = Line::new();
        line.read([200, 300]);
        assert_eq!(line.until(310), 300);
    }

    #[test]
    fn a_quiet_connection_is_sure_until_the_message_before_the_last() {
        let mut line = Line::new();
        line.read([30_000, 60_000, 90_000]);
        assert_eq!(line.until(90_000), 60_000);
        assert_eq!(line.until(91_000), 90_000);
        assert_eq!(line.until(119_000), 90_000);
    }

    #[test]
    fn a_reader_that_is_behind_knows_nothing_of_the_present() {
        let mut line = Line::new();
        line.read((0..3_000).step_by(100));
        line.read([5_000]);
        line.proof.read_some(line.at(7_000));
        assert_eq!(line.until(12_000), 5_000);
        line.read([13_000]);
        assert_eq!(line.until(13_100), 5_000);
        assert_eq!(line.until(40_000), 5_000, "it may have been there for six seconds");
        line.read([13_200]);
        assert_eq!(line.until(13_300), 5_000);
        assert_eq!(line.until(14_200), 13_200);
        let mut line = Line::new();
        line.read([5_000]);
        line.proof.read_some(line.at(5_300));
        assert_eq!(line.until(12_000), 0, "what it reads may all have waited as long");
    }

    #[test]
    fn what_a_reader_finds_that_looked_away_has_been_there_for_nobody_knows_how_long() {
        let mut line = Line::new();
        line.read((0..3_000).step_by(100));
        line.proof.looks_away(line.at(3_000).mono);
        // The path died at five seconds; what had come until then is read at fourteen.
        line.read([14_000]);
        assert_eq!(line.until(49_000), 2_900);
    }

    #[test]
    fn a_reader_that_is_behind_again_and_again_is_sure_of_when_it_was_not() {
        let mut line = Line::new();
        for at in (0..10_000).step_by(20) {
            line.proof.read_some(line.at(at + 5));
            line.read([at + 6]);
        }
        assert_eq!(line.until(10_000), 9_966);
        // Each time for longer than a lull.
        let mut line = Line::new();
        for at in (0..30_000).step_by(3_000) {
            line.proof.read_some(line.at(at + 10));
            line.read([at + 2_990]);
        }
        assert_eq!(line.until(30_000), 26_990);
    }

    #[test]
    fn an_answer_counts_for_the_moment_of_its_ping() {
        let mut line = Line::new();
        line.read((0..3_000).step_by(100));
        line.proof.answered(line.at(7_000));
        line.read([20_000]);
        assert_eq!(line.until(20_000), 7_000);
        line.proof.answered(line.at(6_000));
        assert_eq!(line.until(20_000), 7_000);
        assert_eq!(line.until(21_000), 20_000);
    }
}
