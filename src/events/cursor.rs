//! The usual way through a JSON text: no error says why, since whoever fails here reads again with `serde_json`.

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::events::gaps::Gaps;
use crate::events::json::Json;
use crate::events::read::{Each, EachMember, Failed, Fields, Source};

/// Objects and lists within each other: fewer than `serde_json` reads, so that what is refused here has another reader.
const DEPTH: u32 = 100;

/// Digits of a whole number that fits whatever they are.
const DIGITS: usize = 18;

/// Reads the JSON text of a body, from its beginning to its end.
///
/// What it reads is what `serde_json` would read; it may refuse what `serde_json` takes.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    gaps: Gaps,
    /// The last string that held an escape.
    unescaped: String,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, gaps: Gaps::default(), unescaped: String::new() }
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(mut self) -> Result<(), Failed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Failed),
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Failed> {
        if self.peek() != Some(byte) {
            return Err(Failed);
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Failed> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Failed);
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes a null; returns whether there was one.
    #[inline]
    fn null(&mut self) -> Result<bool, Failed> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    /// A string that begins here, without its quotes.
    #[inline]
    fn string(&mut self) -> Result<&str, Failed> {
        self.expect(b'"')?;
        let begin = self.at;
        let end = begin + plain(self.rest());
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return self.text.get(begin..end).ok_or(Failed);
        }
        self.escaped_string(begin, end)
    }

    #[cold]
    fn escaped_string(&mut self, begin: usize, mut end: usize) -> Result<&str, Failed> {
        loop {
            match self.text.as_bytes().get(end) {
                Some(b'\\') => end += 2,
                Some(b'"') => break,
                _ => return Err(Failed),
            }
            end += plain(self.text.as_bytes().get(end..).unwrap_or_default());
        }
        let quoted = self.text.get(begin - 1..=end).ok_or(Failed)?;
        self.at = end + 1;
        self.unescaped = serde_json::from_str(quoted).map_err(|_| Failed)?;
        Ok(&self.unescaped)
    }

    /// A number that begins here.
    fn digits(&mut self) -> Result<&'a str, Failed> {
        self.peek();
        let in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest().iter().take_while(|byte| in_number(byte)).count();
        let number = self.text.get(self.at..self.at + length).ok_or(Failed)?;
        self.at += length;
        Ok(number)
    }

    /// Any value, as it is written.
    fn raw(&mut self) -> Result<&'a RawValue, Failed> {
        self.peek();
        let rest = self.text.get(self.at..).ok_or(Failed)?;
        let mut from = serde_json::Deserializer::from_str(rest);
        let value = <&RawValue>::deserialize(&mut from).map_err(|_| Failed)?;
        self.at += value.get().len();
        Ok(value)
    }

    fn deeper(&mut self) -> Result<(), Failed> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH { Err(Failed) } else { Ok(()) }
    }

    /// Whether another member or element follows the one before; passes the comma or the end.
    #[inline]
    fn another(&mut self, first: bool, end: u8) -> Result<bool, Failed> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(Failed),
        }
    }

    /// The members of an object that begins here, into the fields of a body.
    fn fields(&mut self, body: &mut dyn Fields) -> Result<(), Failed> {
        let names = body.names();
        let mut next = 0;
        let mut first = true;
        let mut noted = false;
        self.deeper()?;
        while self.another(first, b'}')? {
            first = false;
            let name = self.string()?;
            if let Some(field) = find(names, next, name) {
                self.expect(b':')?;
                self.gaps.restart();
                let null = body.read(field, self)?;
                if noted || null || !self.gaps.is_empty() {
                    noted = true;
                    body.extra().note(field, null, &mut self.gaps);
                }
                next = field + 1;
            } else {
                let name = Box::<str>::from(name);
                self.expect(b':')?;
                let value = Json::from(self.raw()?);
                body.extra().push(name, value);
            }
        }
        Ok(())
    }
}

impl Source for Cursor<'_> {
    fn text(&mut self) -> Result<Option<&str>, Failed> {
        if self.null()? {
            return Ok(None);
        }
        self.string().map(Some)
    }

    fn integer(&mut self) -> Result<Option<i64>, Failed> {
        if self.null()? {
            return Ok(None);
        }
        let digits = self.digits()?;
        match whole(digits) {
            Some(number) => Ok(Some(number)),
            None => serde_json::from_str(digits).map(Some).map_err(|_| Failed),
        }
    }

    fn number(&mut self) -> Result<Option<Number>, Failed> {
        if self.null()? {
            return Ok(None);
        }
        let digits = self.digits()?;
        match whole(digits) {
            Some(number) => Ok(Some(number.into())),
            None => serde_json::from_str(digits).map(Some).map_err(|_| Failed),
        }
    }

    fn boolean(&mut self) -> Result<Option<bool>, Failed> {
        match self.peek() {
            Some(b't') => self.word("true").map(|()| Some(true)),
            Some(b'f') => self.word("false").map(|()| Some(false)),
            _ if self.null()? => Ok(None),
            _ => Err(Failed),
        }
    }

    fn json(&mut self) -> Result<Option<Json>, Failed> {
        if self.null()? {
            return Ok(None);
        }
        Ok(Some(self.raw()?.into()))
    }

    fn list(&mut self, each: &mut Each<'_>) -> Result<bool, Failed> {
        if self.null()? {
            return Ok(false);
        }
        if self.peek() != Some(b'[') {
            return Err(Failed);
        }
        self.deeper()?;
        let mut first = true;
        while self.another(first, b']')? {
            first = false;
            self.gaps.step();
            each(self)?;
        }
        self.gaps.step();
        Ok(true)
    }

    fn members(&mut self, each: &mut EachMember<'_>) -> Result<bool, Failed> {
        if self.null()? {
            return Ok(false);
        }
        if self.peek() != Some(b'{') {
            return Err(Failed);
        }
        self.deeper()?;
        let mut first = true;
        while self.another(first, b'}')? {
            first = false;
            let name = Box::<str>::from(self.string()?);
            self.expect(b':')?;
            each(name, self)?;
        }
        Ok(true)
    }

    fn body(&mut self, body: &mut dyn Fields) -> Result<bool, Failed> {
        if self.null()? {
            return Ok(false);
        }
        if self.peek() != Some(b'{') {
            return Err(Failed);
        }
        let around = std::mem::take(&mut self.gaps);
        self.fields(body)?;
        self.gaps = around;
        Ok(true)
    }

    fn gap(&mut self) {
        self.gaps.note();
    }
}

/// Finds a name among the fields, where it is likely first: behind the one before.
pub(crate) fn find(names: &[&str], next: usize, name: &str) -> Option<usize> {
    let (before, behind) = names.split_at_checked(next)?;
    match behind.iter().position(|known| *known == name) {
        Some(at) => Some(before.len() + at),
        None => before.iter().position(|known| *known == name),
    }
}

/// A whole number in its usual form; `None` for any other, though it may be one too.
fn whole(digits: &str) -> Option<i64> {
    let (negative, digits) = match digits.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return if negative { None } else { Some(0) },
        [] | [b'0', ..] => return None,
        _ if digits.len() > DIGITS => return None,
        _ => {}
    }
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -number } else { number })
}

/// How many bytes come before the first quote, backslash or control character: eight at a time, by the usual trick of
/// subtracting from each byte and looking whether its highest bit changed.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, tail) = bytes.as_chunks::<8>();
    let mut before = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = has_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
        let found = (control | quote | backslash) & HIGH;
        if found != 0 {
            return before + found.trailing_zeros() as usize / 8;
        }
        before += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    before + tail.iter().position(special).unwrap_or(tail.len())
}
