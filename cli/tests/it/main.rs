//! The command as a process: what goes in, what comes out, and what is left behind.

#![expect(clippy::unwrap_used, reason = "a test that can not do its steps has failed")]

mod bench;
mod blocks;
mod builtins;
mod commands;
mod direct;
mod exits;
mod help;
mod identity;
mod log_config;
mod logs_command;
mod metrics;
mod pipe;
mod project;
mod project_states;
mod report;
mod run;
mod runs_command;
mod screen;
mod signals;
mod state;
mod state_command;
mod support;
mod terminal;
