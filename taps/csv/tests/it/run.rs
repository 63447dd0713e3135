//! Runs the tap in this process, on buffers.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Once;

use melisma_sdk::plugin::Io;
use serde_json::{Value, json};
use tap_csv::TapCsv;

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) code: u8,
    /// The messages, `time_extracted` taken out.
    pub(crate) messages: Vec<Value>,
    /// The same as lines, otherwise as they came.
    pub(crate) text: String,
    /// What was logged.
    pub(crate) log: String,
}

impl Outcome {
    /// The messages of a type.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        self.messages
            .iter()
            .filter(|message| message["type"] == kind)
            .collect()
    }

    /// The records.
    pub(crate) fn records(&self) -> Vec<&Value> {
        self.of("RECORD")
            .into_iter()
            .map(|message| &message["record"])
            .collect()
    }

    /// The last state.
    pub(crate) fn state(&self) -> Value {
        self.of("STATE")
            .last()
            .map_or(Value::Null, |message| message["value"].clone())
    }

    /// The outcome of a run that must go well.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.log);
        self
    }

    /// The log of a run that must fail with this code.
    #[track_caller]
    pub(crate) fn bad(self, code: u8) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.log, self.text);
        self.log
    }
}

/// A folder with files to read.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Config with one entry, stream `t`, which reads `path` in this folder; `more` goes into the entry.
    pub(crate) fn entry(&self, path: &str, more: &Value) -> Value {
        let mut entry = json!({"entity": "t", "path": self.0.path().join(path), "keys": []});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    }

    /// Runs on one entry with these settings besides.
    pub(crate) fn run(&self, path: &str, entry: &Value, settings: Value) -> Outcome {
        let mut config = settings;
        config["files"] = json!([self.entry(path, entry)]);
        run(&config, &[])
    }
}

/// The file of that name in `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Runs the tap with these settings and arguments; `(--state, json)` and the like are written to files.
pub(crate) fn run(config: &Value, files: &[(&str, &Value)]) -> Outcome {
    run_args(config, files, &[])
}

/// The same with more arguments as they are.
pub(crate) fn run_args(config: &Value, files: &[(&str, &Value)], more: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut args: Vec<OsString> = vec!["tap-csv".into()];
    for (option, json) in [("--config", config)].iter().chain(files) {
        let path = folder.path().join(option.trim_start_matches('-'));
        std::fs::write(&path, json.to_string()).unwrap();
        args.push((*option).into());
        args.push(path.into());
    }
    args.extend(more.iter().map(OsString::from));
    capture_logs();
    LOG.with_borrow_mut(String::clear);
    let mut out = Vec::new();
    let code = melisma_sdk::tap::run_tap_on::<TapCsv>(
        melisma_sdk::package!(),
        args,
        Io::buffers(std::io::empty(), &mut out),
    );
    let text = without_times(&String::from_utf8(out).unwrap());
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    Outcome {
        code,
        messages,
        text,
        log: LOG.with_borrow(Clone::clone),
    }
}

/// The lines without `time_extracted`, which differs from run to run.
pub(crate) fn without_times(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        match (line.find(r#","time_extracted":""#), line.rfind('"')) {
            (Some(start), Some(end)) if line.starts_with(r#"{"type":"RECORD""#) => {
                lines.push_str(&line[..start]);
                lines.push_str(&line[end + 1..]);
            }
            _ => lines.push_str(line),
        }
        lines.push('\n');
    }
    lines
}

thread_local! {
    static LOG: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOG.with_borrow_mut(|log| {
            log.extend([record.level().as_str(), ": ", &record.args().to_string(), "\n"]);
        });
    }

    fn flush(&self) {}
}

/// Each test reads what its own thread logged.
fn capture_logs() {
    static START: Once = Once::new();
    START.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}
