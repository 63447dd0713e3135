//! `cargo xtask static`: a melisma that is linked to nothing, for machines without a fitting libc and for containers.
//!
//! With the target x86_64-unknown-linux-musl installed (`rustup target add x86_64-unknown-linux-musl`, and musl-gcc for the
//! libraries in C) it is a musl binary. Without, it is linked statically to the glibc of this machine, which finds names of
//! hosts by files and DNS alone, as musl does.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, pgo, setup, sh};

const MUSL: &str = "x86_64-unknown-linux-musl";
const STATIC: &str = "-C target-feature=+crt-static";
const GLIBC: &str = "x86_64-unknown-linux-gnu";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build in the debug profile
    #[arg(long)]
    debug: bool,
    /// Optimise it by a profile of the main paths: see `cargo xtask pgo`
    #[arg(long, conflicts_with = "debug")]
    pgo: bool,
    /// Do not run the tests of the container with it
    #[arg(long)]
    no_test: bool,
}

pub(crate) fn run(args: &Args) -> Result {
    let binary = build(args)?;
    not_linked(&binary)?;
    println!("the static binary is {}", binary.display());
    if args.no_test {
        return Ok(());
    }
    let pythons = setup::pythons()?;
    let mut test = sh::cargo();
    test.args([
        "test",
        "--locked",
        "--package",
        "melisma-tests",
        "--test",
        "it",
        "container::",
    ]);
    test.env("MELISMA_TEST_STATIC_BINARY", &binary)
        .env("MELISMA_TEST_PYTHON", &pythons.main);
    sh::run(&mut test)
}

fn build(args: &Args) -> Result<PathBuf> {
    let has_musl = is_installed(MUSL)? && sh::works("musl-gcc", &["--version"]);
    let target = if has_musl { MUSL } else { GLIBC };
    println!("building for {target}, linked statically");
    let mut cargo = sh::cargo();
    cargo.args(["build", "--locked", "--package", "melisma", "--target", target]);
    if !args.debug {
        cargo.arg("--release");
    }
    // With --target the flags are for the program alone, and not for build scripts and macros, which must stay dynamic.
    let flags = if args.pgo {
        pgo::profile(target, STATIC)?.flags(STATIC)
    } else {
        STATIC.to_owned()
    };
    cargo.env("RUSTFLAGS", flags);
    compile_c(&mut cargo, target);
    sh::run(&mut cargo)?;
    let profile = if args.debug { "debug" } else { "release" };
    Ok(sh::target().join(target).join(profile).join("melisma"))
}

/// The libraries in C of a musl program are compiled by musl-gcc.
pub(crate) fn compile_c(cargo: &mut Command, target: &str) {
    if target == MUSL {
        cargo.env("CC_x86_64_unknown_linux_musl", "musl-gcc");
    }
}

fn is_installed(target: &str) -> Result<bool> {
    let folder = sh::output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
    Ok(Path::new(folder.trim()).is_dir())
}

/// Fails when the program needs a loader or a library.
fn not_linked(binary: &Path) -> Result {
    let headers = sh::output(
        Command::new("readelf")
            .args(["--wide", "--program-headers", "--dynamic"])
            .arg(binary),
    )?;
    for needs in ["INTERP", "(NEEDED)"] {
        if headers.contains(needs) {
            return Err(format!("{} is not static: it has {needs}", binary.display()));
        }
    }
    Ok(())
}
