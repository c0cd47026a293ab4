//! Tasks of the maintainers.

mod bodies;
mod docs;
mod features;
mod generate;
mod names;
mod operations;
mod rest;
mod rest_names;
mod rest_spec;
mod shapes;
mod spec;
mod topics;
mod tree;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(about = "Tasks of the maintainers of genesys-cloud")]
enum Task {
    /// Generates the types of events, the table of topics and their constructors, and REST operations.
    Codegen {
        /// A description of the topics, or the platform's answer to
        /// `GET /api/v2/notifications/availabletopics?expand=schema`.
        #[arg(long)]
        spec: PathBuf,
        /// A description of REST operations: generates those and their types too.
        #[arg(long)]
        rest_spec: Option<PathBuf>,
        /// Changes nothing; fails when the files are not what would be generated.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Task::Codegen { spec, rest_spec, check } = Task::parse();
    match tree::codegen(&spec, rest_spec.as_deref(), check) {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
