//! What a preflight found.

use std::fmt;

use serde::Serialize;

/// What a preflight found: plain data, one line for each thing that was asked for. There is no secret in it.
///
/// `Display` is a table for people, `Serialize` the same for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// Whether every line is [`Ok`](PreflightState::Ok).
    pub ready: bool,
    /// The lines: token, organisation, scopes, permissions, topics, integrations, channels, requests.
    pub lines: Vec<PreflightLine>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreflightLine {
    /// What kind of thing it is.
    pub subject: PreflightSubject,
    /// Which of them: a permission, a topic; empty when there is only one.
    pub name: Box<str>,
    /// Whether it is there.
    pub state: PreflightState,
    /// What was found.
    pub detail: Box<str>,
    /// What to do, when something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Box<str>>,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreflightState {
    /// It is.
    Ok,
    /// It is not.
    Missing,
    /// It could not be found out; the line says why.
    Unknown,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreflightSubject {
    /// The token: whose it is, and how long it is good.
    Token,
    /// The organisation that it belongs to.
    Organization,
    /// A scope.
    Scope,
    /// A permission.
    Permission,
    /// A topic, with the permissions that it needs.
    Topic,
    /// An integration of a type.
    Integration,
    /// Notification channels that are left.
    Channels,
    /// Requests a minute.
    Requests,
}

impl Preflight {
    pub(super) fn new(lines: Vec<PreflightLine>) -> Self {
        let ready = lines.iter().all(|line| line.state == PreflightState::Ok);
        Self { ready, lines }
    }

    /// Whether everything is there, for certain.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The lines of what is not there.
    pub fn missing(&self) -> impl Iterator<Item = &PreflightLine> {
        self.of(PreflightState::Missing)
    }

    /// The lines of what could not be found out.
    pub fn unknown(&self) -> impl Iterator<Item = &PreflightLine> {
        self.of(PreflightState::Unknown)
    }

    fn of(&self, state: PreflightState) -> impl Iterator<Item = &PreflightLine> {
        self.lines.iter().filter(move |line| line.state == state)
    }
}

impl PreflightLine {
    pub(super) fn new(
        subject: PreflightSubject,
        name: impl Into<Box<str>>,
        state: PreflightState,
        detail: impl Into<Box<str>>,
    ) -> Self {
        Self { subject, name: name.into(), state, detail: detail.into(), remedy: None }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<Box<str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for PreflightState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for PreflightSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Token => "token",
            Self::Organization => "organization",
            Self::Scope => "scope",
            Self::Permission => "permission",
            Self::Topic => "topic",
            Self::Integration => "integration",
            Self::Channels => "channels",
            Self::Requests => "requests",
        })
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        for line in &self.lines {
            let PreflightLine { subject, name, state, detail, .. } = line;
            writeln!(f, "{state:<7}  {subject:<12}  {name:<width$}  {detail}")?;
            if let Some(remedy) = &line.remedy {
                writeln!(f, "{:25}-> {remedy}", "")?;
            }
        }
        let (missing, unknown) = (self.missing().count(), self.unknown().count());
        match (self.ready, self.lines.len()) {
            (true, lines) => write!(f, "ready: all {lines} lines are ok"),
            (false, lines) => {
                write!(f, "not ready: {missing} missing, {unknown} unknown, of {lines} lines")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table_and_ready_only_when_all_is_known_to_be_there() {
        use PreflightState::{Missing, Ok, Unknown};
        use PreflightSubject::{Permission, Token};
        let line = |name: &str, state| PreflightLine::new(Permission, name, state, "found");
        let good = Preflight::new(vec![PreflightLine::new(Token, "", Ok, "of Acme")]);
        assert!(good.is_ready());
        assert!(good.to_string().ends_with("ready: all 1 lines are ok"));
        let bad = vec![line("a:b:c", Missing).remedy("do it"), line("a:b:c:d", Unknown)];
        let bad = Preflight::new(bad);
        assert!(!bad.is_ready() && !Preflight::new(vec![line("x", Unknown)]).is_ready());
        let text = bad.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "missing  permission    a:b:c    found");
        assert_eq!(lines[1].trim_start(), "-> do it");
        assert_eq!(lines[2], "unknown  permission    a:b:c:d  found");
        assert_eq!(lines[3], "not ready: 1 missing, 1 unknown, of 2 lines");
        let written = serde_json::to_value(&bad).unwrap();
        assert_eq!(written["lines"][0]["state"], "missing");
        assert_eq!(written["lines"][1].get("remedy"), None);
    }
}
