//! A probe over scripted streams, and its verdicts.

#[cfg(feature = "report-html")]
mod html;
mod run;
mod support;
mod verdicts;
