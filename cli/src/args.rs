//! The options of `run` and `pipe`, and those of every command.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use clap_complete::engine::ArgValueCandidates;
use melisma_engine::line::MAX_LINE_BYTES;
use melisma_sdk::{Error, Result};
use uuid::Uuid;

use crate::blocks::BLOCK_BYTES;
use crate::completions;
use crate::extent_args::ExtentArgs;
use crate::level::Level;
use crate::project::Choice;

/// The most that `--max-line-bytes` accepts: the limit of our own targets.
const MOST_LINE_BYTES: u64 = u32::MAX as u64;
/// The most that `--buffer` accepts, 64 GiB. A larger number is a typo.
const MOST_BUFFER: u64 = 64 << 30;

/// The most pairs at once.
const MOST_PARALLEL: i64 = 64;
/// The most retries of a pair.
const MOST_RETRIES: i64 = 100;
/// The most seconds that an option accepts: some ten years.
const MOST_SECONDS: u64 = 10 * 366 * 86_400;

const RUN_EXAMPLES: &str = "\
Examples:
  melisma run tap-csv target-parquet                      plugins of the project in this folder or a parent
  melisma --environment prod run tap-csv hide-pii target-jsonl dbt:run dbt:test
  melisma run nightly                                     the job of this name
  melisma run \"tap-csv --config tap.json\" \"target-jsonl --config target.json\"
  melisma run --state state.json \"python my_tap.py --config c.json\" \"target-csv --config t.json\"
  melisma run --full-refresh tap-csv target-parquet       extract everything again, ignoring the stored state
  melisma run --full-refresh-stream orders tap-a target-b extract one stream again, and of the others what is new
  melisma run --backfill --from orders=2024-01-01 tap-a target-b   extract old records again, and keep the stored state
  melisma run --limit 100 tap-a target-b                  pass the first 100 records of each stream, and store no state

In a folder with a meltano.yml, or below one, a BLOCK is a tap, a mapping, a target, a plugin with one of its commands,
or a job of that project. All of them are checked before the first one runs. They run in order, and a failure ends the
run. Elsewhere there are two blocks, and each is a command line. It is split into words as a shell does, but no shell
runs. tap-csv and the other built-in plugins need no project. The state that the target has confirmed is stored in
.meltano/meltano.db, or in FILE. The next run of the same plugins, or of the same command lines, resumes from it.

Ctrl-C stops the tap. The target then writes what it has received, and its state is stored. A second Ctrl-C kills
all.";

const PIPE_EXAMPLES: &str = "\
Examples:
  tap-github | melisma pipe --stats stats.json | target-postgres > state.json
  tap-old | melisma pipe --buffer 268435456 | target-slow
  tap-wild | melisma pipe --validate --on-invalid dead-letter=bad.jsonl | target-strict

Without --validate all bytes are passed on unchanged. A terminal sends Ctrl-C to the tap as well, so the pipe passes on
what the tap still writes. SIGTERM goes to the pipe alone and ends it after the current line. A second signal ends it
at once.";

/// Options that may stand before a command, and whether they have a value.
pub(crate) const BEFORE_A_COMMAND: &[(&str, bool)] = &[
    ("--cwd", true),
    ("--project", true),
    ("--environment", true),
    ("--no-environment", false),
    ("--env-file", true),
    ("--log-level", true),
    ("--log-format", true),
    ("--log-config", true),
    ("--quiet", false),
    ("-q", false),
    ("--verbose", false),
    ("-v", false),
];

/// The options of `melisma run`.
#[derive(clap::Args)]
#[command(after_help = RUN_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct RunArgs {
    /// What to run, in order: TAP [MAPPING...] TARGET, PLUGIN:COMMAND, JOB; outside of a project two command lines
    #[arg(value_name = "BLOCK", required = true, add = ArgValueCandidates::new(completions::blocks))]
    pub(crate) blocks: Vec<String>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Say what would run, without running it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Store the state under this id [default: ENVIRONMENT:TAP-to-TARGET; for command lines TAP-to-TARGET-HASH]
    #[arg(long, value_name = "ID")]
    pub(crate) state_id: Option<String>,
    /// Add this suffix to the id of the state
    #[arg(
        long,
        value_name = "SUFFIX",
        env = "MELTANO_RUN_STATE_ID_SUFFIX",
        hide_env_values = true
    )]
    pub(crate) state_id_suffix: Option<String>,
    /// Store the state in this file instead of the database
    #[arg(long, value_name = "FILE", conflicts_with = "state_id")]
    pub(crate) state: Option<PathBuf>,
    /// Do not pass the stored state to the tap, so that it extracts everything again
    #[arg(long, env = "MELTANO_RUN_FULL_REFRESH", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) full_refresh: bool,
    #[command(flatten)]
    pub(crate) extent: ExtentArgs,
    /// Discover the catalog again, although nothing has changed that it depends on
    #[arg(long, env = "MELTANO_RUN_REFRESH_CATALOG", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) refresh_catalog: bool,
    /// Neither read nor store a state
    #[arg(long, env = "MELTANO_RUN_NO_STATE_UPDATE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) no_state_update: bool,
    /// Resume from a state that another pipeline, or an older version, has stored
    #[arg(long)]
    pub(crate) adopt_state: bool,
    /// How a new state is stored
    #[arg(
        long,
        value_name = "STRATEGY",
        env = "MELTANO_RUN_STATE_STRATEGY",
        hide_env_values = true,
        default_value = "auto"
    )]
    pub(crate) state_strategy: StateStrategy,
    /// The same as --state-strategy merge
    #[arg(long, hide = true)]
    pub(crate) merge_state: bool,
    /// Run even if another run of the same state seems to be alive
    #[arg(short, long, env = "MELTANO_RUN_FORCE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) force: bool,
    /// Use this id for the run instead of a new one
    #[arg(long, value_name = "UUID", env = "MELTANO_RUN_ID", hide_env_values = true)]
    pub(crate) run_id: Option<Uuid>,
    /// End the run after this number of seconds, as SIGTERM does
    #[arg(long, value_name = "SECONDS", env = "MELTANO_RUN_TIMEOUT", hide_env_values = true,
          value_parser = clap::value_parser!(u64).range(1..=MOST_SECONDS))]
    pub(crate) timeout: Option<u64>,
    /// Run this many pairs at once that follow each other and have states of their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MOST_PARALLEL))]
    pub(crate) parallel: u16,
    /// Run a pair that has failed this many times more, from the state that it has reached
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=MOST_RETRIES))]
    pub(crate) retries: u16,
    /// The run is one of `melisma el`: its log says so, as Meltano's does
    #[arg(long, hide = true)]
    pub(crate) as_el: bool,
    /// Write what the run has done to FILE as JSON when it has ended, however it ends
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) report: Option<PathBuf>,
    /// Serve metrics of the run in the OpenMetrics format here, such as 9100, 0.0.0.0:9100 or :0 for a free port
    #[arg(long, value_name = "[HOST:]PORT", conflicts_with = "dry_run", value_parser = metrics_address)]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) install: AutoInstallArgs,
}

/// Whether plugins are installed before they run. The last of these options counts.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct AutoInstallArgs {
    /// Install plugins first that are not installed, or not as their `pip_url` says. This is the default
    #[arg(long, overrides_with_all = ["install", "no_install", "only_install"])]
    pub(crate) install: bool,
    /// Do not install plugins first
    #[arg(long, overrides_with_all = ["install", "no_install", "only_install"])]
    pub(crate) no_install: bool,
    /// Install the plugins, and run nothing
    #[arg(long, overrides_with_all = ["install", "no_install", "only_install"])]
    pub(crate) only_install: bool,
}

impl AutoInstallArgs {
    /// The option again, as a word of a command line.
    pub(crate) fn word(self) -> Option<&'static str> {
        [
            ("--install", self.install),
            ("--no-install", self.no_install),
            ("--only-install", self.only_install),
        ]
        .into_iter()
        .find_map(|(word, given)| given.then_some(word))
    }
}

/// The address of `--metrics`: without a host that of this machine alone.
pub(crate) fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let expected = || {
        format!(
            "expected [HOST:]PORT with an IP address as HOST, found {}",
            melisma_sdk::show(text)
        )
    };
    let port: u16 = port.parse().map_err(|_| expected())?;
    let host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
    {
        "" | "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().map_err(|_| expected())?,
    };
    Ok(SocketAddr::new(host, port))
}

/// How a new state is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateStrategy {
    /// It replaces the stored state; after a full refresh it is merged over it
    Auto,
    /// It is merged over the stored state
    Merge,
    /// It replaces the stored state, even after a full refresh
    Overwrite,
}

/// The options of every command that works in a project. They may also stand before the command, as Meltano has them.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ProjectArgs {
    /// Work in this folder
    #[arg(long, global = true, visible_alias = "project", value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// The environment of the project [default: `MELTANO_ENVIRONMENT`, then `default_environment`]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "no_environment")]
    pub(crate) environment: Option<String>,
    /// Use no environment
    #[arg(long, global = true)]
    pub(crate) no_environment: bool,
    /// Read this file instead of the project's `.env`
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

impl ProjectArgs {
    /// Changes to the folder of `--cwd`.
    pub(crate) fn enter(&self) -> Result<()> {
        let Some(dir) = &self.cwd else { return Ok(()) };
        std::env::set_current_dir(dir)
            .map_err(|error| Error::config(format!("cannot work in {}", dir.display())).with_source(error))
    }

    /// The environment that is asked for, or `default_environment`.
    pub(crate) fn choice(&self) -> Choice<'_> {
        self.choice_or(Choice::Default)
    }

    /// The environment that is asked for; `default_environment` does not count. What a command writes with it goes to that
    /// environment, so it must be asked for.
    pub(crate) fn explicit_choice(&self) -> Choice<'_> {
        self.choice_or(Choice::Explicit)
    }

    fn choice_or<'a>(&'a self, otherwise: Choice<'a>) -> Choice<'a> {
        match &self.environment {
            Some(name) => Choice::Named(name),
            None if self.no_environment => Choice::None,
            None => otherwise,
        }
    }

    /// The options again, as words of a command line of melisma. The folder is entered already.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let log = &self.log;
        let format = |format: LogFormat| format.to_possible_value().map(|value| value.get_name().into());
        let mut words: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                words.extend([name.into(), value]);
            }
        };
        option("--environment", self.environment.as_ref().map(Into::into));
        option("--env-file", self.env_file.as_ref().map(Into::into));
        option("--log-level", log.log_level.map(|level| level.name().into()));
        option("--log-format", log.log_format.and_then(format));
        option("--log-config", log.log_config.as_ref().map(Into::into));
        let flags = [
            ("--no-environment", self.no_environment),
            ("--quiet", log.quiet),
            ("--verbose", log.verbose),
        ];
        words.extend(
            flags
                .iter()
                .filter(|(_, given)| *given)
                .map(|(name, _)| (*name).into()),
        );
        words
    }
}

/// Which log lines are shown, and how.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct LogArgs {
    /// Show lines of this level and above [default: `MELTANO_CLI_LOG_LEVEL`, then `cli.log_level`, then info]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<Level>,
    /// Show only warnings and errors, and no progress
    #[arg(short, long, global = true, conflicts_with_all = ["verbose", "log_level"])]
    pub(crate) quiet: bool,
    /// Show details, including the plugins' METRIC lines
    #[arg(short, long, global = true, conflicts_with = "log_level")]
    pub(crate) verbose: bool,
    /// The format of log lines [default: `MELTANO_CLI_LOG_FORMAT`, then `cli.log_format`, then text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Read which log lines go where from FILE [default: `MELTANO_CLI_LOG_CONFIG`, then `cli.log_config`, then logging.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log_config: Option<PathBuf>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// In the format of Meltano's console, with colours on a terminal
    #[default]
    Text,
    /// The same, by its name in Meltano
    Colored,
    /// In the format of Meltano's console, without colours
    Uncolored,
    /// As JSON objects with the fields of Meltano's JSON format
    Json,
    /// As `key='value'` pairs
    #[value(name = "key_value", alias = "key-value")]
    KeyValue,
    /// Only the message
    Plain,
}

/// The options of `melisma pipe`.
#[derive(clap::Args)]
#[command(after_help = PIPE_EXAMPLES)]
pub(crate) struct PipeArgs {
    /// Write the counts to FILE as JSON when the input ends
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,
    /// Pass on only lines that are Singer messages, and records that match their SCHEMA
    #[arg(long)]
    pub(crate) validate: bool,
    /// What to do with an invalid line: fail, skip, dead-letter, dead-letter=FILE
    #[arg(long, value_name = "ACTION", default_value = "fail", requires = "validate")]
    pub(crate) on_invalid: OnInvalid,
    /// The longest line that --validate accepts
    #[arg(long, value_name = "BYTES", default_value_t = MAX_LINE_BYTES as u64, requires = "validate",
          value_parser = clap::value_parser!(u64).range(1..=MOST_LINE_BYTES))]
    pub(crate) max_line_bytes: u64,
    /// Hold at most this much between the tap and a slow target
    #[arg(long, value_name = "BYTES", default_value_t = BLOCK_BYTES as u64,
          value_parser = clap::value_parser!(u64).range(4096..=MOST_BUFFER))]
    pub(crate) buffer: u64,
}

/// What happens to an invalid line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OnInvalid {
    /// The pipe fails; what came before the line has been passed on.
    Fail,
    /// It is dropped with a warning.
    Skip,
    /// It is written to this file with the reason.
    DeadLetter(PathBuf),
}

impl FromStr for OnInvalid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "fail" => Ok(Self::Fail),
            None if text == "skip" => Ok(Self::Skip),
            None if text == "dead-letter" => Ok(Self::DeadLetter("dead-letters.jsonl".into())),
            Some(("dead-letter", file)) if !file.is_empty() => Ok(Self::DeadLetter(file.into())),
            _ => Err("expected fail, skip, dead-letter or dead-letter=FILE".to_owned()),
        }
    }
}
