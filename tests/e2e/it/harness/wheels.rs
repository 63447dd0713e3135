//! maturin, with binaries that are built already.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::python;

/// What the binaries of a wheel were built with: cargo builds one package alone with fewer features than with the others of its
/// workspace, and so with all that it depends on once more.
#[derive(Clone, Copy)]
pub(crate) enum Built {
    /// `cargo test` of this workspace.
    WithTests,
    /// `cargo build` of another workspace.
    Alone,
}

/// `maturin build` of a wheel for this machine, to which cargo says that it builds what it has built.
pub(crate) fn maturin(built: Built) -> Command {
    let (name, command) = match built {
        Built::WithTests => ("cargo-with-tests", "test --no-run"),
        Built::Alone => ("cargo-alone", "build"),
    };
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // The unit tests of a program are an executable of the same name, which must not be in the wheel.
    let script = format!(
        "#!/bin/sh\n\
         case $1 in\n\
         rustc) exec '{cargo}' {command} --workspace --offline --quiet --message-format json | grep -v 'checks\":[a-z]*,\"test\":true' ;;\n\
         *) exec '{cargo}' \"$@\" ;;\n\
         esac\n"
    );
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Another test may be running the script: it is replaced, not written.
    let new = path.with_extension(std::process::id().to_string());
    fs::write(&new, script).expect("written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("executable");
    fs::rename(&new, &path).expect("in place");
    let mut maturin = Command::new(python("python-wheels").with_file_name("maturin"));
    maturin
        .args(["build", "--quiet", "--profile", "dev"])
        .args(["--auditwheel", "skip", "--compatibility", "linux"])
        .env("CARGO", path);
    maturin
}
