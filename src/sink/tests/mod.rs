mod account;
mod json_lines;
mod loop_and_drain;
