//! Text of others for a terminal.

use std::fmt::{self, Write};

/// Shows a text as it is, but for what a terminal would obey: controls, and marks that turn the direction of what
/// follows, are written as escapes.
pub(super) struct Printable<'a>(pub(super) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            let is_turn = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || is_turn {
                write!(f, "{}", c.escape_debug())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_and_what_a_terminal_would_obey_does_not() {
        let shown = |text| Printable(text).to_string();
        assert_eq!(shown("the server's \"error\" \\ é"), "the server's \"error\" \\ é");
        assert_eq!(shown("a\u{1b}[2Jb\r\nc\u{202e}d"), "a\\u{1b}[2Jb\\r\\nc\\u{202e}d");
    }
}
