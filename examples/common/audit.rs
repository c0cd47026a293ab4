//! An audit log of everything that a client does.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;

use genesys_cloud::AuditObserver;

use super::failure::Failure;

/// An observer that adds to this file, if there is one.
pub(crate) fn audit_to(file: Option<PathBuf>) -> Result<Option<Arc<AuditObserver>>, Failure> {
    let Some(path) = file else { return Ok(None) };
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    let file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some(Arc::new(AuditObserver::new(file)?)))
}
