//! What the names in the blocks of a run stand for: plugins, mappings and jobs.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::{Project, objects};
use crate::plugin_kind::PluginKind;
use crate::suggestion::suggestion;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    Plugin(PluginKind),
    /// A mapping of this mapper.
    Mapping(&'a str),
}

impl Project {
    /// What `name` stands for, in the order in which Meltano looks: plugins of each kind, and the mappings of mappers.
    ///
    /// # Errors
    /// Two mappings have the name.
    pub(crate) fn named(&self, name: &str) -> Result<Option<Named<'_>>> {
        for kind in PluginKind::ALL {
            if self.plugin_document(kind, name).is_some() {
                return Ok(Some(Named::Plugin(kind)));
            }
        }
        let mut mappers = self
            .mappings()
            .filter(|(_, mapping, _)| *mapping == name)
            .map(|(mapper, ..)| mapper);
        let first = mappers.next();
        if let (Some(first), Some(second)) = (first, mappers.next()) {
            return Err(Error::config(format!(
                "the mapping {name:?} is defined twice, by {first} and by {second}; rename one of them"
            )));
        }
        Ok(first.map(Named::Mapping))
    }

    /// The `config` of a mapping.
    pub(super) fn mapping_config(&self, mapping: &str) -> Map<String, Value> {
        let document = self.mappings().find(|(_, name, _)| *name == mapping);
        let config = document.and_then(|(_, _, document)| document.get("config")?.as_object());
        config.cloned().unwrap_or_default()
    }

    /// Mapper, name and document of each mapping.
    fn mappings(&self) -> impl Iterator<Item = (&str, &str, &Map<String, Value>)> {
        let mappers = self.plugin_documents(PluginKind::Mapper);
        mappers.into_iter().flat_map(|mapper| {
            let name = mapper.get("name").and_then(Value::as_str).unwrap_or_default();
            let mappings = objects(mapper.get("mappings")).into_iter();
            mappings.filter_map(move |mapping| Some((name, mapping.get("name")?.as_str()?, mapping)))
        })
    }

    /// The blocks that a job runs: its tasks, split at spaces and flattened.
    pub(crate) fn job(&self, name: &str) -> Option<Vec<String>> {
        let jobs = objects(self.document.get("jobs"));
        let job = jobs.into_iter().find(|job| super::named(job, name))?;
        let mut blocks = Vec::new();
        flatten(job.get("tasks").unwrap_or(&Value::Null), &mut blocks);
        Some(blocks)
    }

    /// The blocks that a schedule runs: those of its job, or its tap and its target.
    pub(crate) fn scheduled_blocks(&self, name: &str) -> Result<Vec<String>> {
        let schedules = objects(self.document.get("schedules"));
        let Some(schedule) = schedules.iter().find(|schedule| super::named(schedule, name)) else {
            let names = schedules
                .iter()
                .filter_map(|schedule| schedule.get("name")?.as_str());
            return Err(Error::config(format!(
                "there is no schedule {name:?}{}",
                suggestion(name, names)
            )));
        };
        let text = |key: &str| schedule.get(key).and_then(Value::as_str);
        match text("job") {
            Some(job) => self.job(job).ok_or_else(|| {
                Error::config(format!("schedule {name} runs job {job:?}, which is not there"))
            }),
            None => Ok(["extractor", "loader"]
                .into_iter()
                .filter_map(text)
                .map(str::to_owned)
                .collect()),
        }
    }

    /// The names that a run accepts as blocks: plugins, mappings and jobs.
    pub(crate) fn block_names(&self) -> Vec<&str> {
        let plugins = PluginKind::ALL
            .into_iter()
            .filter(|kind| *kind != PluginKind::Mapper)
            .flat_map(|kind| self.plugin_documents(kind));
        let jobs = objects(self.document.get("jobs"));
        let named = plugins
            .chain(jobs)
            .filter_map(|document| document.get("name")?.as_str());
        named.chain(self.mappings().map(|(_, name, _)| name)).collect()
    }
}

/// The blocks in lists within lists, and in texts of several blocks.
fn flatten(tasks: &Value, blocks: &mut Vec<String>) {
    match tasks {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, blocks)),
        Value::String(text) => blocks.extend(text.split_whitespace().map(str::to_owned)),
        _ => {}
    }
}
