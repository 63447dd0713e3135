//! The program that counts instructions.

use crate::{Result, sh};

/// Sees that valgrind is there; installs it when we are root on a system with apt.
pub(crate) fn valgrind() -> Result {
    let is_there = || sh::works("valgrind", &["--version"]);
    if !is_there() && sh::is_root() && sh::works("apt-get", &["--version"]) {
        sh::apt_install(&["valgrind"])?;
    }
    if is_there() {
        Ok(())
    } else {
        Err("valgrind is missing (Debian and Ubuntu: `apt-get install valgrind`)".into())
    }
}
