//! Nulls in lists: left out of the values, and written again where they were.

use std::mem;

/// Where in the value of one field there were nulls in lists, in the order of reading.
///
/// The elements and the ends of all lists in the value are counted, but for what is within a body in them, which counts
/// for itself. So a number stands for one place, however the lists are nested.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    count: u32,
    nulls: Vec<u32>,
}

impl Gaps {
    /// An element begins, or a list ends.
    pub(crate) fn step(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// The element that began last is null.
    pub(crate) fn note(&mut self) {
        self.nulls.push(self.count.saturating_sub(1));
    }

    /// Begins with another value.
    pub(crate) fn restart(&mut self) {
        self.count = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nulls.is_empty()
    }

    pub(crate) fn take(&mut self) -> Box<[u32]> {
        mem::take(&mut self.nulls).into()
    }
}

/// The same count while a value is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written<'a> {
    count: u32,
    nulls: &'a [u32],
}

impl<'a> Written<'a> {
    pub(crate) fn new(nulls: &'a [u32]) -> Self {
        Self { count: 0, nulls }
    }

    /// Whether a null comes next; it is passed then.
    pub(crate) fn null_is_next(&mut self) -> bool {
        match self.nulls.split_first() {
            Some((next, rest)) if *next == self.count => {
                self.nulls = rest;
                self.step();
                true
            }
            _ => false,
        }
    }

    /// An element begins, or a list ends.
    pub(crate) fn step(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}
