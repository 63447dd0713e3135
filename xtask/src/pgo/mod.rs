//! `cargo xtask pgo`: a profile of melisma's main paths, and a melisma that the compiler optimises by it.
//!
//! A program that counts itself is built, does the work of `training`, and leaves counts; llvm-profdata makes one profile of
//! them, which the second build reads. `cargo xtask static --pgo` and `cargo xtask wheels --pgo` build by such a profile, too.

mod measure;
mod tool;
mod training;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, sh, static_binary};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build for this target of rustc, which this machine can run
    #[arg(long)]
    target: Option<String>,
    /// Measure the build beside one without a profile, on data that the training does not see
    #[arg(long)]
    measure: bool,
    /// Timed runs of each, with --measure
    #[arg(long, default_value_t = 7)]
    runs: u32,
}

pub(crate) fn run(args: &Args) -> Result {
    let melisma = melisma(&target(args.target.as_deref())?)?;
    println!("built by a profile: {}", melisma.display());
    if args.measure {
        measure::run(&melisma, args.runs)?;
    }
    Ok(())
}

/// What to build for: what is named, or this machine. Cargo gets it by name in either case, so that its flags are for the
/// program alone, and not for build scripts and macros.
pub(crate) fn target(named: Option<&str>) -> Result<String> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    sh::output(Command::new("rustc").args(["--print", "host-tuple"])).map(|host| host.trim().to_owned())
}

/// A melisma for this target, with a profile of its own.
pub(crate) fn melisma(target: &str) -> Result<PathBuf> {
    let profile = profile(target, "")?;
    build(target, &home().join("built"), &profile.flags(""))
}

/// A profile that a build can read.
pub(crate) struct Profile(PathBuf);

impl Profile {
    /// The value of `RUSTFLAGS` for a build by this profile, after other flags.
    pub(crate) fn flags(&self, others: &str) -> String {
        format!("{others} -Cprofile-use={}", self.0.display())
    }
}

/// Builds a melisma that counts, with flags that the later build has as well, and lets it work.
pub(crate) fn profile(target: &str, others: &str) -> Result<Profile> {
    let llvm_profdata = tool::llvm_profdata()?;
    let counts = home().join("counts");
    let _ = fs::remove_dir_all(&counts);
    fs::create_dir_all(&counts).map_err(|e| format!("cannot create {}: {e}", counts.display()))?;
    // The names of functions stay as they are: an llvm-profdata without zlib cannot read them otherwise.
    let flags = format!(
        "{others} -Cprofile-generate={} -Cllvm-args=--enable-name-compression=false",
        counts.display()
    );
    let melisma = build(target, &home().join("counting"), &flags)?;
    training::run(&melisma, &home().join("training"), &counts)?;
    let profile = home().join(format!("{target}.profdata"));
    let found = fs::read_dir(&counts).map_err(|e| format!("cannot read {}: {e}", counts.display()))?;
    let files: Vec<PathBuf> = found.flatten().map(|file| file.path()).collect();
    if files.is_empty() {
        return Err(format!("no process of {} left counts", melisma.display()));
    }
    let mut merge = Command::new(llvm_profdata);
    sh::run(merge.args(["merge", "--output"]).arg(&profile).args(files))?;
    Ok(Profile(profile))
}

fn build(target: &str, folder: &Path, flags: &str) -> Result<PathBuf> {
    let mut cargo = sh::cargo();
    cargo.args([
        "build",
        "--release",
        "--locked",
        "--package=melisma",
        "--target",
        target,
    ]);
    static_binary::compile_c(&mut cargo, target);
    cargo
        .env("CARGO_TARGET_DIR", folder)
        .env("RUSTFLAGS", flags.trim());
    sh::run(&mut cargo)?;
    Ok(folder.join(target).join("release/melisma"))
}

fn home() -> PathBuf {
    sh::target().join("pgo")
}
