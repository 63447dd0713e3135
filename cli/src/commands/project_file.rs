//! Writing to `meltano.yml`. Comments and layout are kept.

use std::fs;
use std::path::PathBuf;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use crate::plugin_kind::PluginKind;
use crate::project::{FILE, Project, project_files};
use crate::yaml_edit::{Document, Step};

/// `meltano.yml` while a command edits it. [`save`](Self::save) writes it.
pub(super) struct ProjectFile {
    path: PathBuf,
    file: ReplacedFile,
    document: Document,
}

/// A path of keys and indexes.
macro_rules! steps {
    ($($step:expr),* $(,)?) => { [$($crate::yaml_edit::Step::from($step)),*] };
}
pub(super) use steps;

impl ProjectFile {
    /// Opens the main file of a project for writing.
    ///
    /// # Errors
    /// The project is read-only, or the file cannot be read.
    pub(super) fn open(project: &Project) -> Result<Self> {
        refuse_readonly(project)?;
        Self::at(project.root.join(FILE))
    }

    /// Opens the file that has an item of that name in the list at `list`: the main one or an included one.
    pub(super) fn with(project: &Project, list: &[Step], name: &str) -> Result<Self> {
        refuse_readonly(project)?;
        for path in project_files(&project.root)? {
            let file = Self::at(path)?;
            if file.item(list, name).is_some() {
                return Ok(file);
            }
        }
        Self::open(project)
    }

    /// Opens the file that has the block of a plugin: that in the active environment when there is one, otherwise that in
    /// `plugins:`.
    pub(super) fn with_plugin(project: &Project, kind: PluginKind, name: &str) -> Result<Self> {
        match &project.environment {
            Some(environment) => Self::with(project, &steps!["environments"], &environment.name),
            None => Self::with(project, &steps!["plugins", kind.plural()], name),
        }
    }

    fn at(path: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error))?;
        Ok(Self {
            file: ReplacedFile::at(&path)?.for_everybody(),
            document: Document::parse(&path, text)?,
            path,
        })
    }

    /// Writes the edits, in one step.
    pub(super) fn save(self) -> Result<()> {
        self.file
            .replace(self.document.text().as_bytes())
            .map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))
    }

    pub(super) fn get(&self, path: &[Step]) -> Option<&Value> {
        self.document.get(path)
    }

    pub(super) fn set(&mut self, path: &[Step], value: &Value) -> Result<()> {
        let named = |error: Error| self.named(&error);
        let mut document = Document::parse(&self.path, self.document.text().to_owned())?;
        document.set(path, value).map_err(named)?;
        self.document = document;
        Ok(())
    }

    /// Removes what is at `path`, and what is empty then, down to a depth of `keep` steps.
    pub(super) fn remove(&mut self, path: &[Step], keep: usize) -> Result<()> {
        let result = self.document.remove(path, keep);
        result.map_err(|error| self.named(&error))
    }

    fn named(&self, error: &Error) -> Error {
        Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }

    /// The path to the item of that name in the list at `list`.
    pub(super) fn item(&self, list: &[Step], name: &str) -> Option<Vec<Step>> {
        let items = self.get(list)?.as_array()?;
        let index = items
            .iter()
            .position(|item| item.get("name").and_then(Value::as_str) == Some(name))?;
        Some([list, &steps![index]].concat())
    }

    /// Adds an item to the list at `list`.
    pub(super) fn add(&mut self, list: &[Step], item: &Value) -> Result<()> {
        let length = self.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        let path = [list, &steps![length]].concat();
        self.set(&path, item)
    }

    /// The path to the block of a plugin: that of the active environment when there is one, otherwise that in `plugins:`.
    /// A block that is missing in the environment is added.
    pub(super) fn plugin(&mut self, project: &Project, kind: PluginKind, name: &str) -> Result<Vec<Step>> {
        let Some(environment) = &project.environment else {
            return self.plugin_outside_environments(kind, name);
        };
        let environment = self
            .item(&steps!["environments"], &environment.name)
            .ok_or_else(|| self.elsewhere(&format!("the environment {}", environment.name)))?;
        let list = [&environment[..], &steps!["config", "plugins", kind.plural()]].concat();
        if self.item(&list, name).is_none() {
            self.add(&list, &json!({"name": name}))?;
        }
        self.item(&list, name)
            .ok_or_else(|| Error::bug("a block that was added is missing"))
    }

    /// The path to the block of a plugin in `plugins:`.
    pub(super) fn plugin_outside_environments(&self, kind: PluginKind, name: &str) -> Result<Vec<Step>> {
        let list = steps!["plugins", kind.plural()];
        self.item(&list, name)
            .ok_or_else(|| self.elsewhere(&format!("the {} {name}", kind.singular())))
    }

    fn elsewhere(&self, what: &str) -> Error {
        Error::config(format!(
            "{what} is not in {}, so it cannot be edited there",
            self.path.display()
        ))
    }
}

/// Refuses to write to a project with the setting `project_readonly`.
pub(super) fn refuse_readonly(project: &Project) -> Result<()> {
    if is_readonly(project)? {
        return Err(Error::config(
            "the project is read-only (setting project_readonly), so nothing was written",
        ));
    }
    Ok(())
}

/// Whether the setting `project_readonly` keeps the files of the project as they are.
pub(super) fn is_readonly(project: &Project) -> Result<bool> {
    let readonly = project.setting("project_readonly")?;
    let readonly = readonly.as_deref().map(str::to_ascii_lowercase);
    Ok(matches!(readonly.as_deref(), Some("true" | "1" | "yes" | "on")))
}

/// The items of a list of `meltano.yml`, such as `jobs`, with their names.
pub(super) fn named_items<'a>(
    project: &'a Project,
    list: &str,
) -> impl Iterator<Item = (&'a str, &'a Map<String, Value>)> {
    let items = project.listed(list).into_iter();
    items.filter_map(|item| Some((item.get("name")?.as_str()?, item)))
}
