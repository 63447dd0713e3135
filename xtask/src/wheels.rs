//! `cargo xtask wheels`: Python wheels of `melisma` and of each plugin, so that pip and uv can install them.
//!
//! A wheel holds one program and no Python: `pyproject.toml` next to each crate says so. maturin, pinned in
//! tests/e2e/python, packs what cargo builds.

use std::path::PathBuf;
use std::process::Command;

use crate::{Result, pgo, setup, sh, wheels_check};

/// The folders of the crates that have a wheel.
const CRATES: [&str; 10] = [
    "cli",
    "taps/adbc",
    "taps/csv",
    "taps/postgres",
    "taps/rest",
    "targets/adbc",
    "targets/csv",
    "targets/jsonl",
    "targets/parquet",
    "targets/postgres",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pack what a debug build makes, in seconds; for tests
    #[arg(long)]
    debug: bool,
    /// Build for this target of rustc, such as x86_64-unknown-linux-musl
    #[arg(long)]
    target: Option<String>,
    /// Optimise melisma by a profile of its main paths (see `cargo xtask pgo`); the wheels of single plugins are as without
    #[arg(long, conflicts_with = "debug")]
    pgo: bool,
    /// Where the wheels go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Install the wheels that are there by uv and by pip, and run what they install; builds nothing
    #[arg(long, conflicts_with_all = ["debug", "target", "pgo", "crates"])]
    check: bool,
    /// Only the wheels of these folders, such as taps/csv
    crates: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result {
    let unknown = args
        .crates
        .iter()
        .find(|folder| !CRATES.contains(&folder.as_str()));
    if let Some(folder) = unknown {
        return Err(format!(
            "{folder} has no wheel; these have one: {}",
            CRATES.join(", ")
        ));
    }
    let maturin = setup::maturin()?;
    let out = args.out.clone().unwrap_or_else(|| sh::target().join("wheels"));
    if args.check {
        return wheels_check::run(&out, &maturin.with_file_name("uv"));
    }
    for folder in CRATES {
        if args.crates.is_empty() || args.crates.iter().any(|wanted| wanted == folder) {
            let mut wheel = build(&maturin, folder, args);
            // The libraries of a plugin's own program have other features than those of melisma, and the profile knows them not.
            if args.pgo && folder == "cli" {
                let target = pgo::target(args.target.as_deref())?;
                wheel.env("RUSTFLAGS", pgo::profile(&target, "")?.flags("").trim());
                if args.target.is_none() {
                    wheel.args(["--target", &target]);
                }
            }
            sh::run(wheel.arg("--out").arg(&out))?;
        }
    }
    println!("the wheels are in {}", out.display());
    Ok(())
}

fn build(maturin: &PathBuf, folder: &str, args: &Args) -> Command {
    let mut command = Command::new(maturin);
    command.current_dir(sh::root());
    command.args([
        "build",
        "--locked",
        "--manifest-path",
        &format!("{folder}/Cargo.toml"),
    ]);
    if args.debug {
        // A wheel for this machine alone. What it needs of the system is not looked at.
        command.args([
            "--profile",
            "dev",
            "--auditwheel",
            "skip",
            "--compatibility",
            "linux",
        ]);
    } else {
        command.args(["--profile", "release", "--strip"]);
    }
    if let Some(target) = &args.target {
        command.args(["--target", target]);
    }
    command
}
