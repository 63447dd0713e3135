//! Projects to compare, as one text: a case begins with `=== NAME`, a file of its project with `--- PATH`. The section
//! `--- run` has a command in each line, with variables before it as in a shell; without it, the tap runs into the target.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::root;

/// The text of a file that is to be the plugin.
const PLUGIN: &str = "@plugin";

/// A project and what is run in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) files: BTreeMap<String, String>,
    pub(super) runs: Vec<Run>,
}

/// One command.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) vars: Vec<(String, String)>,
    pub(super) args: Vec<String>,
    /// In what it differs on purpose.
    pub(super) meant: Vec<Meant>,
}

/// A difference between the tools that is meant: `# differs in stdout: SENTENCE`.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    /// `stdout`, `exit`, or the beginning of the name of a fact.
    pub(super) what: String,
    /// How the documentation says it.
    pub(super) sentence: String,
}

impl Meant {
    fn parse(line: &str) -> Option<Self> {
        let (what, sentence) = line.strip_prefix("# differs in ")?.split_once(": ")?;
        Some(Self {
            what: what.to_owned(),
            sentence: sentence.to_owned(),
        })
    }

    pub(super) fn covers(&self, fact: &str) -> bool {
        fact.starts_with(&self.what)
    }
}

impl Run {
    /// `NAME='value' run tap target`.
    fn parse(line: &str) -> Self {
        let mut run = Self::default();
        for word in shlex::split(line).expect("quotes are closed") {
            match word.split_once('=') {
                Some((name, value)) if run.args.is_empty() => {
                    run.vars.push((name.to_owned(), value.to_owned()));
                }
                _ => run.args.push(word),
            }
        }
        run
    }
}

/// The cases of the files in `tests/e2e/projects`.
pub(super) fn all() -> Vec<Case> {
    in_folder(&root().join("tests/e2e/projects"))
}

/// The cases of the files in a folder.
pub(super) fn in_folder(folder: &Path) -> Vec<Case> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| parse(&fs::read_to_string(path).expect("readable")))
        .collect()
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut file: Option<String> = None;
    let mut meant = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case {
                name: name.to_owned(),
                ..Case::default()
            });
            file = None;
            continue;
        }
        let Some(case) = cases.last_mut() else {
            continue;
        };
        if let Some(path) = line.strip_prefix("--- ") {
            file = Some(path.to_owned());
        } else if file.as_deref() == Some("run") {
            meant.extend(Meant::parse(line));
            if !line.is_empty() && !line.starts_with('#') {
                let run = Run::parse(line);
                case.runs.push(Run {
                    meant: std::mem::take(&mut meant),
                    ..run
                });
            }
        } else if let Some(path) = &file {
            let text = case.files.entry(path.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

impl Case {
    /// Writes the project into `folder`, with the plugins `tap`, `mapper` and `target`.
    pub(super) fn write(&self, folder: &Path) {
        let plugin = include_str!("plugin.sh");
        for name in ["tap", "mapper", "target"] {
            write(&folder.join(name), plugin);
        }
        write(&folder.join("catalog.json"), include_str!("catalog.json"));
        for (path, text) in &self.files {
            let text = if text.trim_end() == PLUGIN { plugin } else { text };
            write(&folder.join(path), text);
        }
    }

    /// What is run.
    pub(super) fn runs(&self) -> Vec<Run> {
        if self.runs.is_empty() {
            vec![Run::parse("run tap target")]
        } else {
            self.runs.clone()
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("created");
    fs::write(path, text).expect("written");
    if text.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
}
