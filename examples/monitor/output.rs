//! Where everything is shown.

use std::io::{self, IsTerminal};
use std::time::Duration;

use genesys_cloud::Delivery;

use crate::screen::Screen;
use crate::tally::Summary;
use crate::watch::Watch;
use crate::{common, json, plain};

/// One of the three ways to show it.
pub(crate) enum Output {
    /// JSON lines.
    Json,
    /// Lines for people.
    Plain,
    /// A terminal that is drawn on.
    Screen(Screen),
}

impl Output {
    /// The one that suits, ready to be written to.
    pub(crate) fn open(wants_json: bool, watch: &Watch) -> io::Result<Self> {
        if wants_json {
            return Ok(Self::Json);
        }
        if io::stdout().is_terminal() {
            return Screen::open().map(Self::Screen);
        }
        plain::begin(io::stdout(), watch)?;
        Ok(Self::Plain)
    }

    /// How often [`tick`](Self::tick) is wanted.
    pub(crate) fn period(&self) -> Duration {
        match self {
            Self::Json | Self::Plain => Duration::from_secs(1),
            Self::Screen(_) => Duration::from_millis(100),
        }
    }

    /// Shows an item that `watch` has taken note of.
    pub(crate) fn item(&mut self, delivery: &Delivery, watch: &Watch) -> io::Result<()> {
        match self {
            Self::Json => json::item(io::stdout(), delivery),
            Self::Plain => plain::item(io::stdout(), delivery, watch),
            // Drawn with the next tick: a thousand events a second are not a thousand pictures.
            Self::Screen(_) => Ok(()),
        }
    }

    /// Shows how things are.
    pub(crate) fn tick(&mut self, watch: &Watch) -> io::Result<()> {
        match self {
            Self::Json => Ok(()),
            Self::Plain => plain::status(io::stdout(), watch),
            Self::Screen(screen) => screen.draw(watch),
        }
    }

    /// Resolves when the user has pressed a key that ends the program.
    pub(crate) async fn quit(&mut self) {
        match self {
            Self::Json | Self::Plain => std::future::pending().await,
            Self::Screen(screen) => screen.quit().await,
        }
    }

    /// Gives the terminal back, and writes the summary.
    pub(crate) fn finish(self, summary: &Summary, watch: &Watch) -> io::Result<()> {
        match self {
            Self::Json => common::json(io::stdout(), summary),
            Self::Plain => plain::summary(io::stdout(), summary, watch.up()),
            Self::Screen(screen) => {
                drop(screen);
                plain::summary(io::stdout(), summary, watch.up())
            }
        }
    }
}
