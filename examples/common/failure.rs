//! How an example fails: with the error and everything below it, on standard error.

use std::error::Error;
use std::io;
use std::process::ExitCode;

/// Whatever ends an example early.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The status to end with. An error is written, with its causes, one to a line.
pub(crate) fn exit(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has gone: `monitor --json | head`.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &(dyn Error + 'static)) {
    let mut said = error.to_string();
    eprintln!("error: {said}");
    let mut below = error.source();
    while let Some(cause) = below {
        // An error may show what is below it as its own text.
        if !said.contains(&cause.to_string()) {
            said = cause.to_string();
            eprintln!("  because: {said}");
        }
        below = cause.source();
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
