//! The last stage of the Containerfile as a folder, and programs in it as a container engine would run them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Outcome, melisma, root, run};

/// A root folder, with who runs there, where, and with which variables.
pub(super) struct RootFolder {
    folder: TempDir,
    user: u32,
    work: String,
    vars: Vec<(String, String)>,
    entry: String,
}

impl RootFolder {
    /// Carries out the instructions of the last stage. The binary is the one of the tests, with the libraries it is linked to,
    /// or the static one that `MELISMA_TEST_STATIC_BINARY` names (`cargo xtask static` sets it).
    pub(super) fn of_the_containerfile() -> Self {
        let text = fs::read_to_string(root().join("Containerfile")).expect("a Containerfile");
        let (_, stage) = text
            .rsplit_once("FROM scratch\n")
            .expect("a last stage from scratch");
        let mut made = Self {
            folder: tempfile::tempdir().expect("a folder"),
            user: 0,
            work: String::new(),
            vars: Vec::new(),
            entry: String::new(),
        };
        for line in stage
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            made.carry_out(line);
        }
        // The folder of a test is closed to other users; a root folder is not.
        fs::set_permissions(made.folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        for mount in ["dev", "proc"] {
            fs::create_dir_all(made.path(mount)).expect("a mount point");
        }
        made
    }

    fn carry_out(&mut self, line: &str) {
        let (instruction, rest) = line.split_once(' ').expect("an instruction");
        match instruction {
            "COPY" => self.copy(rest),
            "ENV" => {
                let pairs = rest.split(' ').filter_map(|pair| pair.split_once('='));
                self.vars
                    .extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            "USER" => {
                let (user, _) = rest.split_once(':').expect("a user and a group");
                self.user = user.parse().expect("a number, since there is no /etc/passwd");
            }
            "WORKDIR" => rest.clone_into(&mut self.work),
            "ENTRYPOINT" => rest.trim_matches(['[', ']', '"']).clone_into(&mut self.entry),
            other => panic!("the test does not know {other}"),
        }
    }

    fn copy(&self, rest: &str) {
        let words: Vec<&str> = rest.split(' ').filter(|word| !word.starts_with("--")).collect();
        let [from, to] = words[..] else {
            panic!("COPY {rest}")
        };
        let to = self.path(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        match from {
            "/src/target/release/melisma" => self.copy_binary(&to),
            "/empty" => {
                fs::create_dir_all(&to).expect("made");
                assert!(rest.contains("--chown=65532:65532"), "{rest}");
                // Only root can give files away; without that, everything belongs to the one user there is.
                if is_root() {
                    chown(&to, Some(65532), Some(65532)).expect("given away");
                }
            }
            // Of the build image; that of this machine is as good, when there is one.
            "/etc/ssl/certs/ca-certificates.crt" | "/usr/share/zoneinfo" => {}
            other => panic!("the test does not know where {other} comes from"),
        }
    }

    fn copy_binary(&self, to: &Path) {
        let own = static_binary();
        let binary = own.clone().unwrap_or_else(|| melisma().to_owned());
        fs::copy(&binary, to).expect("copied");
        if own.is_some() {
            return;
        }
        let libraries = run(Command::new("ldd").arg(&binary), b"").ok().stdout;
        let libraries = String::from_utf8(libraries).expect("UTF-8");
        for path in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = self.path(path.trim_start_matches('/'));
            fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            fs::copy(path, to).expect("copied");
        }
    }

    /// Whether the binary is linked to nothing.
    pub(super) fn is_static() -> bool {
        static_binary().is_some()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    /// Whose files the processes in the folder make, seen from outside.
    pub(super) fn uid(&self) -> u32 {
        use std::os::unix::fs::MetadataExt;
        if is_root() {
            self.user
        } else {
            fs::metadata(self.folder.path()).expect("a folder").uid()
        }
    }

    /// Runs the entry point with arguments: in this root, as its user, with nothing but its variables. /dev and /proc are there,
    /// as in every container.
    pub(super) fn run(&self, args: &[&str]) -> Outcome {
        let mut command = Command::new("unshare");
        let user = self.user.to_string();
        let mut inner = vec!["env".to_owned(), "--ignore-environment".to_owned()];
        inner.extend(self.vars.iter().map(|(name, value)| format!("{name}={value}")));
        inner.push("/usr/bin/unshare".to_owned());
        if is_root() {
            inner.extend([format!("--setuid={user}"), format!("--setgid={user}")]);
        } else {
            command.args(["--user", "--map-root-user"]);
            inner.extend([
                "--user".to_owned(),
                format!("--map-user={user}"),
                format!("--map-group={user}"),
            ]);
        }
        let folder = self.folder.path().display();
        inner.extend([
            format!("--root={folder}"),
            format!("--wd={}", self.work),
            self.entry.clone(),
        ]);
        let script =
            format!("mount --rbind /dev {folder}/dev && mount --rbind /proc {folder}/proc && exec \"$@\"");
        command
            .args(["--mount", "sh", "-c", &script, "sh"])
            .args(inner)
            .args(args);
        run(&mut command, b"")
    }
}

fn static_binary() -> Option<PathBuf> {
    std::env::var_os("MELISMA_TEST_STATIC_BINARY").map(PathBuf::from)
}

fn is_root() -> bool {
    let id = run(Command::new("id").arg("-u"), b"").ok().stdout;
    id == b"0\n"
}
