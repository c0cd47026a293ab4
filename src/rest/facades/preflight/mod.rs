//! Whether an organisation has all that an `AppFoundry` product needs.

mod grants;
mod probes;
mod report;
mod requirements;
mod run;
mod words;

pub use report::{Preflight, PreflightLine, PreflightState, PreflightSubject};
pub use requirements::Requirements;
pub(crate) use run::run;
