//! What is wrong with settings: everything at once, one fault for each field.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// One setting that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFault {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it, and what would work.
    pub problem: Box<str>,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

/// Everything that is wrong with the settings of something: one [`ConfigFault`] for each field that is.
///
/// Becomes an [`Error`] of kind [`Config`](ErrorKind::Config) with this as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings {
    what: &'static str,
    faults: Vec<ConfigFault>,
}

impl InvalidSettings {
    /// The faults, at least one, in the order of the fields.
    pub fn faults(&self) -> &[ConfigFault] {
        &self.faults
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings of {} do not work: ", self.what)?;
        for (nth, fault) in self.faults.iter().enumerate() {
            let comma = if nth == 0 { "" } else { "; " };
            write!(f, "{comma}{fault}")?;
        }
        Ok(())
    }
}

impl StdError for InvalidSettings {}

impl From<InvalidSettings> for Error {
    fn from(invalid: InvalidSettings) -> Self {
        Self::new(ErrorKind::Config, invalid.to_string()).with_source(invalid)
    }
}

/// Collects faults.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ConfigFault>);

impl Faults {
    /// Notes the problem of a field, if it has one.
    pub(crate) fn check(&mut self, field: &'static str, problem: Option<impl Into<Box<str>>>) {
        let problem = problem.map(Into::into);
        self.0.extend(problem.map(|problem| ConfigFault { field, problem }));
    }

    /// The faults so far.
    pub(crate) fn into_vec(self) -> Vec<ConfigFault> {
        self.0
    }

    /// Whether there was none.
    pub(crate) fn result(self, what: &'static str) -> Result<(), InvalidSettings> {
        let faults = self.0;
        if faults.is_empty() { Ok(()) } else { Err(InvalidSettings { what, faults }) }
    }
}
