//! `cargo xtask macos`: whether the product compiles for macOS.
//!
//! The compiler can check that on any system that has the target (`rustup target add aarch64-apple-darwin`). A check makes
//! no machine code, so the libraries in C that build scripts would compile are not needed: their compiler is `true`.

use std::path::Path;
use std::process::Command;

use crate::{Result, sh};

const TARGET: &str = "aarch64-apple-darwin";

/// Checks the command with all its connectors; says so when the target is not installed.
pub(crate) fn run() -> Result {
    let folder = sh::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if !Path::new(folder.trim()).is_dir() {
        println!("macos: not checked, because the target {TARGET} is not installed");
        return Ok(());
    }
    let mut check = sh::cargo();
    check.args(["check", "--locked", "--package", "melisma", "--target", TARGET]);
    if !cfg!(target_os = "macos") {
        for tool in ["CC", "CXX", "AR"] {
            check.env(format!("{tool}_aarch64_apple_darwin"), "true");
        }
        // Otherwise the build scripts ask Xcode for it.
        check.env("SDKROOT", "/");
    }
    sh::run(&mut check)
}
