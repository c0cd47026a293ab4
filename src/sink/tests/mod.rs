mod account;
mod loop_and_drain;
