//! The plots of a report, as SVG. Every text in them is this crate's own.

use std::error::Error as StdError;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::diagnostics::millis;
use crate::probe::report::{LatencyRanges, Report};
use crate::probe::series::Point;

type Drawn = Result<String, Box<dyn StdError>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDE: u32 = 900;
const INK: RGBColor = RGBColor(51, 65, 85);
const GRID: RGBColor = RGBColor(226, 232, 240);
const BLUE: RGBColor = RGBColor(37, 99, 235);
const ORANGE: RGBColor = RGBColor(217, 119, 6);
const RED: RGBColor = RGBColor(220, 38, 38);
const GREEN: RGBColor = RGBColor(22, 163, 74);
const GREY: RGBColor = RGBColor(148, 163, 184);

/// What a time axis counts in.
fn unit(longest: Duration) -> (f64, &'static str) {
    match longest.as_secs() {
        0..600 => (1.0, "seconds"),
        600..18_000 => (60.0, "minutes"),
        18_000..345_600 => (3_600.0, "hours"),
        _ => (86_400.0, "days"),
    }
}

fn draw(height: u32, plot: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn StdError>>) -> Drawn {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDE, height)).into_drawing_area();
        area.fill(&WHITE)?;
        plot(&area)?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn small() -> TextStyle<'static> {
    ("sans-serif", 13).into_font().color(&INK)
}

/// Runs of points without a hole.
fn runs(
    points: &[Point],
    value: fn(&Point) -> Option<Duration>,
    scale: f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for point in points {
        match (value(point), runs.last_mut()) {
            (Some(value), Some(run)) => {
                run.push((point.at.as_secs_f64() / scale, millis::of(value)));
            }
            (None, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Round trips or jitter over time, timeouts as red marks at the top, ends of connections as dashed lines.
fn over_time(
    report: &Report,
    name: &str,
    value: fn(&Point) -> Option<Duration>,
    color: RGBColor,
) -> Drawn {
    let (scale, unit) = unit(report.duration);
    let points = &report.series.points;
    let highest = points.iter().filter_map(value).max().map_or(1.0, millis::of).max(0.1) * 1.15;
    let end = (report.duration.as_secs_f64() / scale).max(f64::EPSILON);
    draw(260, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(24)
            .x_label_area_size(38)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..end, 0.0..highest)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GREY)
            .label_style(small())
            .axis_desc_style(small())
            .x_desc(unit)
            .y_desc(name)
            .y_label_formatter(&|ms| short(*ms))
            .x_label_formatter(&|at| short(*at))
            .draw()
            .map_err(|error| error.to_string())?;
        for drop in report.drops.iter().filter(|drop| !drop.orderly) {
            let at = drop.elapsed.as_secs_f64() / scale;
            let line = DashedLineSeries::new([(at, 0.0), (at, highest)], 4, 4, RED.mix(0.6).into());
            chart.draw_series(line).map_err(|error| error.to_string())?;
        }
        for run in runs(points, value, scale) {
            // A line of one point is invisible.
            if let [one] = run[..] {
                let dot = Circle::new(one, 2, color.filled());
                chart.draw_series([dot]).map_err(|error| error.to_string())?;
            }
            let line = LineSeries::new(run, color.stroke_width(1));
            chart.draw_series(line).map_err(|error| error.to_string())?;
        }
        let timeouts = points.iter().filter(|point| point.timeouts > 0);
        let marks = timeouts.map(|point| {
            let at = (point.at.as_secs_f64() / scale, highest * 0.97);
            TriangleMarker::new(at, 5, RED.filled())
        });
        chart.draw_series(marks).map_err(|error| error.to_string())?;
        Ok(())
    })
}

pub(super) fn latency(report: &Report) -> Drawn {
    over_time(report, "round trip, ms", |point| point.latency, BLUE)
}

pub(super) fn jitter(report: &Report) -> Drawn {
    over_time(report, "jitter, ms", |point| point.jitter, ORANGE)
}

/// How many round trips there were of each length.
#[allow(clippy::cast_precision_loss)] // It is drawn.
pub(super) fn spread(ranges: &LatencyRanges) -> Drawn {
    let width = millis::of(ranges.width);
    let highest = ranges.counts.iter().max().copied().unwrap_or(1).max(1) as f64 * 1.1;
    let end = width * ranges.counts.len().max(1) as f64;
    draw(240, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(24)
            .x_label_area_size(38)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..end, 0.0..highest)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GREY)
            .label_style(small())
            .axis_desc_style(small())
            .x_desc("round trip, ms")
            .y_desc("pings")
            .y_label_formatter(&|count| short(*count))
            .x_label_formatter(&|ms| short(*ms))
            .draw()
            .map_err(|error| error.to_string())?;
        let bars = ranges.counts.iter().enumerate().map(|(n, count)| {
            let left = width * n as f64;
            let corners = [(left + width * 0.06, 0.0), (left + width * 0.94, *count as f64)];
            Rectangle::new(corners, BLUE.mix(0.75).filled())
        });
        chart.draw_series(bars).map_err(|error| error.to_string())?;
        Ok(())
    })
}

/// When the connection was live, and when it was dropped.
pub(super) fn timeline(report: &Report) -> Drawn {
    let (scale, unit) = unit(report.duration);
    let seconds = |at: Duration| at.as_secs_f64() / scale;
    let end = seconds(report.duration).max(f64::EPSILON);
    draw(110, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_left(76)
            .margin_right(24)
            .x_label_area_size(38)
            .build_cartesian_2d(0.0..end, 0.0..1.0)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(GREY)
            .label_style(small())
            .axis_desc_style(small())
            .x_desc(unit)
            .x_label_formatter(&|at| short(*at))
            .draw()
            .map_err(|error| error.to_string())?;
        let bar = |from: f64, to: f64, color: RGBAColor| {
            Rectangle::new([(from, 0.15), (to, 0.75)], color.filled())
        };
        let live = report
            .drops
            .iter()
            .map(|drop| (drop.elapsed.saturating_sub(drop.was_live), drop.elapsed))
            .chain(report.live_since.map(|since| (since, report.duration)))
            .map(|(from, to)| bar(seconds(from), seconds(to), GREEN.mix(0.55)));
        chart.draw_series([bar(0.0, end, GREY.mix(0.25))]).map_err(|error| error.to_string())?;
        chart.draw_series(live).map_err(|error| error.to_string())?;
        for drop in report.drops.iter().filter(|drop| !drop.orderly) {
            let at = seconds(drop.elapsed);
            let line = PathElement::new([(at, 0.05), (at, 0.85)], RED.stroke_width(2));
            chart.draw_series([line]).map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

/// A number with as many places as it needs.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
