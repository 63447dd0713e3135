//! `.meltano/run/bin`: the link by which tools such as Airflow's generator start the tool that the project is run with.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;

use super::Project;

impl Project {
    /// Makes the link to this program, as Meltano makes it to itself: where there is none, or one that leads nowhere. The
    /// first of the two tools that works in a project owns it.
    ///
    /// A project that cannot be written to has none; nothing here needs it.
    pub(crate) fn link_program(&self) {
        let folder = self.system.join("run");
        let link = folder.join("bin");
        if link.exists() {
            return;
        }
        if let Ok(program) = env::current_exe()
            && fs::create_dir_all(&folder).is_ok()
        {
            let _ = fs::remove_file(&link);
            let _ = symlink(program, &link);
        }
    }
}
