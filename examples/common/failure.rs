//! How an example fails: with the error and everything below it, on standard error.

use std::error::Error;

/// Whatever ends an example early.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Writes an error and its causes, one to a line.
pub(crate) fn report(error: &(dyn Error + 'static)) {
    eprintln!("error: {error}");
    let mut below = error.source();
    while let Some(cause) = below {
        eprintln!("  because: {cause}");
        below = cause.source();
    }
}
