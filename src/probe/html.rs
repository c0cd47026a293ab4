//! A report as one HTML file.

use std::error::Error as StdError;
use std::fmt::Write;

use crate::diagnostics::latency_window::Summary;
use crate::diagnostics::millis;
use crate::events::Timestamp;
use crate::probe::plots;
use crate::probe::report::{CloseReport, DropReport, Report, Stability};
use crate::probe::verdict::{Party, Verdict};

/// Drops that are listed one by one.
const LISTED: usize = 200;

const STYLE: &str = "
:root{color-scheme:light}
body{font:15px/1.5 system-ui,'Segoe UI',sans-serif;color:#1e293b;background:#f8fafc;margin:0}
main{max-width:960px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}
.sub{color:#64748b;margin:0 0 20px}
.card{background:#fff;border:1px solid #e2e8f0;border-radius:8px;padding:16px 20px;margin:12px 0;overflow-x:auto}
.tag{display:inline-block;border-radius:4px;padding:1px 8px;font-weight:600;font-size:13px}
.ok{background:#dcfce7;color:#166534}.bad{background:#fee2e2;color:#991b1b}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid #e2e8f0;vertical-align:top}
th{color:#64748b;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto;display:block}ul{margin:4px 0;padding-left:20px}
td{overflow-wrap:anywhere}.t{white-space:nowrap}.verdict{font-size:18px;font-weight:600;margin:0 0 8px}
";

/// Text for HTML: nothing in it is markup, and controls do not hide anything.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Also the marks that turn the direction of what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

impl Report {
    /// The report as one HTML file without scripts, and without anything that it would load.
    ///
    /// Text that came from the network is escaped.
    pub fn html(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_html(&mut out);
        out
    }

    fn write_html(&self, out: &mut String) -> std::fmt::Result {
        let name = escape(self.application.as_deref().unwrap_or("a stream"));
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>Probe of {name}</title><style>{STYLE}</style></head><body><main>\
             <h1>Probe of {name}</h1><p class=\"sub\">from {}, for {:.1} s</p>",
            Timestamp::from(self.started_at),
            self.duration.as_secs_f64()
        )?;
        self.write_verdict(out)?;
        self.write_figures(out)?;
        self.write_plots(out)?;
        self.write_drops(out)?;
        out.write_str("</main></body></html>\n")
    }

    fn write_verdict(&self, out: &mut String) -> std::fmt::Result {
        let (class, word, reasons) = match &self.stability {
            Stability::Stable => ("ok", "stable", String::new()),
            Stability::Unstable(reasons) => {
                ("bad", "unstable", format!(" {}", escape(&reasons.join("; "))))
            }
        };
        write!(
            out,
            "<div class=\"card\"><p><span class=\"tag {class}\">{word}</span>{reasons}</p>"
        )?;
        let Verdict { party, cause, confidence, evidence } = &self.verdict;
        write!(
            out,
            "<p class=\"verdict\">{}: {}</p><p>Confidence: {}</p>\
             <table><tr><th class=\"n\">weight</th><th class=\"n\">times</th><th>points at</th><th>evidence</th></tr>",
            headline(*party),
            cause.name(),
            confidence.name()
        )?;
        for piece in evidence {
            let (party, what) = (piece.party.name(), escape(&piece.what));
            let (weight, times) = (piece.weight, piece.times);
            write!(
                out,
                "<tr><td class=\"n\">{weight}</td><td class=\"n\">{times}</td><td>{party}</td><td>{what}</td></tr>"
            )?;
        }
        out.write_str("</table></div>")
    }

    fn write_figures(&self, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            "<h2>Messages</h2><div class=\"card\"><p>{} messages, {} not JSON; {} connections, {} gaps of {:.1} s \
             together</p><table><tr><th>type</th><th class=\"n\">messages</th></tr>",
            self.messages,
            self.not_json,
            self.connects,
            self.gaps,
            self.uncovered.as_secs_f64()
        )?;
        for (kind, count) in &self.by_type {
            write!(out, "<tr><td>{}</td><td class=\"n\">{count}</td></tr>", escape(kind))?;
        }
        out.write_str("</table></div>")?;
        if let Some(media) = &self.media {
            write!(
                out,
                "<h2>Audio</h2><div class=\"card\"><p>{} frames, {} later than {:.0} ms; latency p50 {:.1} ms, p99 {:.1} \
                 ms, max {:.1} ms; jitter {:.1} ms</p>",
                media.frames,
                media.late,
                media.threshold_ms,
                media.p50_ms,
                media.p99_ms,
                media.max_ms,
                media.jitter_ms
            )?;
            write_list(out, media.causes.iter().map(|cause| &**cause))?;
            out.write_str("</div>")?;
        }
        Ok(())
    }

    fn write_plots(&self, out: &mut String) -> std::fmt::Result {
        if let Some(latency) = &self.latency {
            out.write_str("<h2>Round trips</h2><div class=\"card\"><table><tr><th>ms</th>")?;
            for name in ["count", "min", "mean", "p50", "p90", "p95", "p99", "max"] {
                write!(out, "<th class=\"n\">{name}</th>")?;
            }
            out.write_str("</tr>")?;
            write_row(out, "latency", latency.total.latency.as_ref())?;
            write_row(out, "jitter", latency.total.jitter.as_ref())?;
            let counts = latency.counts;
            write!(
                out,
                "</table><p>{} pings: {} answered, {} late, {} lost, {} lost with the connection; {} unsolicited and {} \
                 repeated pongs</p>",
                counts.sent,
                counts.answered,
                counts.late,
                counts.lost,
                counts.lost_with_connection,
                counts.unsolicited,
                counts.repeated
            )?;
            if !self.series.points.is_empty() {
                write_plot(out, plots::latency(self))?;
                write_plot(out, plots::jitter(self))?;
                out.write_str(
                    "<p class=\"sub\">Dashed: a drop. Red mark: a ping without an answer.</p>",
                )?;
            }
            out.write_str("</div>")?;
            if let Some(ranges) = &self.ranges {
                out.write_str("<h2>Spread of round trips</h2><div class=\"card\">")?;
                write_plot(out, plots::spread(ranges))?;
                out.write_str("</div>")?;
            }
        }
        out.write_str("<h2>Timeline</h2><div class=\"card\">")?;
        write_plot(out, plots::timeline(self))?;
        out.write_str("<p class=\"sub\">Green: live. Red: a drop.</p></div>")
    }

    fn write_drops(&self, out: &mut String) -> std::fmt::Result {
        if !self.drops.is_empty() {
            out.write_str(
                "<h2>Ends of connections</h2><div class=\"card\"><table><tr><th>when</th><th class=\"n t\">live, s</th>\
                 <th>what</th><th>by</th><th>the platform</th></tr>",
            )?;
            for drop in self.drops.iter().take(LISTED) {
                write_drop(out, drop)?;
            }
            out.write_str("</table>")?;
            let more = self.drops.len().saturating_sub(LISTED) as u64 + self.more_drops;
            if more > 0 {
                write!(out, "<p>and {more} more</p>")?;
            }
            out.write_str("</div>")?;
        }
        for (title, text) in [
            ("The stream ended", &self.ended),
            ("The platform could not be asked about drops", &self.correlation_error),
        ] {
            if let Some(text) = text {
                write!(out, "<div class=\"card\">{title}: {}</div>", escape(text))?;
            }
        }
        if let Some(close) = &self.close {
            let CloseReport { code, what, meaning, causes, check, .. } = close;
            write!(
                out,
                "<h2>The last end, explained</h2><div class=\"card\"><p><b>{code}</b> {meaning}</p><p>{}</p><p>Possible \
                 causes:</p>",
                escape(what)
            )?;
            write_list(out, causes.iter().copied())?;
            out.write_str("<p>What to check:</p>")?;
            write_list(out, check.iter().copied())?;
            out.write_str("</div>")?;
        }
        Ok(())
    }
}

fn headline(party: Party) -> &'static str {
    match party {
        Party::None => "Nothing was dropped",
        Party::Platform => "Dropped by the platform",
        Party::Network => "Dropped by the network",
        Party::Application => "Dropped by the application",
        Party::Unknown => "It is not known who dropped it",
    }
}

fn write_drop(out: &mut String, drop: &DropReport) -> std::fmt::Result {
    let reasons: Vec<_> = drop.correlated.iter().map(|event| escape(&event.reason)).collect();
    let party = if drop.orderly { "" } else { drop.verdict.party.name() };
    write!(
        out,
        "<tr><td class=\"t\">{}</td><td class=\"n\">{:.1}</td><td>{}</td><td class=\"t\">{party}</td><td>{}</td></tr>",
        Timestamp::from(drop.at),
        drop.was_live.as_secs_f64(),
        escape(&drop.close.what),
        reasons.join("; ")
    )
}

fn write_row(out: &mut String, name: &str, summary: Option<&Summary>) -> std::fmt::Result {
    let Some(s) = summary else {
        return Ok(());
    };
    write!(out, "<tr><td>{name}</td><td class=\"n\">{}</td>", s.count)?;
    for value in [s.min, s.mean, s.p50, s.p90, s.p95, s.p99, s.max] {
        write!(out, "<td class=\"n\">{:.2}</td>", millis::of(value))?;
    }
    out.write_str("</tr>")
}

fn write_list<'a>(out: &mut String, items: impl Iterator<Item = &'a str>) -> std::fmt::Result {
    out.write_str("<ul>")?;
    for item in items {
        write!(out, "<li>{}</li>", escape(item))?;
    }
    out.write_str("</ul>")
}

fn write_plot(out: &mut String, plot: Result<String, Box<dyn StdError>>) -> std::fmt::Result {
    match plot {
        Ok(svg) => out.write_str(&svg),
        Err(error) => write!(out, "<p>could not be drawn: {}</p>", escape(&error.to_string())),
    }
}
