//! Plugins that Python's installers install: by melisma and by Meltano, ours from wheels and others from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::{Built, Outcome, jsonl_rows, maturin, melisma, python, root, run};

/// Two taps and two targets, one of each from PyPI and one from a wheel of ours.
const PROJECT: &str = "default_environment: dev
project_id: 01a219b9-efb7-735c-b7f3-b9b7030df97c
environments: [{name: dev}]
plugins:
  extractors:
  - name: tap-csv
    namespace: tap_csv
    pip_url: ${WHEELS}/@tap-csv@
    capabilities: [catalog, discover, state]
    config: {files: [{entity: rows, path: rows.csv, keys: [id]}]}
  - name: tap-jsonl
    namespace: tap_jsonl
    pip_url: tap-jsonl==0.3.1
    capabilities: [catalog, discover, state]
    config: {path: rows.jsonl, stream_name: rows, primary_keys: [id]}
  loaders:
  - name: target-jsonl
    namespace: target_jsonl
    pip_url: target-jsonl==0.1.4
    config: {destination_path: output/theirs, do_timestamp_file: false}
  - name: target-ours
    namespace: target_ours
    executable: target-jsonl
    pip_url: ${WHEELS}/@target-jsonl@
    config: {destination_path: output/ours}
";

const PAIRS: [&str; 8] = [
    "tap-csv",
    "target-ours",
    "tap-csv",
    "target-jsonl",
    "tap-jsonl",
    "target-ours",
    "tap-jsonl",
    "target-jsonl",
];

/// A project in a folder, with the tools around it.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(meltano_yml: &str) -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        project.write("meltano.yml", meltano_yml);
        project.write("rows.csv", "id,item\n1,tea\n2,cake\n");
        project.write(
            "rows.jsonl",
            "{\"id\": \"1\", \"item\": \"tea\"}\n{\"id\": \"2\", \"item\": \"cake\"}\n",
        );
        project.write("output/theirs/.keep", "");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// A command in the project, without a network: packages come from the folder that `cargo xtask setup` fills.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let packages = wheelhouse();
        command.current_dir(self.folder.path());
        // They take a while to build, and not every project has one.
        let text = fs::read_to_string(self.path("meltano.yml")).expect("readable");
        if text.contains("${WHEELS}") {
            command.env("WHEELS", wheels());
        }
        command
            .env("HOME", self.path("home"))
            .env_remove("XDG_STATE_HOME")
            .env_remove("VIRTUAL_ENV");
        command.env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false");
        command
            .env("UV_OFFLINE", "1")
            .env("UV_NO_INDEX", "1")
            .env("UV_FIND_LINKS", &packages);
        command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", &packages);
        command
    }

    /// A command that finds uv on its path, next to Meltano, whose package brings it.
    fn with_uv(&self, program: &Path) -> Command {
        let mut command = self.command(program);
        let path = std::env::var("PATH").expect("a path");
        command.env(
            "PATH",
            format!("{}:{path}", meltano().parent().expect("a folder").display()),
        );
        command
    }

    fn melisma(&self, args: &[&str]) -> Outcome {
        run(self.with_uv(melisma()).args(args), b"")
    }

    fn meltano(&self, args: &[&str]) -> Outcome {
        run(self.with_uv(&meltano()).args(args), b"")
    }

    /// The rows of both targets, of which each has had both taps; removes them.
    fn take_rows(&self) -> Vec<usize> {
        let outputs = ["output/ours/rows.jsonl", "output/theirs/rows.jsonl"];
        let count = |output: &str| {
            let rows = jsonl_rows(&self.path(output)).len();
            fs::remove_file(self.path(output)).expect("removed");
            rows
        };
        outputs.into_iter().map(count).collect()
    }
}

/// The folder with the wheels of ours that the tests need, made once, with the binaries that cargo has built for the tests.
fn wheels() -> &'static Path {
    static WHEELS: OnceLock<PathBuf> = OnceLock::new();
    WHEELS.get_or_init(|| {
        let wheels = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheels");
        let target = melisma().ancestors().nth(2).expect("a target folder");
        for folder in ["taps/csv", "targets/jsonl"] {
            let mut build = maturin(Built::WithTests);
            build
                .args(["--manifest-path", &format!("{folder}/Cargo.toml"), "--out"])
                .arg(&wheels)
                .env("CARGO_TARGET_DIR", target)
                .current_dir(root());
            run(&mut build, b"").ok();
        }
        wheels
    })
}

/// The file name of the wheel of a plugin, such as `tap_csv`.
fn wheel(plugin: &str) -> String {
    let is_it = |file: &String| file.starts_with(&format!("melisma_{plugin}-"));
    files(wheels()).into_iter().find(is_it).expect("a wheel")
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

fn meltano() -> PathBuf {
    python("python-meltano").with_file_name("meltano")
}

fn wheelhouse() -> PathBuf {
    let target = || {
        melisma()
            .ancestors()
            .nth(2)
            .expect("a target folder")
            .join("wheelhouse")
    };
    let path = std::env::var_os("MELISMA_TEST_WHEELHOUSE").map_or_else(target, PathBuf::from);
    assert!(
        path.is_dir(),
        "{} is missing: run `cargo xtask setup`",
        path.display()
    );
    path
}

/// What melisma has installed, Meltano runs without installing it again, and the other way round: a tap and a target from PyPI, and
/// ours from wheels in place of either or both.
#[test]
fn each_tool_runs_what_the_other_has_installed() {
    let project = Project::new("");
    let (tap, target) = (wheel("tap_csv"), wheel("target_jsonl"));
    project.write(
        "meltano.yml",
        &PROJECT
            .replace("@tap-csv@", &tap)
            .replace("@target-jsonl@", &target),
    );
    let outcome = project.melisma(&["install"]).ok();
    assert!(
        outcome.stderr.contains("installed 4 of 4 plugins"),
        "{}",
        outcome.stderr
    );
    let outcome = project.meltano(&[&["run"], &PAIRS[..]].concat()).ok();
    assert!(!outcome.stderr.contains("Install"), "{}", outcome.stderr);
    assert_eq!(project.take_rows(), [4, 4]);

    fs::remove_dir_all(project.path(".meltano")).expect("removed");
    project.meltano(&["install"]).ok();
    for pair in PAIRS.chunks(2) {
        let outcome = project.melisma(&[&["run", "--force"], pair].concat()).ok();
        assert!(!outcome.stderr.contains("built-in"), "{}", outcome.stderr);
    }
    assert_eq!(project.take_rows(), [4, 4]);
}

/// Without uv, Python's own venv and pip do it; built-in plugins need nothing; a package that does not exist is one line with the
/// reason and the log.
#[test]
fn pip_installs_where_there_is_no_uv_and_a_failure_says_why() {
    let project = Project::new("");
    let wheel = wheel("tap_csv");
    let text = format!(
        "plugins:\n  extractors:\n  - {{name: tap-csv, namespace: tap_csv, pip_url: '${{WHEELS}}/{wheel}'}}\n  - {{name: \
         tap-none, namespace: tap_none, pip_url: 'no-such-package==1'}}\n  loaders:\n  - {{name: target-jsonl}}\n  - {{name: \
         target-mine, namespace: t, executable: ./mine.sh}}\n"
    );
    project.write("meltano.yml", &text);
    let mut install = project.command(melisma());
    install.arg("install").env("MELTANO_VENV_BACKEND", "virtualenv");
    let outcome = run(&mut install, b"").fails(
        1,
        &[
            "installed extractor tap-csv",
            "extractor tap-none could not be installed: No matching distribution found for no-such-package==1",
            "target-jsonl: it is built in",
            "target-mine: it has no pip_url",
            "installed 1 of 4 plugins; 2 need no installation; 1 failed",
        ],
    );
    let log = outcome
        .stderr
        .split("the log is ")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let log = fs::read_to_string(log.expect("a path")).expect("a log");
    assert!(log.contains("no-such-package"), "{log}");
    let tap = project.path(".meltano/extractors/tap-csv/venv/bin/tap-csv");
    let version = run(Command::new(tap).arg("--version"), b"").ok().stdout;
    assert!(version.starts_with(b"tap-csv "));
}

const STALE: &str = "plugins:
  extractors:
  - name: tap-jsonl
    namespace: tap_jsonl
    pip_url: PACKAGE
    capabilities: [catalog, discover, state]
    config: {path: rows.jsonl, stream_name: rows, primary_keys: [id]}
  loaders:
  - {name: target-jsonl, config: {destination_path: output/theirs}}
default_environment: dev
environments: [{name: dev}]
";

/// Before a run, what is not installed is installed, and what was made for another `pip_url`; nothing else is, and not against the
/// options or the setting.
#[test]
fn a_run_installs_what_is_missing_or_stale() {
    let project = Project::new("");
    let change = |package: &str, more: &str| {
        project.write(
            "meltano.yml",
            &format!("{}{more}", STALE.replace("PACKAGE", package)),
        );
    };
    let call = |command: &[&str], words: &[&str]| {
        let args = [command, &["tap-jsonl"], words].concat();
        project.melisma(&args)
    };
    change("tap-jsonl==0.3.1", "");
    let missing = "tap-jsonl is not installed";
    call(&["run", "--no-install"], &["target-jsonl"]).fails(78, &[missing]);
    call(&["run", "--only-install"], &["target-jsonl"])
        .ok()
        .says(&["installed extractor tap-jsonl"]);
    assert!(
        !project.path("output/theirs/rows.jsonl").exists(),
        "nothing was run"
    );
    let installs = |outcome: &Outcome| outcome.stderr.contains("installing extractor tap-jsonl");
    assert!(!installs(&call(&["run"], &["target-jsonl"]).ok()));

    change("tap-jsonl==0.3.1 --no-deps", "");
    assert!(!installs(&call(&["run", "--no-install"], &["target-jsonl"]).ok()));
    change("tap-jsonl==0.3.1 --no-deps", "auto_install: false\n");
    assert!(!installs(&call(&["run"], &["target-jsonl"]).ok()));
    change("tap-jsonl==${UNSET_VERSION}", "");
    let outcome = call(&["run"], &["target-jsonl"]).ok();
    assert!(!installs(&outcome));
    outcome.says(&["UNSET_VERSION"]);
    change("tap-jsonl>=0.3.1", "");
    assert!(installs(&call(&["invoke"], &["--discover"]).ok()));
    assert!(!installs(&call(&["run"], &["target-jsonl"]).ok()));

    // An installation that fails is a warning, and what is missing then is the error.
    change("no-such-package==1", "");
    call(&["run"], &["target-jsonl"]).fails(78, &["tap-jsonl could not be installed", missing]);
}
