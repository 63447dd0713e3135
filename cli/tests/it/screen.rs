//! What a real terminal shows while pairs run at once: each has lines of its own, and none overwrites another.

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use melisma_processes::wait_for;

use crate::support::Folder;

/// A run on a terminal.
struct OnScreen {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl OnScreen {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut child = folder.on_a_terminal(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        let reader = std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut block) {
                kept.lock().unwrap().extend_from_slice(&block[..length]);
            }
        });
        Self {
            child,
            written,
            reader,
        }
    }

    /// The lines that are on the screen now.
    fn lines(&self) -> Vec<String> {
        let mut terminal = vt100::Parser::new(30, 160, 0);
        terminal.process(&self.written.lock().unwrap());
        // Row by row: a bar is as wide as the terminal, so the next one begins without a line break.
        let rows = terminal.screen().rows(0, 160);
        rows.map(|row| row.trim_end().to_owned()).collect()
    }

    fn end(mut self) -> Vec<String> {
        assert!(self.child.wait().unwrap().success(), "{:#?}", self.lines());
        while !self.reader.is_finished() {
            std::thread::yield_now();
        }
        self.lines()
    }
}

impl Drop for OnScreen {
    /// What a failed test leaves would wait for ever.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Taps `tap-1` and so on with streams of the same numbers, which write until there is a file `go`; and their targets.
fn project(pairs: usize) -> Folder {
    let folder = Folder::new();
    let (mut taps, mut targets) = (String::new(), String::new());
    for n in 1..=pairs {
        let _ = writeln!(
            taps,
            "  - {{name: tap-{n}, namespace: tap_{n}, executable: ./tap-{n}}}"
        );
        let _ = writeln!(
            targets,
            "  - {{name: target-{n}, namespace: target_{n}, executable: ./target}}"
        );
        let message = |text: &str| format!("echo '{}'\n", text.replace("STREAM", &format!("stream-{n}")));
        let schema = message(
            r#"{"type": "SCHEMA", "stream": "STREAM", "schema": {"properties": {}}, "key_properties": []}"#,
        );
        let record = message(r#"{"type": "RECORD", "stream": "STREAM", "record": {}}"#);
        let state = message(r#"{"type": "STATE", "value": {"n": 1}}"#);
        folder.write(
            &format!("tap-{n}"),
            &format!("#!/bin/sh\n{schema}{state}echo 'tap {n} says' >&2\nwhile [ ! -e go ]; do\n{record}sleep 0.1\ndone\n"),
        );
        folder.executable(&format!("tap-{n}"));
    }
    folder.write("target", "#!/bin/sh\necho '{\"n\": 1}'\ncat > /dev/null\n");
    folder.executable("target");
    folder.write(
        "meltano.yml",
        &format!("default_environment: dev\nenvironments: [{{name: dev}}]\nplugins:\n  extractors:\n{taps}  loaders:\n{targets}"),
    );
    folder
}

fn names(pairs: usize) -> Vec<String> {
    (1..=pairs)
        .flat_map(|n| [format!("tap-{n}"), format!("target-{n}")])
        .collect()
}

fn start(folder: &Folder, pairs: usize) -> OnScreen {
    let (names, number) = (names(pairs), pairs.to_string());
    let mut args = vec!["run", "--parallel", &number];
    args.extend(names.iter().map(String::as_str));
    OnScreen::start(folder, &args)
}

/// The place of the only line of the display that begins with this name, after its spinner.
fn place(lines: &[String], name: &str) -> Option<usize> {
    let is_its = |line: &String| {
        line.split_once(' ')
            .is_some_and(|(_, rest)| format!("{rest} ").starts_with(&format!("{name} ")))
    };
    let mut found = lines.iter().enumerate().filter(|(_, line)| is_its(line));
    let (at, _) = found.next()?;
    assert!(found.next().is_none(), "{name} is there twice: {lines:#?}");
    Some(at)
}

#[test]
fn pairs_that_run_at_once_have_lines_of_their_own_with_their_names() {
    let folder = project(2);
    let run = start(&folder, 2);
    // Both are on the screen at one moment, each under its name.
    wait_for("both pairs on the screen", || {
        let lines = run.lines();
        for n in 1..=2 {
            let at = place(&lines, &format!("tap-{n} > target-{n}"))?;
            let is_its = |line: &&String| line.contains(&format!("stream-{n}")) && line.contains("/s");
            lines.get(at + 1).filter(is_its)?;
            lines
                .get(at + 2)
                .filter(|line| line.contains("target") && line.contains("1 state confirmed"))?;
        }
        let places = [1, 2].map(|n| place(&lines, &format!("tap-{n} > target-{n}")));
        (places[0] < places[1]).then_some(())
    });
    folder.write("go", "");
    let lines = run.end();
    for n in 1..=2 {
        let name = format!("tap-{n} > target-{n}");
        assert_eq!(place(&lines, &name), None, "the display is gone: {lines:#?}");
        for said in ["run completed", "1 state confirmed"] {
            assert!(
                lines
                    .iter()
                    .any(|line| line.contains(&format!("melisma      {name}: {said}"))),
                "{said}: {lines:#?}"
            );
        }
        assert!(
            lines.iter().any(|line| line.contains(&format!("tap {n} says"))),
            "{lines:#?}"
        );
    }
}

#[test]
fn many_pairs_have_one_line_each() {
    let folder = project(6);
    let run = start(&folder, 6);
    wait_for("all pairs on the screen", || {
        let lines = run.lines();
        let places: Option<Vec<usize>> = (1..=6)
            .map(|n| {
                let at = place(&lines, &format!("tap-{n} > target-{n}"))?;
                lines[at].contains("record").then_some(at)
            })
            .collect();
        let places = places?;
        places.windows(2).all(|pair| pair[0] + 1 == pair[1]).then_some(())
    });
    folder.write("go", "");
    let lines = run.end();
    assert!(
        (1..=6).all(|n| place(&lines, &format!("tap-{n} > target-{n}")).is_none()),
        "{lines:#?}"
    );
}

#[test]
fn a_pair_alone_needs_no_name() {
    let folder = project(1);
    let run = start(&folder, 1);
    wait_for("the stream", || {
        let lines = run.lines();
        assert_eq!(place(&lines, "tap-1 > target-1"), None, "{lines:#?}");
        place(&lines, "stream-1")
    });
    folder.write("go", "");
    let lines = run.end();
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("melisma      run completed")),
        "{lines:#?}"
    );
}
