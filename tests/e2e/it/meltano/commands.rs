//! Command lines of Meltano through both tools, in copies of one project: the same exit code, the same stdout, and the same
//! files and rows afterwards.
//!
//! The projects are in `tests/e2e/commands`, as [`case`](super::case) reads them. In the section `--- run` a line may
//! have a comment above it, `# differs in WHAT: SENTENCE`, for a difference that is meant: WHAT is `stdout`, `exit`, or the
//! beginning of the name of a fact, and docs/commands.md has the sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use melisma_testing::postgres::server;
use serde_json::{Value, json};

use super::case::{self, Case, Meant, Run};
use super::handed::{Facts, without_times};
use super::tools::{Meltano, vars};
use crate::harness::{melisma, python, root};

/// What a project has in place of the URL of a database of its own.
const DATABASE: &str = "@database@";

/// A copy of a project for one of the tools.
struct Copy {
    folder: PathBuf,
    url: Option<String>,
}

/// What one command did.
struct Done {
    code: i64,
    said: String,
    facts: Facts,
}

impl Copy {
    /// Writes the project; `url` is that of its system database, when it has one on PostgreSQL.
    fn new(case: &Case, folder: PathBuf, url: Option<String>) -> Self {
        let mut case = case.clone();
        if let Some(url) = &url {
            for text in case.files.values_mut() {
                *text = text.replace(DATABASE, url);
            }
        }
        case.write(&folder);
        Self { folder, url }
    }

    fn by_meltano(&self, run: &Run, meltano: &mut Meltano) -> Done {
        let (out, log) = self.outputs();
        let request = json!({"folder": self.folder, "args": run.args, "vars": vars(run, &self.folder), "log": log,
            "stdout": out});
        let code = meltano.ask(&request).as_i64().expect("an exit code");
        self.done(code, meltano)
    }

    fn by_melisma(&self, run: &Run, meltano: &mut Meltano) -> Done {
        let (out, log) = self.outputs();
        let status = Command::new(melisma())
            .args(&run.args)
            .current_dir(&self.folder)
            .env_clear()
            .envs(vars(run, &self.folder))
            .stdin(Stdio::null())
            .stdout(fs::File::create(out).expect("created"))
            .stderr(fs::File::create(log).expect("created"))
            .status()
            .expect("it starts");
        self.done(status.code().map_or(-1, i64::from), meltano)
    }

    fn outputs(&self) -> (PathBuf, PathBuf) {
        (
            self.folder.with_extension("out"),
            self.folder.with_extension("log"),
        )
    }

    fn done(&self, code: i64, meltano: &mut Meltano) -> Done {
        let (out, log) = self.outputs();
        let out = self.without_names(&fs::read_to_string(out).expect("UTF-8"));
        let answer = meltano.ask(&json!({"look": self.folder, "url": self.url}));
        let mut facts = Facts::new();
        for (name, value) in answer.as_object().expect("facts") {
            facts.insert(name.clone(), self.without_names(value.as_str().expect("text")));
        }
        facts.insert("stdout".to_owned(), plain(&out));
        Done {
            code,
            said: format!("{out}{}", fs::read_to_string(log).expect("UTF-8")),
            facts,
        }
    }

    /// Text without what is different in each copy.
    fn without_names(&self, text: &str) -> String {
        let mut text = text.replace(self.folder.to_str().expect("UTF-8"), "<project>");
        text = text.replace(
            self.folder.parent().and_then(Path::to_str).expect("UTF-8"),
            "<home>",
        );
        if let Some(url) = &self.url {
            text = text.replace(url, DATABASE);
        }
        without_ids(&without_times(&text))
    }
}

/// The same JSON is the same text, in the order of its keys.
fn plain(out: &str) -> String {
    let json: Result<Value, _> = serde_json::from_str(out);
    json.map_or_else(|_| out.trim_end().to_owned(), |json| json.to_string())
}

/// Text with `<id>` for each UUID and `<time>` for each time in ISO 8601.
fn without_ids(text: &str) -> String {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || "-:.+<>".contains(c));
    let mut out = String::new();
    for word in text.split_inclusive(is_end) {
        let is_duration = out.ends_with("\"duration_seconds\": ");
        let bare = word.trim_end_matches(is_end);
        let (name, end) = word.split_at(bare.len());
        let is_time = name.get(10..11) == Some("T") && name.contains("<now>");
        out.push_str(match name {
            _ if is_duration => "<seconds>",
            _ if uuid::Uuid::try_parse(name).is_ok() => "<id>",
            _ if is_time => "<time>",
            _ => name,
        });
        out.push_str(end);
    }
    out
}

/// Whether an exit code of melisma is what a code of Meltano stands for: it fails with 1, and mostly with 2 where the command
/// line is wrong.
fn stands_for(melisma: i64, meltano: i64) -> bool {
    match meltano {
        1 | 2 => [1, 64, 65, 69, 74, 75, 78].contains(&melisma),
        same => melisma == same,
    }
}

/// Facts of both tools that differ.
type Differing = BTreeMap<String, [Option<String>; 2]>;

/// What differs in a command, and did not before it, one line for each fact; and which of the differences that are meant it
/// has.
fn compare(theirs: &Done, ours: &Done, run: &Run, differing: &mut Differing) -> (String, BTreeSet<usize>) {
    let mut report = String::new();
    let mut seen = BTreeSet::new();
    let mut differs = |name: &str, meltano: &str, melisma: &str| {
        let meant = run.meant.iter().position(|meant| meant.covers(name));
        if let Some(index) = meant {
            seen.insert(index);
            return;
        }
        let (meltano, melisma) = around(meltano, melisma);
        let _ = writeln!(report, "  {name}\n    Meltano: {meltano}\n    melisma: {melisma}");
    };
    if !stands_for(ours.code, theirs.code) {
        differs("exit", &theirs.code.to_string(), &ours.code.to_string());
    }
    let names: BTreeSet<&String> = theirs.facts.keys().chain(ours.facts.keys()).collect();
    for name in names {
        let both = [theirs, ours].map(|done| done.facts.get(name).cloned());
        let [meltano, melisma] = both.each_ref().map(|fact| fact.as_deref().unwrap_or("nothing"));
        let is_old = name != "stdout" && differing.get(name) == Some(&both);
        // The errors of each tool are its own.
        let of_a_failure = name == "stdout" && theirs.code != 0 && ours.code != 0;
        if meltano != melisma && !of_a_failure && !is_old {
            differs(name, meltano, melisma);
        }
        if meltano == melisma {
            differing.remove(name);
        } else {
            differing.insert(name.clone(), both);
        }
    }
    if !report.is_empty() {
        let _ = write!(
            report,
            "  Meltano said:\n{}\n  melisma said:\n{}\n",
            last(&theirs.said),
            last(&ours.said)
        );
    }
    (report, seen)
}

/// Two texts from a little before they begin to differ, to a little after.
fn around<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let start = a.floor_char_boundary(same.saturating_sub(60));
    let cut = |text: &'a str| &text[start.min(text.len())..text.floor_char_boundary(same + 200)];
    if a.contains('\n') || b.contains('\n') {
        (a, b)
    } else {
        (cut(a), cut(b))
    }
}

fn last(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// What differs in a project, over all its commands. A meant difference that is none any more is one.
fn compare_case(case: &Case, meltano: &mut Meltano) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let databases = case
        .files
        .values()
        .any(|text| text.contains(DATABASE))
        .then(|| [server().database(), server().database()]);
    let url = |index: usize| {
        let database = &databases.as_ref()?[index];
        Some(database.url().replacen("postgresql:", "postgresql+psycopg:", 1))
    };
    let [theirs, ours] = [("theirs", 0), ("ours", 1)]
        .map(|(name, index)| Copy::new(case, home.path().join(name).join("project"), url(index)));
    let mut report = String::new();
    let mut differing = Differing::new();
    let mut meant = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for mut run in case.runs() {
        // `schedule run` starts what is on the path.
        run.vars.insert(0, ("PATH".to_owned(), path()));
        let (theirs, ours) = (theirs.by_meltano(&run, meltano), ours.by_melisma(&run, meltano));
        let (differences, indexes) = compare(&theirs, &ours, &run, &mut differing);
        if !differences.is_empty() {
            let _ = write!(report, "{}: {}\n{differences}", case.name, run.args.join(" "));
        }
        let sentence = |meant: &Meant| format!("{}: {}", meant.what, meant.sentence);
        meant.extend(run.meant.iter().map(sentence));
        seen.extend(indexes.into_iter().map(|index| sentence(&run.meant[index])));
    }
    for sentence in meant.difference(&seen) {
        let _ = writeln!(
            report,
            "{}: there is no such difference any more: {sentence}",
            case.name
        );
    }
    report
}

/// A path with the program of Meltano.
fn path() -> String {
    let meltano = python("python-meltano");
    let folder = meltano.parent().and_then(Path::to_str).expect("a folder");
    format!("{folder}:/usr/local/bin:/usr/bin:/bin")
}

fn cases() -> Vec<Case> {
    case::in_folder(&root().join("tests/e2e/commands"))
}

/// `MELISMA_TEST_PROJECT` chooses the projects whose names contain it.
#[test]
fn commands_answer_and_write_what_those_of_meltano_do() {
    let mut cases = cases();
    if let Ok(only) = std::env::var("MELISMA_TEST_PROJECT") {
        cases.retain(|case| case.name.contains(&only));
    }
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, |processors| processors.get().min(4));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut meltano = Meltano::start();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    reports
                        .lock()
                        .expect("no panic")
                        .push(compare_case(case, &mut meltano));
                }
            });
        }
    });
    let reports: String = reports.into_inner().expect("no panic").concat();
    assert!(reports.is_empty(), "{reports}");
}

#[test]
fn the_documentation_has_every_difference_of_a_command() {
    let page = fs::read_to_string(root().join("docs/commands.md")).expect("readable");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let runs: Vec<Run> = cases().iter().flat_map(Case::runs).collect();
    let sentences: BTreeSet<&str> = runs
        .iter()
        .flat_map(|run| &run.meant)
        .map(|Meant { sentence, .. }| sentence.as_str())
        .collect();
    for sentence in &sentences {
        assert!(page.contains(sentence), "docs/commands.md lacks: {sentence}");
    }
}
