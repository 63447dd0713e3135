//! docs/tutorial.md, done as its reader does it: each command is run by a shell, each block of code is put where the page says.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Workshop, workspace};
use crate::harness::{kill, root, run, wait_for};

/// A block of code: the words behind the fence, and the text.
type Block<'p> = (&'p str, &'p str);

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).collect()
}

/// The reader: where the shell is, and what it has started.
struct Reader {
    workshop: Workshop,
    folder: PathBuf,
    server: Option<u32>,
    port: u16,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(server) = self.server {
            kill("TERM", &server.to_string());
        }
    }
}

impl Reader {
    /// Runs commands, and stays in the folder in which they end.
    fn shell(&mut self, commands: &str) -> String {
        let (end, server) = (self.workshop.path("folder"), self.workshop.path("server"));
        // Cargo builds all projects of the tests in one folder.
        let linked = commands
            .replace(
                "cd tap-library\n",
                "cd tap-library\nln -s \"$CARGO_TARGET_DIR\" target\n",
            )
            .replace(
                "cd target-library\n",
                "cd target-library\nln -s \"$CARGO_TARGET_DIR\" target\n",
            );
        let script = format!(
            "{linked}\npwd > {}\necho \"${{!:-}}\" > {}",
            end.display(),
            server.display()
        );
        let mut shell = self.workshop.command("sh", "");
        shell
            .current_dir(&self.folder)
            .env("MELISMA", root())
            .args(["-e", "-c", &script]);
        let outcome = run(&mut shell, b"").ok();
        self.folder = fs::read_to_string(end).expect("a folder").trim().into();
        if let Ok(started) = fs::read_to_string(server).expect("an id").trim().parse() {
            self.server = Some(started);
            wait_for("the toy API", || {
                TcpStream::connect(("127.0.0.1", self.port)).ok()
            });
        }
        String::from_utf8_lossy(&outcome.stdout).into_owned()
    }

    /// Puts a block of code where it belongs.
    fn edit(&self, place: &str, code: &str) {
        let write = |name: &str, text: &str| fs::write(self.folder.join(name), text).expect("writes");
        let main = self.folder.join("src/main.rs");
        let after = |line: &str| change(&main, &format!("{line}\n"), &format!("{line}\n{code}"));
        match place {
            "" if code.contains("_main!") => write("src/main.rs", code),
            "" => write("src/tests.rs", code),
            "config" => after("    path: std::path::PathBuf,"),
            "target" => after("    upserts: bool,"),
            "open" => after("            upserts: standard.load_method != LoadMethod::Append,"),
            "table" => change(&main, "        let name = quote(&schema.stream);\n", code),
            "columns" => change(
                &main,
                "                .column_exists(None, &*schema.stream, &column.name);\n",
                code,
            ),
            other => panic!("the page has a block for {other:?}"),
        }
    }
}

fn change(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert_eq!(text.matches(old).count(), 1, "{old} in {}", file.display());
    fs::write(file, text.replace(old, new)).expect("writes");
}

/// The reader's `cargo build` and `cargo test` build the whole workspace, and so with the libraries that are built.
fn builds_the_workspace(workshop: &Workshop) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let script = workshop.path("bin/cargo");
    fs::write(&script, format!("#!/bin/sh\nexec '{cargo}' \"$@\" --workspace\n")).expect("writes");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    let page = fs::read_to_string(root().join("docs/tutorial.md")).expect("a page");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let page = page.replace("8000", &port.to_string());
    let workshop = Workshop::new("tutorial");
    workspace(&workshop.folder, &["t*-library"], "");
    builds_the_workspace(&workshop);
    let mut reader = Reader {
        folder: workshop.path(""),
        workshop,
        server: None,
        port,
    };
    let mut printed = String::new();
    let mut ran = 0;
    for (words, text) in blocks(&page) {
        match words.split_once(' ').unwrap_or((words, "")) {
            ("sh", _) => {
                printed = reader.shell(text);
                ran += 1;
            }
            ("rust", place) => reader.edit(place, text),
            // The clone of melisma, which is this one.
            _ => assert!(text.contains("export MELISMA="), "{text}"),
        }
    }
    assert_eq!(ran, 7, "blocks of commands");
    assert!(
        printed.contains("2026-01-03T20:15:00Z") && printed.contains("Too hot."),
        "{printed}"
    );
    let recorded =
        fs::read_to_string(reader.workshop.path("tap-library/tests/http/api.json")).expect("a recording");
    assert!(
        recorded.contains("{\n    \"path\": \"/books.json\""),
        "{recorded}"
    );
    assert_eq!(reader.workshop.rows("tap-library/output/reviews.jsonl").len(), 3);
    drop(reader);
}
