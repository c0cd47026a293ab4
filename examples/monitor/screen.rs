//! The terminal: taken, drawn on, and given back whatever happens.

use std::io;

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::StreamExt;
use ratatui::DefaultTerminal;

use crate::draw;
use crate::watch::Watch;

/// A terminal in raw mode; dropping it gives it back. A panic gives it back before its message is written.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    keys: EventStream,
}

impl Screen {
    pub(crate) fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        Ok(Self { terminal, keys: EventStream::new() })
    }

    pub(crate) fn draw(&mut self, watch: &Watch) -> io::Result<()> {
        self.terminal.draw(|frame| draw::all(frame, watch))?;
        Ok(())
    }

    /// Resolves when `q`, Escape or Ctrl-C is pressed, which in raw mode is a key like any other.
    pub(crate) async fn quit(&mut self) {
        loop {
            match self.keys.next().await {
                Some(Ok(Event::Key(key))) if ends(key) => return,
                Some(Ok(_)) => {}
                // A terminal that is gone has nobody in front of it.
                Some(Err(_)) | None => return,
            }
        }
    }
}

fn ends(key: KeyEvent) -> bool {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c') => with_control,
            _ => false,
        }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
