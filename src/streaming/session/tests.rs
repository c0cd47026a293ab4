//! One connection, input by input.

use super::*;

struct Bench {
    session: Session,
    start: Instant,
    out: Vec<Action>,
}

impl Bench {
    fn new() -> Self {
        Self { session: Session::new(Timing::default()), start: Instant::now(), out: Vec::new() }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn step(&mut self, seconds: u64, input: Input) -> Vec<Action> {
        let now = self.at(seconds);
        self.session.step(now, input, &mut self.out);
        std::mem::take(&mut self.out)
    }

    fn live() -> Self {
        let mut bench = Self::new();
        bench.step(0, Input::Start);
        bench.step(0, Input::Opened);
        bench.step(0, Input::Message);
        bench
    }
}

#[test]
fn opens_greets_pings_and_flows_with_the_first_message() {
    let mut bench = Bench::new();
    assert_eq!(bench.step(0, Input::Start), [Action::Dial]);
    assert_eq!(bench.step(1, Input::Opened), [Action::Greet, Action::Ping]);
    let rtt = Action::Rtt(Duration::from_secs(1));
    assert_eq!(bench.step(2, Input::Pong), [rtt, Action::Flowing]);
    assert_eq!(bench.step(3, Input::Message), []);
}

#[test]
fn a_socket_that_accepts_and_says_nothing_ends_at_the_handshake_deadline() {
    let mut bench = Bench::new();
    bench.step(0, Input::Start);
    bench.step(19, Input::Opened);
    let last_in = bench.at(19);
    assert_eq!(bench.session.wake_at(last_in, last_in), Some(bench.at(20)));
    let done = Action::Done(Gone::HandshakeTimeout);
    assert_eq!(bench.step(20, Input::Timer { last_in, heard: last_in }), [done]);
}

#[test]
fn quiet_is_pinged_and_then_dead_whatever_was_written() {
    let mut bench = Bench::live();
    let last_in = bench.at(0);
    assert_eq!(bench.session.wake_at(last_in, last_in), Some(bench.at(15)));
    assert_eq!(bench.step(15, Input::Timer { last_in, heard: last_in }), [Action::Ping]);
    assert_eq!(bench.step(30, Input::Timer { last_in, heard: last_in }), [Action::Ping]);
    assert_eq!(bench.session.wake_at(last_in, last_in), Some(bench.at(35)));
    let quiet = Duration::from_secs(35);
    let done = Action::Done(Gone::Silent { quiet });
    assert_eq!(bench.step(35, Input::Timer { last_in, heard: last_in }), [done]);
    assert_eq!(bench.step(36, Input::Timer { last_in, heard: last_in }), []);
}

#[test]
fn half_a_frame_is_a_sign_of_life() {
    let mut bench = Bench::live();
    let last_in = bench.at(34);
    assert_eq!(bench.step(35, Input::Timer { last_in, heard: last_in }), []);
    assert_eq!(bench.session.wake_at(last_in, last_in), Some(bench.at(49)));
}

#[test]
fn silence_is_not_held_against_a_socket_that_we_do_not_read() {
    let mut bench = Bench::live();
    let last_in = bench.at(0);
    bench.step(1, Input::Paused(true));
    assert_eq!(
        bench.step(60, Input::Timer { last_in, heard: last_in }),
        [Action::Ping],
        "pings go on"
    );
    bench.step(100, Input::Paused(false));
    assert_eq!(bench.step(134, Input::Timer { last_in, heard: last_in }), [Action::Ping]);
    assert!(matches!(
        bench.step(135, Input::Timer { last_in, heard: last_in })[..],
        [Action::Done(_)]
    ));
}

#[test]
fn a_deadline_without_end_is_one_that_never_comes() {
    let endless = Timing {
        handshake: Duration::MAX,
        silence: Duration::MAX,
        ping_after: Duration::MAX,
        write: Duration::MAX,
        close: Duration::MAX,
    };
    let mut bench = Bench::new();
    bench.session = Session::new(endless);
    assert_eq!(bench.step(0, Input::Start), [Action::Dial]);
    bench.step(1, Input::Opened);
    bench.step(2, Input::Message);
    let (last_in, heard) = (bench.at(2), bench.at(2));
    let year = bench.at(365 * 86_400);
    assert!(bench.session.wake_at(last_in, heard).is_some_and(|at| at > year));
    bench.step(365 * 86_400, Input::Timer { last_in, heard });
    assert!(bench.step(365 * 86_400, Input::Close(Gone::Requested)).len() == 1);
    assert!(!bench.session.is_over());
}

#[test]
fn a_reader_that_is_behind_pings_although_bytes_come_in() {
    let mut bench = Bench::live();
    let (last_in, heard) = (bench.at(14), bench.at(0));
    assert_eq!(bench.session.wake_at(last_in, heard), Some(bench.at(15)));
    assert_eq!(bench.step(15, Input::Timer { last_in, heard }), [Action::Ping]);
    // Bytes keep it alive, and the next ping has its time.
    let last_in = bench.at(29);
    assert_eq!(bench.session.wake_at(last_in, heard), Some(bench.at(30)));
    assert_eq!(bench.step(29, Input::Timer { last_in, heard }), []);
}

#[test]
fn a_probe_asks_for_a_new_sign_of_flow() {
    let mut bench = Bench::live();
    assert_eq!(bench.step(5, Input::Probe), [Action::Ping]);
    assert_eq!(bench.step(6, Input::Message), [Action::Flowing]);
    assert_eq!(bench.step(7, Input::Message), []);
}

fn asking() -> Bench {
    let mut bench = Bench::new();
    bench.session.set_asks(true);
    bench.step(0, Input::Start);
    assert_eq!(bench.step(0, Input::Opened), [Action::Greet, Action::Mark]);
    bench
}

#[test]
fn what_was_sent_before_the_peer_read_a_subscription_is_no_sign_of_it() {
    let mut bench = asking();
    assert_eq!(bench.step(1, Input::Message), []);
    let rtt = Action::Rtt(Duration::from_secs(2));
    assert_eq!(bench.step(2, Input::Answered), [rtt, Action::Flowing]);
    assert_eq!(bench.step(3, Input::Asked), [Action::Mark]);
    assert_eq!(bench.step(4, Input::Message), []);
    assert_eq!(bench.step(4, Input::Answered), [Action::Flowing]);
    assert_eq!(bench.step(5, Input::Answered), [], "an answer counts once");
}

#[test]
fn a_peer_that_does_not_repeat_our_id_flows_all_the_same() {
    let mut bench = asking();
    assert_eq!(bench.step(1, Input::Message), []);
    let last_in = bench.at(1);
    assert_eq!(bench.session.wake_at(last_in, last_in), Some(bench.at(5)));
    assert!(bench.step(5, Input::Timer { last_in, heard: last_in }).contains(&Action::Flowing));
    bench.step(6, Input::Asked);
    assert_eq!(bench.step(7, Input::Message), []);
    assert_eq!(bench.step(11, Input::Message), [Action::Flowing]);
}

#[test]
fn the_answer_to_our_close_has_its_time_although_we_do_not_read() {
    let mut bench = Bench::live();
    bench.step(1, Input::Paused(true));
    bench.step(1, Input::Close(Gone::Requested));
    assert_eq!(bench.session.wake_at(bench.at(1), bench.at(1)), None);
    bench.step(60, Input::Paused(false));
    assert_eq!(bench.session.wake_at(bench.at(1), bench.at(1)), Some(bench.at(63)));
    bench.step(62, Input::Paused(true));
    bench.step(70, Input::Paused(false));
    assert_eq!(bench.session.wake_at(bench.at(1), bench.at(1)), Some(bench.at(71)));
}

#[test]
fn a_close_of_ours_keeps_its_reason_and_has_a_deadline() {
    let mut bench = Bench::live();
    let close = bench.step(5, Input::Close(Gone::Requested));
    assert_eq!(close, [Action::SendClose(CloseCode::NORMAL)]);
    assert_eq!(bench.step(6, Input::Close(Gone::Overflow)), []);
    assert_eq!(bench.session.wake_at(bench.at(5), bench.at(5)), Some(bench.at(8)));
    let cut = Gone::Cut { detail: "".into() };
    assert_eq!(bench.step(7, Input::Gone(cut)), [Action::Done(Gone::Requested)]);
    assert!(bench.session.is_over());
}

#[test]
fn nothing_happens_before_the_start_and_after_the_end() {
    let mut bench = Bench::new();
    let (t, last_in) = (0, bench.at(0));
    assert_eq!(bench.step(t, Input::Opened), []);
    assert_eq!(bench.step(t, Input::Message), []);
    assert_eq!(bench.step(t, Input::Timer { last_in, heard: last_in }), []);
    let gone = Gone::Overflow;
    assert_eq!(bench.step(t, Input::Close(gone.clone())), [Action::Done(gone.clone())]);
    for input in [Input::Start, Input::Opened, Input::Pong, Input::Probe, Input::Gone(gone)] {
        assert_eq!(bench.step(t, input), []);
    }
}
