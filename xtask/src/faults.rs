//! `cargo xtask faults`: kills melisma in every way and place, and looks whether anything got lost.

use std::fs;
use std::path::PathBuf;

use melisma_testing::postgres::installations;

use crate::bench::machine;
use crate::{Result, postgres, setup, sh};

/// The features of the programs under test; dependencies are built as for the tests.
const FEATURES: &str = "melisma/planted-bugs,melisma-faults/planted-bugs";
/// The programs under test.
const PROGRAMS: [&str; 2] = ["melisma", "melisma-faults"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Everything: each point on the way of each target in three ways, and 1,000 kills; writes docs/faults.md.
    #[arg(long)]
    full: bool,
    /// What all that is random follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only what has this in its name, such as `sink.commit.before:kill:target-csv`, `kills:3:` or `planted`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// How many at a time; as many as there are processors by default.
    #[arg(long)]
    workers: Option<usize>,
    /// Only build what is needed, and print the folder, for `MELISMA_TEST_FAULTS`.
    #[arg(long)]
    build: bool,
}

pub(crate) fn run(args: &Args) -> Result {
    let folder = build()?;
    if args.build {
        println!("{}", folder.display());
        return Ok(());
    }
    refuses_unsafe()?;
    let mut harness = std::process::Command::new(folder.join(PROGRAMS[1]));
    harness.arg("run").args(["--seed", &args.seed.to_string()]);
    if let Some(only) = &args.only {
        harness.args(["--only", only]);
    } else if args.full {
        let page = sh::root().join("docs/faults.md");
        harness
            .args(["--full", "--machine", &kind_of_machine(), "--page"])
            .arg(page);
    }
    if let Some(workers) = args.workers {
        harness.args(["--workers", &workers.to_string()]);
    }
    if installations().is_empty() {
        harness.env(
            "MELISMA_TEST_POSTGRES",
            postgres::folders(&setup::pythons()?.postgres)?,
        );
    }
    sh::run(&mut harness)
}

/// Builds the programs with kill points and planted bugs, beside the usual ones; the folder that they are in.
pub(crate) fn build() -> Result<PathBuf> {
    let debug = sh::target().join("debug");
    let folder = debug.join("faults");
    let failed = |what: &str, error: std::io::Error| format!("{what}: {error}");
    fs::create_dir_all(&folder).map_err(|e| failed("cannot make a folder", e))?;
    let aside = |program: &str| folder.join(format!("{program}.usual"));
    for program in PROGRAMS {
        // Absent before the first build.
        let _ = fs::rename(debug.join(program), aside(program));
    }
    let mut cargo = sh::cargo();
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--workspace",
        "--features",
        FEATURES,
    ]);
    let built = sh::run(cargo.args(PROGRAMS.iter().flat_map(|program| ["--bin", program])));
    for program in PROGRAMS {
        if built.is_ok() {
            // Cargo links what it puts here to what it keeps, and writes into that when it builds again.
            let _ = fs::remove_file(folder.join(program));
            fs::copy(debug.join(program), folder.join(program))
                .map_err(|e| failed("cannot copy a program", e))?;
        }
        let _ = fs::remove_file(debug.join(program));
        let _ = fs::rename(aside(program), debug.join(program));
    }
    built.map(|()| folder)
}

/// The planted bug of the eighth invariant: an `unsafe` block, which the compiler must refuse.
pub(crate) fn refuses_unsafe() -> Result {
    let mut cargo = sh::cargo();
    cargo
        .args(["build", "--locked", "--workspace", "--bin", "melisma"])
        .args(["--features", &format!("{FEATURES},melisma/planted-unsafe")]);
    let output = cargo.output().map_err(|e| format!("cannot start cargo: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains("usage of an `unsafe` block") {
        return Err(format!(
            "an `unsafe` block in the engine was not refused:\n{said}"
        ));
    }
    println!("invariant 8  planted-unsafe   the compiler refuses an `unsafe` block in the engine");
    Ok(())
}

/// Such as `2 cores of an AMD EPYC`, for the page.
fn kind_of_machine() -> String {
    let machine = machine::describe();
    let text = |name: &str| machine[name].as_str().unwrap_or_default().to_owned();
    let rustc = text("rustc");
    let rustc = rustc.split(" (").next().unwrap_or_default();
    format!("{} cores, {}, Linux, {rustc}", machine["cores"], text("cpu"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_member_goes_without_the_lints_that_forbid_unsafe() {
        let root = crate::sh::root();
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).expect("a manifest");
        assert!(read(root.join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
        for package in crate::metadata::packages().expect("cargo metadata runs") {
            if package.source.is_none() {
                let manifest = read(root.join(&package.folder).join("Cargo.toml"));
                assert!(
                    manifest.contains("[lints]\nworkspace = true"),
                    "{}",
                    package.folder
                );
            }
        }
    }
}
