//! One target: its project, its runs one after the other, and what is seen of it after each kill.

use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::tap::{self, Config};
use super::{Plan, check, strike};
use crate::processes::{self, MARK, Role};
use crate::random::Random;
use crate::rig::{Kind, Programs};
use crate::server::Server;
use crate::tap::Sent;

/// How long a run may take to end after a kill.
const PATIENCE: Duration = Duration::from_mins(1);

/// See the [module](self).
pub(super) struct Lane<'s> {
    pub(super) kind: Kind,
    pub(super) seed: u64,
    pub(super) rows: u64,
    pub(super) folder: TempDir,
    pub(super) server: &'s Server,
    programs: Programs,
    number: u64,
    /// Kills of the run that goes on. Locked while somebody is killed, and the server started again.
    disturbed: Mutex<u64>,
    kills: AtomicU64,
    runs: AtomicU64,
    /// All rows below were covered by a STATE when last looked at.
    covered: AtomicU64,
    /// Rows that were sent again.
    again: AtomicU64,
}

impl<'s> Lane<'s> {
    pub(super) fn new(plan: &Plan, kind: Kind, server: &'s Server) -> Result<Self, String> {
        let folder = TempDir::with_prefix("melisma-soak-").map_err(|error| format!("no folder: {error}"))?;
        let (number, lanes) = (kind as u64, super::KINDS.len() as u64);
        let lane = Self {
            kind,
            seed: plan.seed + number,
            rows: plan.rows / lanes,
            folder,
            server,
            programs: plan.programs.clone(),
            number,
            disturbed: Mutex::new(0),
            kills: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            covered: AtomicU64::new(0),
            again: AtomicU64::new(0),
        };
        let tap = Config {
            seed: lane.seed,
            rows: lane.rows,
            begun: tap::now(),
            time: plan.time.as_millis() as u64,
            log: lane.folder.path().join("sent"),
        };
        lane.write("tap.json", &json!(tap).to_string())?;
        lane.write("catalog.json", "{\"streams\": []}")?;
        let target = match kind {
            // Without keys, and exactly once all the same: the STATE is in the transaction.
            Kind::Postgres => json!({
                "host": "127.0.0.1", "port": server.port(), "user": melisma_testing::postgres::USER,
                "password": melisma_testing::postgres::PASSWORD, "database": "postgres",
                "default_target_schema": "soak", "state_in_target": true,
            }),
            _ => json!({"destination_path": "out"}),
        };
        lane.write("target.json", &target.to_string())?;
        Ok(lane)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.folder.path().join(name), text).map_err(|error| format!("{name}: {error}"))
    }

    /// Runs until all rows are through, starting again after each kill; then reads all of them back.
    pub(super) fn run(&self) -> Result<(), String> {
        loop {
            let mut child = self.start()?;
            let status = child.wait().map_err(|error| format!("cannot wait: {error}"))?;
            let disturbed = std::mem::take(&mut *self.disturbed());
            processes::wait_for_all(&self.id(), PATIENCE)?;
            let sent = Sent::read(&self.folder.path().join("sent"));
            self.look()?;
            if status.success() {
                break;
            }
            if disturbed == 0 {
                return Err(self.failed(status));
            }
            let to = sent.map_or(0, |sent| sent.to);
            self.again
                .fetch_add(to.saturating_sub(self.covered()), Ordering::Relaxed);
        }
        if self.covered() != self.rows {
            return Err(format!(
                "the last STATE covers {} of {} rows",
                self.covered(),
                self.rows
            ));
        }
        check::everything(self)
    }

    fn start(&self) -> Result<Child, String> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let log = File::create(self.folder.path().join("log")).map_err(|error| format!("no log: {error}"))?;
        let also = log.try_clone().map_err(|error| format!("no log: {error}"))?;
        Command::new(&self.programs.melisma)
            .arg("run")
            .arg(format!(
                "{} soak-tap --config tap.json --catalog catalog.json",
                self.programs.tap.display()
            ))
            .arg(format!("{} --config target.json", self.kind.name()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env(MARK, self.id())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also)
            .spawn()
            .map_err(|error| format!("cannot start melisma: {error}"))
    }

    fn failed(&self, status: ExitStatus) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        format!(
            "a run that nobody disturbed ended with {status}:\n{}",
            last.join("\n")
        )
    }

    /// Which run goes on.
    pub(super) fn run_number(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// What marks the processes of the run that goes on.
    pub(super) fn id(&self) -> String {
        format!(
            "soak-{}-{}-{}",
            std::process::id(),
            self.number,
            self.run_number()
        )
    }

    fn disturbed(&self) -> MutexGuard<'_, u64> {
        self.disturbed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills somebody, at a random moment of the next second: each of its processes in turn. Who it was.
    pub(super) fn kill(&self, round: usize, random: &mut Random) -> Option<&'static str> {
        thread::sleep(Duration::from_millis(random.below(1000)));
        let mut disturbed = self.disturbed();
        let victims = if self.kind == Kind::Postgres { 4 } else { 3 };
        let run = self.id();
        let victim = match (round + self.number as usize) % victims {
            0 => strike(&run, Role::Target),
            1 => strike(&run, Role::Runner),
            2 => strike(&run, Role::Tap),
            _ => {
                self.server.kill();
                self.server.restart();
                Some("PostgreSQL")
            }
        }?;
        *disturbed += 1;
        self.kills.fetch_add(1, Ordering::Relaxed);
        Some(victim)
    }

    /// Compares the stored STATE with the newest rows that are there, now that no process is left.
    fn look(&self) -> Result<(), String> {
        let covered = check::stored(self)?;
        let before = self.covered.swap(covered, Ordering::Relaxed);
        if covered < before {
            return Err(format!(
                "the stored STATE went back from row {before} to {covered}"
            ));
        }
        let sent = Sent::read(&self.folder.path().join("sent")).map_or(0, |sent| sent.to);
        if covered > sent {
            return Err(format!(
                "the stored STATE covers {covered} rows, sent were {sent}"
            ));
        }
        match check::newest(self)? {
            there if there < covered => Err(format!(
                "the stored STATE covers {covered} rows, the newest that is there is {there}"
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn covered(&self) -> u64 {
        self.covered.load(Ordering::Relaxed)
    }

    pub(super) fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }

    pub(super) fn again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }

    pub(super) fn progress(&self) -> String {
        let sent = Sent::read(&self.folder.path().join("sent")).map_or(0, |sent| sent.to);
        format!("{} {:.1} M rows", self.kind.name(), sent as f64 / 1e6)
    }
}
