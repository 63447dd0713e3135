//! The commands of Meltano around `run`, each in a file of its own with its options.

pub(crate) mod add;
pub(crate) mod check;
pub(crate) mod config;
mod confirm;
mod cron;
mod dotenv_file;
pub(crate) mod el;
pub(crate) mod environment;
pub(crate) mod head;
pub(crate) mod init;
pub(crate) mod install;
pub(crate) mod invoke;
pub(crate) mod job;
pub(crate) mod lock;
pub(crate) mod logs;
mod open_project;
mod output;
pub(crate) mod plugin;
mod plugin_arg;
mod project_file;
pub(crate) mod refused;
pub(crate) mod remove;
pub(crate) mod schedule;
pub(crate) mod select;
pub(crate) mod state;
mod system_database;
pub(crate) mod test;
