//! The programs of tests, as cargo has built them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::built::Built;
use crate::{Result, sh};

/// Packages whose tests wait for processes most of their time. They start first, because they take longest.
const WAIT: [&str; 2] = ["tests/e2e", "examples/tap-tracker"];

/// What runs tests, and reports as the test harness of Rust does.
pub(super) struct Program {
    /// Such as `tests/e2e: it`.
    pub(super) name: String,
    /// How it is started.
    pub(super) command: Command,
    /// Its tests wait most of their time.
    pub(super) waits: bool,
}

/// Cargo, while it builds the tests of the whole workspace. Selecting less of it would build dependencies with other features.
pub(super) struct Compiler(Child);

impl Compiler {
    pub(super) fn start() -> Result<Self> {
        let mut cargo = cargo_test();
        cargo.args(["--no-run", "--message-format=json-render-diagnostics"]);
        let child = cargo.stdout(Stdio::piped()).spawn();
        child.map(Self).map_err(|e| format!("cannot start cargo: {e}"))
    }

    /// The programs, those that wait first, and the libraries.
    pub(super) fn finish(mut self) -> Result<(Vec<Program>, Built)> {
        let stdout = self.0.stdout.take().ok_or("no stdout")?;
        let mut programs = vec![documentation()];
        let mut built = Built::default();
        let libraries = libraries()?;
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|e| format!("cannot read the output of cargo: {e}"))?;
            let message: Value =
                serde_json::from_str(&line).map_err(|e| format!("the output of cargo: {e}"))?;
            programs.extend(program(&message, &libraries));
            built.note(&message);
        }
        let status = self.0.wait();
        let status = status.map_err(|e| format!("cannot wait for cargo: {e}"))?;
        if !status.success() {
            return Err("the tests do not compile".into());
        }
        programs.sort_by_key(|program| !program.waits);
        Ok((programs, built))
    }
}

fn cargo_test() -> Command {
    let mut cargo = sh::cargo();
    cargo.args(["test", "--locked", "--workspace"]);
    cargo
}

/// Tests in the documentation are compiled when they run.
fn documentation() -> Program {
    let mut command = cargo_test();
    command.args(["--doc", "--no-fail-fast", "--"]);
    Program {
        name: "documentation".into(),
        command,
        waits: false,
    }
}

/// Where the libraries of the compiler are, which tests of a derive macro are linked to.
fn libraries() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = sh::output(Command::new(rustc).args(["--print", "target-libdir"]))?;
    Ok(folder.trim().to_owned())
}

/// The program in a message of cargo, if it is about one.
fn program(message: &Value, libraries: &str) -> Option<Program> {
    let executable = PathBuf::from(message["executable"].as_str()?);
    if message["profile"]["test"] != true {
        return None;
    }
    let package = Path::new(message["manifest_path"].as_str()?).parent()?;
    let folder = package.strip_prefix(sh::root()).unwrap_or(package);
    let target = message["target"]["name"].as_str()?;
    let mut command = Command::new(executable);
    command.current_dir(package).env("LD_LIBRARY_PATH", libraries);
    melisma_processes::without_package(&mut command);
    Some(Program {
        name: format!("{}: {target}", folder.display()),
        command,
        waits: WAIT.iter().any(|waits| folder == Path::new(waits)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_of_tests_runs_in_the_folder_of_its_package() {
        let root = sh::root();
        let message = |test: bool, executable: Option<&str>| {
            json!({
                "reason": "compiler-artifact",
                "manifest_path": root.join("cli/Cargo.toml"),
                "target": {"name": "it"},
                "profile": {"test": test},
                "executable": executable,
            })
        };
        let found = program(&message(true, Some("/t/it-1")), "/lib").expect("a program");
        assert_eq!(found.name, "cli: it");
        assert_eq!(found.command.get_program(), "/t/it-1");
        assert_eq!(found.command.get_current_dir(), Some(&*root.join("cli")));
        assert!(program(&message(false, Some("/t/melisma")), "/lib").is_none());
        assert!(program(&message(true, None), "/lib").is_none());
    }
}
