//! `cargo xtask new`: a project of each kind of `melisma new`, each alone and from nothing to a run, with the times.
//!
//! The tests build all kinds in one workspace, where a feature that one of them forgets may come from another. Here each has a
//! target folder of its own, as on the machine of its author.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Result, sh};

/// `tap` or `target`, and the kind.
const KINDS: [(&str, &str); 7] = [
    ("tap", "rest"),
    ("tap", "yaml"),
    ("tap", "sql"),
    ("tap", "file"),
    ("target", "record"),
    ("target", "batch"),
    ("target", "sql"),
];

/// The API that the taps of the kinds rest and yaml read: files, served by Python.
const API: [(&str, &str); 3] = [
    (
        "projects/index.html",
        r#"[{"id": 1, "name": "Kitchen"}, {"id": 2, "name": "Garden"}]"#,
    ),
    (
        "projects/1/issues",
        r#"[{"id": 11, "title": "Tea is cold", "updated_at": "2026-01-02T08:00:00Z"}]"#,
    ),
    ("projects/2/issues", "[]"),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these kinds, such as tap-rest
    kinds: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result {
    sh::run(sh::cargo().args(["build", "--quiet", "--package=melisma"]))?;
    let folder = sh::target().join("new");
    remove(&folder)?;
    for (path, text) in API {
        write(&folder.join("api").join(path), text)?;
    }
    let api = Api::start(&folder.join("api"))?;
    println!("kind            new      build    tests    run      from nothing to a run");
    for (side, kind) in KINDS {
        let name = format!("{side}-{kind}");
        if args.kinds.is_empty() || args.kinds.contains(&name) {
            let times = Times::of(&folder, side, kind, &api.url)?;
            println!("{name:<15} {times}");
        }
    }
    Ok(())
}

/// How long each step took.
struct Times {
    new: Duration,
    build: Duration,
    tests: Duration,
    run: Duration,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in [self.new, self.build, self.tests, self.run] {
            write!(f, "{:<9}", format!("{:.2} s", step.as_secs_f64()))?;
        }
        let first = self.new + self.build + self.run;
        write!(f, "{:.1} s", first.as_secs_f64())
    }
}

impl Times {
    fn of(folder: &Path, side: &str, kind: &str, api: &str) -> Result<Self> {
        let project = format!("{side}-try-{kind}");
        let at = folder.join(&project);
        let melisma = sh::target().join("debug/melisma");
        let has_code = kind != "yaml";
        let mut new = Command::new(&melisma);
        new.current_dir(folder)
            .args(["new", side, &format!("try-{kind}"), "--kind", kind, "--quiet"]);
        if has_code {
            new.arg("--sdk-path").arg(sh::root());
        }
        let new = timed(&mut new)?;
        let cargo = |args: &[&str]| {
            let mut cargo = sh::cargo();
            cargo.current_dir(&at).env_remove("CARGO_TARGET_DIR").args(args);
            if has_code {
                timed(&mut cargo)
            } else {
                Ok(Duration::ZERO)
            }
        };
        if has_code {
            copy(&sh::root().join("Cargo.lock"), &at.join("Cargo.lock"))?;
        }
        let build = cargo(&["build", "--quiet", "--offline"])?;
        let tests = cargo(&["test", "--quiet", "--offline"])?;
        if (side, kind) == ("tap", "sql") {
            let code = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2])";
            let tables = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT); INSERT INTO orders VALUES (1, 'tea')";
            sh::output(
                Command::new("python3")
                    .args(["-c", code])
                    .arg(at.join("try-sql.db"))
                    .arg(tables),
            )?;
        }
        let variable = format!("{}_", project.replace('-', "_").to_uppercase());
        let mut run = Command::new(melisma);
        run.current_dir(&at).arg("run").arg("--quiet");
        match side {
            "tap" => run.args([&project, "target-jsonl"]),
            _ => run.args(["tap-csv", &project]),
        };
        for (name, value) in [
            ("URL", api),
            ("TOKEN", "t"),
            ("SETTINGS_URL", api),
            ("SETTINGS_TOKEN", "t"),
        ] {
            run.env(format!("{variable}{name}"), value);
        }
        let run = timed(&mut run)?;
        Ok(Self {
            new,
            build,
            tests,
            run,
        })
    }
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    sh::output(command)?;
    Ok(start.elapsed())
}

/// A web server of Python, which ends with this value.
struct Api {
    server: Child,
    url: String,
}

impl Api {
    fn start(folder: &Path) -> Result<Self> {
        let mut python = Command::new("python3");
        python
            .args([
                "-u",
                "-m",
                "http.server",
                "0",
                "--bind",
                "127.0.0.1",
                "--directory",
            ])
            .arg(folder);
        python.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = python.spawn().map_err(|e| format!("cannot start python3: {e}"))?;
        let mut line = String::new();
        let stdout = server.stdout.take().ok_or("no stdout")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|e| format!("python3: {e}"))?;
        // Serving HTTP on 127.0.0.1 port 45123 (http://127.0.0.1:45123/) ...
        let port = line.split("port ").nth(1).and_then(|rest| rest.split(' ').next());
        let port = port.ok_or_else(|| format!("python3 said {line:?} and no port"))?;
        Ok(Self {
            server,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn write(path: &Path, text: &str) -> Result {
    let folder: PathBuf = path.parent().map(Into::into).unwrap_or_default();
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to)
        .map(drop)
        .map_err(|e| format!("cannot write {}: {e}", to.display()))
}

fn remove(folder: &Path) -> Result {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {e}", folder.display()))
        }
        _ => Ok(()),
    }
}
