//! Who runs the server: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The user that the server's processes run as; `None` when that is ourselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// Ourselves; when we are root, the user `postgres` or else `nobody`.
    pub(super) fn find() -> Self {
        let ourselves = fs::metadata("/proc/self").map_or(u32::MAX, |metadata| metadata.uid());
        if ourselves != 0 {
            return Self(None);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self(["postgres", "nobody"].iter().find_map(|name| ids(&users, name)))
    }

    /// A command that runs as this user.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group).current_dir("/");
        }
        command
    }

    /// Gives a file or folder to this user.
    pub(super) fn own(self, path: &Path) {
        if let Self(Some((user, group))) = self {
            chown(path, Some(user), Some(group)).expect("root may give files away");
        }
    }

    /// Whether this user may write into the folder: one above it may be closed to others.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        let mut test = self.command("test");
        test.arg("-w").arg(folder).stderr(Stdio::null());
        test.status().is_ok_and(|status| status.success())
    }
}

/// User and group number of a line like `postgres:x:102:104:...`.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:102:104::/var/lib:/bin/bash\n";
        assert_eq!(ids(users, "postgres"), Some((102, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }
}
