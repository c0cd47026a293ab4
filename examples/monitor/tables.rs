//! The two tables.

use std::time::SystemTime;

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Span;
use ratatui::widgets::{Row, Table};

use crate::agents::Agent;
use crate::cell::Cell;
use crate::common::note::counted;
use crate::draw::{TITLE, age};
use crate::queues::Queue;
use crate::watch::Watch;

/// What stands where nothing is known.
const UNKNOWN: &str = "·";

/// Lines that a table of so many wants: its names of columns too.
pub(crate) fn height(count: usize) -> u16 {
    u16::try_from(count + 1).unwrap_or(u16::MAX)
}

pub(crate) fn draw_agents(frame: &mut Frame<'_>, area: Rect, watch: &Watch) {
    let agents = watch.board.agents();
    let rows = agents.iter().map(|(id, agent)| {
        let name = watch.board.name(id).to_owned();
        let row = Row::new([
            Span::from(name),
            presence(&agent.presence),
            since(&agent.presence),
            routing(&agent.routing),
            since(&agent.routing),
            conversations(agent),
        ]);
        dimmed(row, watch)
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(10),
        Constraint::Length(6),
        Constraint::Length(15),
        Constraint::Length(6),
        Constraint::Length(15),
    ];
    let names = ["presence", "since", "routing", "since", "conversations"];
    draw(frame, area, ("Agents", &names), Table::new(rows, widths), agents.len());
}

pub(crate) fn draw_queues(frame: &mut Frame<'_>, area: Rect, watch: &Watch) {
    let queues = watch.board.queues();
    let rows = queues.iter().map(|(id, queue)| {
        let (figures, is_stale) = queue.figures();
        let waiting = figures.map(|(waiting, _)| waiting);
        let row = Row::new([
            Span::from(watch.board.name(id).to_owned()),
            number(waiting, is_stale),
            number(figures.map(|(_, interacting)| interacting), is_stale),
            going_on(queue),
            longest(queue),
        ]);
        dimmed(row, watch)
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(7),
        Constraint::Length(11),
        Constraint::Length(5),
        Constraint::Length(7),
    ];
    let names = ["waiting", "interacting", "total", "longest"];
    draw(frame, area, ("Queues", &names), Table::new(rows, widths), queues.len());
}

fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    (title, names): (&str, &[&str]),
    table: Table<'_>,
    count: usize,
) {
    let room = usize::from(area.height.saturating_sub(1));
    let title =
        if room < count { format!("{title} ({room} of {count})") } else { title.to_owned() };
    let names = names.iter().map(|name| (*name).to_owned());
    let header = Row::new(std::iter::once(title).chain(names)).style(TITLE);
    frame.render_widget(table.header(header), area);
}

/// Without a connection nothing in the row is sure.
fn dimmed<'a>(row: Row<'a>, watch: &Watch) -> Row<'a> {
    if watch.is_live() { row } else { row.dim() }
}

fn presence(cell: &Cell<String>) -> Span<'static> {
    let color = |value: &str| match value {
        "available" | "on queue" => Some(Color::Green),
        "busy" | "meeting" => Some(Color::Red),
        _ => None,
    };
    text(cell, color)
}

fn routing(cell: &Cell<String>) -> Span<'static> {
    let color = |value: &str| match value {
        "idle" => Some(Color::Green),
        "interacting" | "communicating" => Some(Color::Magenta),
        "not responding" => Some(Color::Red),
        _ => None,
    };
    text(cell, color)
}

fn text(cell: &Cell<String>, color: impl Fn(&str) -> Option<Color>) -> Span<'static> {
    let Some(value) = cell.value() else {
        return UNKNOWN.dim();
    };
    if cell.is_stale() {
        return format!("{value}?").dim();
    }
    let style = color(value).map_or(Style::new(), |color| Style::new().fg(color));
    Span::styled(value.clone(), style)
}

fn since(cell: &Cell<String>) -> Span<'static> {
    let elapsed = |since: SystemTime| SystemTime::now().duration_since(since).unwrap_or_default();
    match cell.since() {
        Some(since) => age(elapsed(since)).dim(),
        None => UNKNOWN.dim(),
    }
}

fn conversations(agent: &Agent) -> Span<'static> {
    let cell = &agent.conversations;
    let Some(all) = cell.value() else {
        return UNKNOWN.dim();
    };
    let text = match all.values().next() {
        None => "none".to_owned(),
        Some(state) if all.len() == 1 => format!("1 {state}"),
        Some(_) => counted(all.len() as u64, "call"),
    };
    match (cell.is_stale(), all.is_empty()) {
        (true, _) => format!("{text}?").dim(),
        (false, true) => text.dim(),
        (false, false) => text.into(),
    }
}

fn number(value: Option<u64>, is_stale: bool) -> Span<'static> {
    match value {
        None => UNKNOWN.dim(),
        Some(value) if is_stale => format!("{value}?").dim(),
        Some(0) => "0".dim(),
        Some(value) => value.to_string().bold(),
    }
}

fn going_on(queue: &Queue) -> Span<'static> {
    let (count, is_stale) = queue.conversations();
    number(count.map(|count| count as u64), is_stale)
}

fn longest(queue: &Queue) -> Span<'static> {
    let (_, is_stale) = queue.conversations();
    match queue.longest_wait() {
        None => UNKNOWN.dim(),
        Some(since) => {
            let age = age(SystemTime::now().duration_since(since).unwrap_or_default());
            if is_stale { format!("{age}?").dim() } else { age.into() }
        }
    }
}
