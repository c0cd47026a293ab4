//! The picture: a header, agents and queues, and the log.

use std::time::Duration;

use genesys_cloud::ConnectionState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use crate::common::note::{Note, Tone, counted, seconds};
use crate::plain::{particulars, word};
use crate::tables;
use crate::watch::Watch;

/// From this width on, queues are beside the agents.
const WIDE: u16 = 116;
/// Rows of the log that are left when the tables want everything.
const LOG: u16 = 5;
/// The line above a part of the picture: readable on dark and on light.
pub(crate) const TITLE: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws everything.
pub(crate) fn all(frame: &mut Frame<'_>, watch: &Watch) {
    let [header, rest] =
        Layout::vertical([Constraint::Length(3), Constraint::Min(0)]).areas(frame.area());
    draw_header(frame, header, watch);

    let agents = tables::height(watch.board.agents().len());
    let queues = tables::height(watch.board.queues().len());
    let log = if rest.width >= WIDE {
        let wanted = agents.max(queues);
        let room = rest.height.saturating_sub(LOG);
        let [top, log] =
            Layout::vertical([Constraint::Length(wanted.min(room)), Constraint::Min(0)])
                .areas(rest);
        let [left, right] =
            Layout::horizontal([Constraint::Length(70), Constraint::Min(0)]).areas(top);
        tables::draw_agents(frame, left, watch);
        tables::draw_queues(frame, right, watch);
        log
    } else {
        let queues = queues.min(rest.height / 3);
        let room = rest.height.saturating_sub(queues + LOG);
        let [top, middle, log] = Layout::vertical([
            Constraint::Length(agents.min(room)),
            Constraint::Length(queues),
            Constraint::Min(0),
        ])
        .areas(rest);
        tables::draw_agents(frame, top, watch);
        tables::draw_queues(frame, middle, watch);
        log
    };
    draw_log(frame, log, watch);
}

fn draw_header(frame: &mut Frame<'_>, area: Rect, watch: &Watch) {
    let [title, state, pace] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    let topics = counted(watch.topics as u64, "topic");
    let line = Line::from(vec![
        "Genesys Cloud monitor".bold(),
        format!("  {topics} of {}", watch.place).into(),
    ]);
    frame.render_widget(line, title);
    let quit = Line::from("q quits".dim()).right_aligned();
    frame.render_widget(quit, title);

    let color = match &watch.state {
        ConnectionState::Live { .. } => Color::Green,
        ConnectionState::Connecting { .. } => Color::Magenta,
        _ => Color::Red,
    };
    let line = Line::from(vec![
        Span::styled(format!("● {}", word(&watch.state)), Style::new().fg(color).bold()),
        format!(" {}", particulars(&watch.state)).into(),
    ]);
    let up = format!("up {}", age(watch.up()));
    draw_ends(frame, state, line, &up);

    let rate = format!("{:.1} events/s ", watch.pace.rate());
    let counts = format!(
        " {}, {}, {} not covered, {}",
        counted(watch.tally.events, "event"),
        counted(watch.tally.gaps, "gap"),
        seconds(watch.tally.uncovered()),
        counted(watch.reconnects, "reconnect"),
    );
    let width = |text: &str| Constraint::Length(u16::try_from(text.len()).unwrap_or(u16::MAX));
    let [left, middle, right] =
        Layout::horizontal([width(&rate), Constraint::Min(0), width(&counts)]).areas(pace);
    frame.render_widget(Line::from(rate), left);
    let history = watch.pace.history(usize::from(middle.width));
    frame.render_widget(Sparkline::default().data(history), middle);
    frame.render_widget(Line::from(counts), right);
}

/// A line with something at its right end, which gives way last.
fn draw_ends(frame: &mut Frame<'_>, area: Rect, line: Line<'_>, end: &str) {
    let width = u16::try_from(end.len() + 1).unwrap_or(u16::MAX);
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(width)]).areas(area);
    frame.render_widget(line, left);
    frame.render_widget(Line::from(end).right_aligned(), right);
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, watch: &Watch) {
    let [title, lines] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(Line::from("Stream").style(TITLE), title);
    let skipped = watch.notes.len().saturating_sub(usize::from(lines.height));
    let text: Vec<Line<'_>> = watch.notes.iter().skip(skipped).map(written).collect();
    frame.render_widget(Paragraph::new(text), lines);
}

fn written(note: &Note) -> Line<'_> {
    let style = match note.tone {
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Bad => Style::new().fg(Color::Red),
        Tone::Loss => Style::new().fg(Color::Magenta),
        Tone::Plain => Style::new(),
    };
    Line::from(vec![
        format!("{:>6.1} s ", note.at.as_secs_f64()).dim(),
        Span::styled(format!("{} ", note.what), style.add_modifier(Modifier::BOLD)),
        Span::styled(&*note.text, style),
    ])
}

/// A time in at most six characters.
pub(crate) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use genesys_cloud::{Topic, topics};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    #[test]
    fn ages_are_short() {
        let texts = [0, 59, 60, 3_599, 3_600, 86_399, 90_000].map(|s| age(Duration::from_secs(s)));
        assert_eq!(texts, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d01h"]);
    }

    #[test]
    fn every_size_of_terminal_can_be_drawn_on() {
        let agents = (0..30).map(|id| topics::users::presence(format!("a{id}")).untyped());
        let queues =
            (0..9).map(|id| topics::routing::queue_conversations(format!("q{id}")).untyped());
        let all_topics: Vec<Topic> = agents.chain(queues).collect();
        let watch = Watch::new("here".to_owned(), &all_topics);
        for width in [1, 10, 79, 80, 110, 250] {
            for height in [1, 2, 5, 24, 60] {
                let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                terminal.draw(|frame| all(frame, &watch)).unwrap();
            }
        }
    }
}
