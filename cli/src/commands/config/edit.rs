//! `config set`, `unset` and `reset`.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;

use super::super::confirm::confirm;
use super::super::open_project::{open_for_edits, reopen};
use super::super::output::print;
use super::super::plugin_arg::PluginArg;
use super::show::label as label_of_source;
use super::stores::{self, Place, Store, StoreChoice};
use super::subject::{REDACTED, Subject, shown};
use crate::args::ProjectArgs;
use crate::project::{Found, Source, cast_setting};

/// Sets a setting to the last of `words`, or to the content of a file.
pub(super) fn set(
    plugin: &PluginArg,
    words: &[String],
    from_file: Option<&Path>,
    choice: StoreChoice,
    safe: bool,
    globals: &ProjectArgs,
) -> Result<()> {
    let project = open_for_edits(globals)?;
    let subject = Subject::load(plugin, &project)?;
    let (name, value) = match (from_file, words.split_last()) {
        (Some(file), _) => (words, read(file)?),
        (None, Some((value, name))) if !name.is_empty() => (name, value.clone()),
        _ => {
            return Err(Error::new(
                Kind::Usage,
                "config set needs a setting and its value",
            ));
        }
    };
    if safe && value == REDACTED {
        return Err(Error::new(
            Kind::Usage,
            format!("{REDACTED} stands for a hidden value and is none; nothing was set"),
        ));
    }
    let settings = subject.settings();
    let place = Place::new(name, &settings);
    let value = match place.setting {
        Some(setting) => cast_setting(setting, Value::String(value))?,
        None => Value::String(value),
    };
    let store = Store::choose(choice, &project, &subject, place.setting)?;
    stores::set(store, &project, &subject, &place, &value)?;
    let value = shown(place.setting, &value, safe);
    print(&format!(
        "{} setting '{}' was set in {}: {value}",
        subject.label(),
        place.name,
        store.label()
    ))?;
    // The project is read again, because another store may take precedence over the one that was written.
    let (found, _) = now(&subject, &place, globals)?;
    if let Some(found) = found.filter(|found| found.source != store.source()) {
        let shown = shown(Some(&found.setting), &found.value, safe);
        let label = found.source.label();
        print(&format!("Current value is still: {shown} (from {label})"))?;
    }
    Ok(())
}

/// Unsets a setting.
pub(super) fn unset(
    plugin: &PluginArg,
    words: &[String],
    choice: StoreChoice,
    safe: bool,
    globals: &ProjectArgs,
) -> Result<()> {
    let project = open_for_edits(globals)?;
    let subject = Subject::load(plugin, &project)?;
    let settings = subject.settings();
    let place = Place::new(words, &settings);
    let covered = Store::covered(choice, &project, &subject)?;
    for store in &covered {
        // Only a definition says which variables of `.env` are about a setting.
        if choice != StoreChoice::Auto || *store != Store::Dotenv || place.setting.is_some() {
            stores::unset(*store, &project, &subject, &place)?;
        }
    }
    print(&format!(
        "{} setting '{}' in {} was unset",
        subject.label(),
        place.name,
        labels(&covered)
    ))?;
    let (found, label) = now(&subject, &place, globals)?;
    if let Some(found) = found.filter(|found| found.source != Source::Default) {
        let shown = shown(Some(&found.setting), &found.value, safe);
        print(&format!("Current value is now: {shown} ({label})"))?;
    }
    Ok(())
}

/// The setting as it is resolved after a write, and where its value is from.
fn now(subject: &Subject, place: &Place<'_>, globals: &ProjectArgs) -> Result<(Option<Found>, String)> {
    let project = reopen(globals)?;
    let subject = subject.reload(&project)?;
    let is_it =
        |found: &Found| found.setting.name == place.name || found.setting.aliases.contains(&place.name);
    let found = subject.found(&project)?.into_iter().find(is_it);
    let label = found
        .as_ref()
        .map(|found| label_of_source(found, &subject, &project));
    Ok((found, label.unwrap_or_default()))
}

/// Unsets all settings of a plugin.
pub(super) fn reset(plugin: &PluginArg, choice: StoreChoice, yes: bool, globals: &ProjectArgs) -> Result<()> {
    let project = open_for_edits(globals)?;
    let subject = Subject::load(plugin, &project)?;
    let covered = Store::covered(choice, &project, &subject)?;
    if !yes {
        confirm(
            &format!(
                "Unset all settings of {} in {}?",
                subject.name(),
                labels(&covered)
            ),
            "--yes",
        )?;
    }
    for store in &covered {
        stores::reset(*store, &project, &subject)?;
    }
    print(&format!(
        "{} settings in {} were reset",
        subject.label(),
        labels(&covered)
    ))
}

fn read(file: &Path) -> Result<String> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    text.map(|text| text.trim().to_owned())
        .map_err(|error| Error::config(format!("cannot read {}", file.display())).with_source(error))
}

fn labels(stores: &[Store]) -> String {
    let labels: Vec<&str> = stores.iter().map(|store| store.label()).collect();
    match labels.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
