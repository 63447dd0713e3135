//! A temporary project: the scripted tap, a target, a place for state.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::drivers;
use crate::processes::{self, MARK};
use crate::server::Server;
use crate::source::Source;
use crate::tap::{self, Ends, Sent};

/// How long a run may take in all before it counts as hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// The programs under test: a debug build, which has the kill points.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `melisma`
    pub melisma: PathBuf,
    /// `melisma-faults`, which is the tap.
    pub tap: PathBuf,
}

impl Programs {
    /// Both in one folder.
    ///
    /// # Errors
    /// One is not there.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        let programs = Self {
            melisma: folder.join("melisma"),
            tap: folder.join("melisma-faults"),
        };
        for program in [&programs.melisma, &programs.tap] {
            if !program.is_file() {
                return Err(format!(
                    "{} is not there: `cargo xtask faults` builds it",
                    program.display()
                ));
            }
        }
        Ok(programs)
    }
}

/// The targets under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// target-jsonl
    Jsonl,
    /// target-csv
    Csv,
    /// target-parquet
    Parquet,
    /// target-postgres
    Postgres,
    /// target-duckdb
    DuckDb,
    /// target-sqlite
    Sqlite,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Jsonl,
        Self::Csv,
        Self::Parquet,
        Self::Postgres,
        Self::DuckDb,
        Self::Sqlite,
    ];

    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "target-jsonl",
            Self::Csv => "target-csv",
            Self::Parquet => "target-parquet",
            Self::Postgres => "target-postgres",
            Self::DuckDb => "target-duckdb",
            Self::Sqlite => "target-sqlite",
        }
    }

    /// Whether it loads tables: rows are merged by key, versions are activated, and STATE may stand beside the rows.
    pub fn has_tables(self) -> bool {
        self == Self::Postgres || self.is_sql()
    }

    /// Whether it is made of the SQL kit.
    pub fn is_sql(self) -> bool {
        matches!(self, Self::DuckDb | Self::Sqlite)
    }

    /// Whether the SCHEMA may change in the middle of a run that overwrites. A Parquet file has one set of columns: a change
    /// makes two files, which cannot appear at the same moment.
    pub fn overwrites_changing_schemas(self) -> bool {
        self != Self::Parquet
    }
}

/// What differs from the usual way of running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Variant {
    /// Files in parts instead of one that grows.
    pub parts: bool,
    /// State in a file instead of the system database.
    pub state_file: bool,
    /// `state_in_target`
    pub held: bool,
    /// `load_method: overwrite`: only the end makes rows durable.
    pub overwrite: bool,
}

/// How a run is disturbed from inside.
#[derive(Clone, Debug, Default)]
pub struct Disturbance {
    /// `MELISMA_FAULT`
    pub fault: Option<String>,
    /// The bug that stands around the target.
    pub bug: Option<String>,
}

/// A temporary project.
pub struct Rig<'s> {
    programs: Programs,
    folder: TempDir,
    /// The target.
    pub kind: Kind,
    /// How it runs.
    pub variant: Variant,
    /// Where the rows come from.
    pub source: Source,
    /// The PostgreSQL server and the schema of the tables.
    pub server: Option<(&'s Server, String)>,
    /// Every run of the tap so far.
    pub sent: Vec<Sent>,
    /// The pace of the tap: rows at once, and microseconds of rest after them.
    pub pace: (u64, u64),
    /// How the tap of the next runs ends.
    pub ends: Ends,
    /// More settings of the target.
    pub settings: Map<String, Value>,
    runs: u64,
    number: u64,
}

/// A run that goes on.
pub struct Running {
    child: Child,
    /// The value of [`MARK`].
    pub id: String,
    log: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Of the runner.
    pub status: ExitStatus,
    /// What it wrote to stderr and stdout.
    pub log: String,
}

impl<'s> Rig<'s> {
    /// Makes the folder.
    ///
    /// # Errors
    /// It can not be made.
    pub fn new(
        programs: &Programs,
        kind: Kind,
        variant: Variant,
        source: Source,
        server: Option<&'s Server>,
    ) -> Result<Self, String> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            TempDir::with_prefix("melisma-faults-").map_err(|error| format!("no folder: {error}"))?;
        fs::create_dir(folder.path().join("tmp")).map_err(|error| format!("no folder: {error}"))?;
        let server = match kind {
            Kind::Postgres => Some((server.ok_or("no server")?, format!("rig_{number}"))),
            _ => None,
        };
        Ok(Self {
            programs: programs.clone(),
            folder,
            kind,
            variant,
            source,
            server,
            sent: Vec::new(),
            pace: (17, 2600),
            ends: Ends::Well,
            settings: Map::new(),
            runs: 0,
            number,
        })
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the target's files are.
    pub fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// What the tap has sent in all runs: no row from here on.
    pub fn sent_to(&self) -> u64 {
        self.sent.iter().map(|sent| sent.to).max().unwrap_or(0)
    }

    /// Units in flight, as the target noted them last.
    pub fn in_flight(&self) -> u64 {
        let bytes = fs::read(self.path("gauge")).unwrap_or_default();
        bytes.try_into().map_or(0, u64::from_le_bytes)
    }

    /// The point that struck, if one did.
    pub fn mark(&self) -> Option<String> {
        fs::read_to_string(self.path("mark")).ok()
    }

    /// What the tap of the run that goes on has sent so far.
    pub fn sending(&self) -> Option<Sent> {
        Sent::read(&self.path("sent"))
    }

    /// Whether the tap of the run that goes on has sent all of its rows, and waits.
    pub fn waits(&self) -> bool {
        self.path("sent.waits").exists()
    }

    /// The settings of the target.
    pub fn target_config(&self) -> Value {
        let held = self.variant.held;
        let mut config = match &self.server {
            None if self.kind == Kind::DuckDb => json!({
                "path": "out.db", "driver": drivers::duckdb(), "hard_delete": true, "state_in_target": held,
            }),
            None if self.kind == Kind::Sqlite => json!({
                "database": "out.db", "driver": drivers::sqlite(), "hard_delete": true, "state_in_target": held,
            }),
            None => json!({"destination_path": "out"}),
            Some((server, schema)) => json!({
                "host": "127.0.0.1", "port": server.port(), "user": melisma_testing::postgres::USER,
                "password": melisma_testing::postgres::PASSWORD, "database": "postgres",
                "default_target_schema": schema, "hard_delete": true, "state_in_target": held,
            }),
        };
        config["batch_size_rows"] = json!(40);
        config["state_interval_seconds"] = json!(0.004);
        if self.variant.parts && self.kind != Kind::Parquet && !self.kind.has_tables() {
            config["write_mode"] = json!("parts");
        }
        if self.variant.overwrite {
            config["load_method"] = json!("overwrite");
        }
        for (name, value) in &self.settings {
            config[name] = value.clone();
        }
        config
    }

    /// Writes the settings of the tap, for a run that ends at the row `end`.
    fn write_configs(&self, end: u64) -> Result<(), String> {
        let tap = tap::Config {
            seed: self.source.seed,
            state_every: self.source.state_every,
            change: self.source.change,
            activate: self.source.activate,
            end,
            chunk: self.pace.0,
            rest: self.pace.1,
            log: self.path("sent"),
            ends: self.ends,
        };
        let write =
            |name: &str, text: String| fs::write(self.path(name), text).map_err(|e| format!("{name}: {e}"));
        write(
            "tap.json",
            serde_json::to_string(&tap).map_err(|e| e.to_string())?,
        )?;
        write("target.json", self.target_config().to_string())?;
        write("catalog.json", "{\"streams\": []}".into())
    }

    /// Starts a run up to the row `end`.
    ///
    /// # Errors
    /// It can not be started.
    pub fn start(&mut self, end: u64, disturbance: &Disturbance) -> Result<Running, String> {
        self.write_configs(end)?;
        for name in ["sent", "sent.waits", "mark", "gauge", "emitted.json"] {
            let _ = fs::remove_file(self.path(name));
        }
        self.runs += 1;
        let id = format!("{}-{}-{}", std::process::id(), self.number, self.runs);
        let log = self.path(&format!("log.{}", self.runs));
        let file = File::create(&log).map_err(|error| format!("no log: {error}"))?;
        let also = file.try_clone().map_err(|error| format!("no log: {error}"))?;
        let target = match &disturbance.bug {
            None => self.kind.name().to_owned(),
            Some(_) => {
                let (program, arguments) = self.target(disturbance.bug.as_deref());
                format!("{} {}", program.display(), arguments.join(" "))
            }
        };
        let mut command = self.program(&self.programs.melisma);
        command
            .arg("run")
            .arg("--cwd")
            .arg(self.folder.path())
            .arg("--force");
        if self.variant.state_file {
            command.args(["--state", "state.json"]);
        }
        command
            .arg(format!(
                "{} tap --config tap.json --catalog catalog.json",
                self.programs.tap.display()
            ))
            .arg(format!("{target} --config target.json --state-out emitted.json"))
            .env(MARK, &id)
            .env("MELISMA_FAULT_GAUGE", self.path("gauge"))
            .env("MELISMA_FAULT_MARK", self.path("mark"))
            .stdout(file)
            .stderr(also);
        if let Some(fault) = &disturbance.fault {
            command.env("MELISMA_FAULT", fault);
        }
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start melisma: {error}"))?;
        Ok(Running { child, id, log })
    }

    /// The target as a program of its own, with a bug around it if there is one, and its first arguments.
    pub fn target(&self, bug: Option<&str>) -> (PathBuf, Vec<String>) {
        let melisma = &self.programs.melisma;
        let name = self.kind.name().to_owned();
        match bug {
            None => (melisma.clone(), vec![name]),
            Some(bug) => {
                let melisma = melisma.display().to_string();
                (
                    self.programs.tap.clone(),
                    vec!["planted".into(), bug.into(), melisma, name],
                )
            }
        }
    }

    /// A program with an environment of its own.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// The programs.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Takes note of what the tap of an ended run has sent.
    pub fn note_sent(&mut self) {
        self.sent.extend(self.sending());
    }

    /// Runs up to the row `end`, to the end of all its processes.
    ///
    /// # Errors
    /// It hangs.
    pub fn run(&mut self, end: u64, disturbance: &Disturbance) -> Result<Ended, String> {
        let running = self.start(end, disturbance)?;
        let ended = running.end(PATIENCE)?;
        self.note_sent();
        Ok(ended)
    }
}

impl Running {
    /// Whether the runner has ended by now.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to the runner.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Ends a run that hangs as an operator would: SIGTERM, SIGTERM again, then SIGKILL for the runner and what it has
    /// left behind.
    pub fn give_up(&mut self) {
        // Two signals that come close to each other are one to the runner.
        for (signal, patience) in [(Signal::TERM, 1000), (Signal::TERM, 2000), (Signal::KILL, 100)] {
            self.signal(signal);
            let deadline = Instant::now() + Duration::from_millis(patience);
            while Instant::now() < deadline {
                if self.has_ended() {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            if self.has_ended() {
                break;
            }
        }
        for (pid, _) in processes::family(&self.id) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Waits for the runner and then for what it has left behind.
    ///
    /// # Errors
    /// Something does not end.
    pub fn end(mut self, patience: Duration) -> Result<Ended, String> {
        let deadline = Instant::now() + patience;
        while !self.has_ended() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let hung = !self.has_ended();
        if hung {
            self.signal(Signal::KILL);
        }
        let status = self
            .child
            .wait()
            .map_err(|error| format!("cannot wait: {error}"))?;
        let left = processes::wait_for_all(&self.id, Duration::from_secs(20));
        let mut log = String::new();
        let read = File::open(&self.log).and_then(|mut file| file.read_to_string(&mut log));
        read.map_err(|error| format!("the log: {error}"))?;
        if hung {
            return Err(format!("the run hung for {} s\n{log}", patience.as_secs()));
        }
        left.map_err(|left| format!("{left}\n{log}"))?;
        Ok(Ended { status, log })
    }
}
