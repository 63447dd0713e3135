//! The blocks of a run: jobs expanded, names looked up, and the order of them checked, before anything runs.
//!
//! `run tap-a hide-pii target-b dbt:run` is a pair (a tap, its mappings and a target) and a command.

use melisma_sdk::{Error, Kind, Result};

use crate::plugin_kind::PluginKind;
use crate::project::{Named, Project};
use crate::suggestion::suggestion;

/// One step of a run, by the names of its plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Pair(PairNames),
    /// A tap and a target outside of a project.
    CommandLines {
        tap: String,
        target: String,
    },
    Command(CommandNames),
}

impl Block {
    /// The plugins that it runs, by kind and name.
    pub(super) fn plugins(&self) -> Vec<(PluginKind, &str)> {
        match self {
            Self::Pair(names) => {
                let mappers = names
                    .mappings
                    .iter()
                    .map(|(mapper, _)| (PluginKind::Mapper, &**mapper));
                let ends = [
                    (PluginKind::Extractor, &*names.tap),
                    (PluginKind::Loader, &*names.target),
                ];
                ends.into_iter().chain(mappers).collect()
            }
            Self::Command(names) => vec![(names.kind, &names.plugin)],
            Self::CommandLines { .. } => Vec::new(),
        }
    }
}

/// A tap into a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairNames {
    pub(super) tap: String,
    /// Mapper and mapping, in the order in which records pass them.
    pub(super) mappings: Vec<(String, String)>,
    pub(super) target: String,
}

/// A plugin with one of its commands; without one, its executable alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandNames {
    pub(super) kind: PluginKind,
    pub(super) plugin: String,
    pub(super) command: Option<String>,
}

/// A word of the command line after jobs are expanded.
struct Word<'a> {
    text: &'a str,
    name: &'a str,
    command: Option<&'a str>,
    stands_for: Named<'a>,
}

/// The blocks that `words` ask for.
pub(super) fn parse(words: &[String], project: &Project) -> Result<Vec<Block>> {
    let mut expanded = Vec::new();
    for word in words {
        match project.job(word) {
            Some(_) if project.named(word)?.is_some() => {
                return Err(Error::config(format!(
                    "{word:?} is the name of a job and of a plugin; rename one of them"
                )));
            }
            Some(blocks) => expanded.extend(blocks),
            None => expanded.push(word.clone()),
        }
    }
    let words = expanded
        .iter()
        .map(|word| look_up(word, project))
        .collect::<Result<Vec<_>>>()?;
    blocks(&words)
}

/// The one block of a run outside of a project.
pub(super) fn command_lines(words: &[String]) -> Result<Block> {
    let [tap, target] = words else {
        return Err(Error::new(
            Kind::Usage,
            "there is no meltano.yml here or above, so a run takes two command lines: one of a tap, one of a target",
        ));
    };
    Ok(Block::CommandLines {
        tap: tap.clone(),
        target: target.clone(),
    })
}

fn look_up<'a>(text: &'a str, project: &'a Project) -> Result<Word<'a>> {
    let (name, command) = match text.split_once(':') {
        Some((name, command)) => (name, Some(command).filter(|command| !command.is_empty())),
        None => (text, None),
    };
    let Some(stands_for) = project.named(name)? else {
        if project.job(name).is_some() {
            return Err(Error::config(format!(
                "{name:?} is a job, and stands among the tasks of another: the tasks of a job are plugins, mappings and \
                 commands; list those of {name} instead"
            )));
        }
        return Err(Error::config(format!(
            "there is no plugin, mapping or job {name:?} in {}{}",
            crate::project::FILE,
            suggestion(name, project.block_names())
        )));
    };
    Ok(Word {
        text,
        name,
        command,
        stands_for,
    })
}

fn blocks(words: &[Word<'_>]) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        blocks.push(match word.stands_for {
            Named::Plugin(PluginKind::Extractor) => Block::Pair(pair(word, &mut rest)?),
            Named::Plugin(PluginKind::Loader) | Named::Mapping(_) => {
                return Err(Error::config(format!(
                    "{} has no tap before it: a run is TAP [MAPPING...] TARGET, or PLUGIN:COMMAND",
                    word.text
                )));
            }
            Named::Plugin(PluginKind::Mapper) => return Err(mapper(word)),
            Named::Plugin(kind) => Block::Command(CommandNames {
                kind,
                plugin: word.name.to_owned(),
                command: word.command.map(str::to_owned),
            }),
        });
    }
    Ok(blocks)
}

/// The pair that begins with `tap`.
fn pair<'a>(tap: &Word<'_>, rest: &mut impl Iterator<Item = &'a Word<'a>>) -> Result<PairNames> {
    let no_command = |word: &Word<'_>| match word.command {
        Some(_) => Err(Error::config(format!(
            "{}: a tap, a mapping and a target have no commands in a run",
            word.text
        ))),
        None => Ok(word.name.to_owned()),
    };
    let (tap_name, mut mappings) = (no_command(tap)?, Vec::new());
    for word in rest {
        match word.stands_for {
            Named::Mapping(mapper) => mappings.push((mapper.to_owned(), no_command(word)?)),
            Named::Plugin(PluginKind::Loader) => {
                return Ok(PairNames {
                    tap: tap_name,
                    mappings,
                    target: no_command(word)?,
                });
            }
            Named::Plugin(PluginKind::Mapper) => return Err(mapper(word)),
            Named::Plugin(kind) => {
                return Err(Error::config(format!(
                    "{} must be followed by a mapping or a target, not by {} ({})",
                    tap.text,
                    word.text,
                    kind.singular()
                )));
            }
        }
    }
    Err(Error::config(format!("{} has no target after it", tap.text)))
}

fn mapper(word: &Word<'_>) -> Error {
    Error::config(format!(
        "{} is a mapper; a run needs the name of one of its mappings",
        word.text
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = r#"
plugins:
  extractors: [{name: tap-a, namespace: a}, {name: twice, namespace: t}]
  loaders: [{name: target-b, namespace: b}]
  mappers: [{name: transformer, namespace: m, mappings: [{name: m1}, {name: m2}]}]
  utilities: [{name: dbt, namespace: d}]
jobs:
- {name: j, tasks: ["tap-a m1 target-b", [tap-a, target-b], "dbt:run"]}
- {name: text, tasks: tap-a target-b}
- {name: twice, tasks: []}
"#;

    fn parsed(words: &str) -> Result<Vec<Block>> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(crate::project::FILE), PROJECT).expect("written");
        let choice = crate::project::Choice::None;
        let project = Project::load(
            folder.path().to_owned(),
            crate::project::Vars::new(),
            choice,
            None,
        );
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        parse(&words, &project.expect("a project"))
    }

    fn pair(mappings: &[&str]) -> Block {
        let mapping = |name: &&str| ("transformer".to_owned(), (*name).to_owned());
        Block::Pair(PairNames {
            tap: "tap-a".into(),
            mappings: mappings.iter().map(mapping).collect(),
            target: "target-b".into(),
        })
    }

    fn dbt(command: Option<&str>) -> Block {
        Block::Command(CommandNames {
            kind: PluginKind::Utility,
            plugin: "dbt".into(),
            command: command.map(str::to_owned),
        })
    }

    #[test]
    fn pairs_mappings_commands_and_jobs_make_blocks() {
        for (words, blocks) in [
            ("tap-a target-b", vec![pair(&[])]),
            (
                "tap-a m1 m2 target-b tap-a target-b",
                vec![pair(&["m1", "m2"]), pair(&[])],
            ),
            (
                "dbt:test tap-a target-b dbt",
                vec![dbt(Some("test")), pair(&[]), dbt(None)],
            ),
            ("j", vec![pair(&["m1"]), pair(&[]), dbt(Some("run"))]),
            ("text dbt:run", vec![pair(&[]), dbt(Some("run"))]),
        ] {
            assert_eq!(parsed(words).expect(words), blocks, "{words}");
        }
    }

    #[test]
    fn blocks_in_a_wrong_order_are_refused_by_name() {
        for (words, said) in [
            ("tap-a", "tap-a has no target after it"),
            ("tap-a m1", "tap-a has no target after it"),
            ("target-b", "target-b has no tap before it"),
            ("m1 target-b", "m1 has no tap before it"),
            ("tap-a transformer target-b", "transformer is a mapper"),
            ("transformer", "transformer is a mapper"),
            ("tap-a dbt:run target-b", "not by dbt:run (utility)"),
            ("tap-a tap-a target-b", "not by tap-a (extractor)"),
            ("tap-a:x target-b", "have no commands"),
            ("tap-aa target-b", "did you mean \"tap-a\""),
            ("twice", "the name of a job and of a plugin"),
        ] {
            let error = parsed(words).expect_err(words).to_string();
            assert!(error.contains(said), "{words}: {error}");
        }
    }
}
