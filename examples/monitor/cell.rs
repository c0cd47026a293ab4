//! One value on the screen, with what is known of its truth.

use std::time::SystemTime;

/// A value that was reported, and whether anything may have changed since without our seeing it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell<T> {
    value: Option<T>,
    since: Option<SystemTime>,
    is_stale: bool,
}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self { value: None, since: None, is_stale: false }
    }
}

impl<T> Cell<T> {
    pub(crate) fn set(&mut self, value: T, since: Option<SystemTime>) {
        *self = Self { value: Some(value), since, is_stale: false };
    }

    /// Something may have been missed.
    pub(crate) fn doubt(&mut self) {
        self.is_stale = self.value.is_some();
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    pub(crate) fn since(&self) -> Option<SystemTime> {
        self.since
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }
}
