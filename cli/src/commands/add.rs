//! `melisma add`: plugins into a project.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use melisma_sdk::{Error, Kind, Result};
use serde_json::{Map, Value};

use super::open_project::{open, reopen};
use super::plugin_arg::KindArg;
use super::project_file::{ProjectFile, steps};
use crate::args::ProjectArgs;
use crate::console::Console;
use crate::definitions::{self, Wanted, lock_file};
use crate::install;
use crate::plugin_kind::PluginKind;
use crate::project::{Plugin, Project};
use crate::yaml_edit::Step;

const EXAMPLES: &str = "\
Examples:
  melisma add tap-csv target-parquet                  two built-in plugins
  melisma add tap-github --variant meltanolabs        from Meltano Hub, or the Hub that hub_url names
  melisma add tap-github --from tap-github--meltanolabs.lock
  melisma add tap-csv--orders --inherit-from tap-csv  a second plugin with the settings of the first

The kind follows from the name: tap-... is an extractor, target-... a loader, anything else a utility. --plugin-type, or a
kind before the names, says otherwise.";

/// The options of `melisma add`.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = EXAMPLES)]
pub(crate) struct AddArgs {
    /// The plugins, perhaps after their kind
    #[arg(value_name = "PLUGIN", required = true)]
    plugins: Vec<String>,
    #[command(flatten)]
    kind: KindArg,
    #[command(flatten)]
    project: ProjectArgs,
    /// Inherit from this plugin of the project, or from this definition
    #[arg(long, value_name = "NAME")]
    inherit_from: Option<String>,
    /// Add this variant
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
    /// Add the plugin under this name, inheriting from the one that is named first
    #[arg(long = "as", value_name = "NAME", conflicts_with = "inherit_from")]
    as_name: Option<String>,
    /// Take the definition from this file: a lock file, or a definition of Meltano Hub as YAML or JSON
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Write the definition of this file or URL into meltano.yml itself, without a lock file
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["from", "inherit_from", "as_name"])]
    from_ref: Option<String>,
    /// The Python that the plugin is installed with: a version, a name or a path
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// Do not install the plugins
    #[arg(long)]
    no_install: bool,
    /// Install the plugins. This is the default
    #[arg(long, conflicts_with = "no_install")]
    install: bool,
    /// Ignore the Python versions that packages declare
    #[arg(long)]
    force_install: bool,
    /// Meltano asks questions for this; here a file has the answers
    #[arg(long, hide = true)]
    custom: bool,
}

/// Adds the plugins, and installs them.
pub(crate) fn run(args: &AddArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let console = Console::new(&args.project.log, |name| project.setting(name))?;
    run_in(&project, args, &console)
}

fn run_in(project: &Project, args: &AddArgs, console: &Console) -> Result<ExitCode> {
    if args.custom {
        return Err(usage(
            "--custom: melisma asks no questions; write the definition to a file and use --from-ref FILE",
        ));
    }
    let mut adding = Adding {
        file: ProjectFile::open(project)?,
        project,
        args,
        console,
        added: Vec::new(),
    };
    let (kind, names) = args.kind.leading(&args.plugins);
    adding.add_all(kind, names)?;
    let Adding { file, added, .. } = adding;
    file.save()?;
    if args.no_install {
        return Ok(ExitCode::SUCCESS);
    }
    let project = reopen(&args.project)?;
    let load = |(kind, name): &(PluginKind, String)| Plugin::load(&project, *kind, name);
    let plugins = added.iter().map(load).collect::<Result<Vec<_>>>()?;
    let options = install::Options {
        force: args.force_install,
        ..install::Options::default()
    };
    let installed = install::install(&project, &plugins, options, console)?;
    Ok(ExitCode::from(u8::from(!installed)))
}

/// An `add` that is going on.
struct Adding<'a> {
    project: &'a Project,
    file: ProjectFile,
    args: &'a AddArgs,
    console: &'a Console,
    added: Vec<(PluginKind, String)>,
}

/// A plugin that is to be added, or that another one needs.
struct Request {
    kind: PluginKind,
    name: String,
    variant: Option<String>,
    inherit_from: Option<String>,
}

impl Adding<'_> {
    fn add_all(&mut self, kind: Option<PluginKind>, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Err(usage("name a plugin"));
        }
        if names.len() > 1 && (self.args.from.is_some() || self.args.as_name.is_some()) {
            return Err(usage("--from and --as are about one plugin; name one"));
        }
        let mut waiting: VecDeque<Request> = names.iter().map(|name| self.request(kind, name)).collect();
        let asked = waiting.len();
        let mut done = 0;
        while let Some(request) = waiting.pop_front() {
            let required = self.add(&request, done < asked)?;
            done += 1;
            let known = |request: &Request| self.item(request.kind, &request.name).is_some();
            waiting.extend(required.into_iter().filter(|request| !known(request)));
        }
        Ok(())
    }

    /// The path to the block of a plugin in the file.
    fn item(&self, kind: PluginKind, name: &str) -> Option<Vec<Step>> {
        self.file.item(&steps!["plugins", kind.plural()], name)
    }

    fn request(&self, kind: Option<PluginKind>, name: &str) -> Request {
        let (name, inherit_from) = match &self.args.as_name {
            Some(new) => (new.as_str(), Some(name.to_owned())),
            None => (name, self.args.inherit_from.clone()),
        };
        let basis = inherit_from.as_deref().unwrap_or(name);
        Request {
            kind: kind.unwrap_or_else(|| PluginKind::of_name(basis)),
            name: name.to_owned(),
            variant: self.args.variant.clone(),
            inherit_from,
        }
    }

    /// Adds one plugin, and returns those that it requires. `asked` says that the command line names it, so that its options
    /// are about this plugin.
    fn add(&mut self, request: &Request, asked: bool) -> Result<Vec<Request>> {
        let Request { kind, name, .. } = request;
        if name.contains(':') {
            return Err(Error::config(format!(
                "plugin {name}: a name must not contain a colon"
            )));
        }
        let mut block = Map::from_iter([("name".to_owned(), Value::from(name.as_str()))]);
        let inherit_from = request.inherit_from.as_deref();
        if let Some(parent) = inherit_from {
            block.insert("inherit_from".to_owned(), parent.into());
        }
        let is_ours = inherit_from.is_some_and(|parent| {
            self.item(*kind, parent).is_some() || self.project.plugin_names(*kind).any(|name| name == parent)
        });
        let definition = match &self.args.from_ref {
            _ if is_ours && request.variant.is_none() => Map::new(),
            Some(reference) if asked => {
                let definition = referenced(request, reference)?;
                let own = definition.iter().filter(|(key, _)| lock_file::is_known(key));
                block.extend(own.map(|(key, value)| (key.clone(), value.clone())));
                definition
            }
            _ => self.locked(request, asked, &mut block)?,
        };
        if let Some(python) = self.args.python.as_ref().filter(|_| asked) {
            block.insert("python".to_owned(), python.as_str().into());
        }
        if *kind == PluginKind::File {
            // Meltano, too, leaves file bundles out of meltano.yml: what they are for is their files.
            self.console.warn(&format!(
                "the file bundle {name} is locked, and its files are not copied; `meltano add {name} --plugin-type files` \
                 copies them"
            ));
            return Ok(required(&definition));
        }
        let verb = self.put(*kind, name, block)?;
        self.console.info(&format!("{verb} {} {name}", kind.singular()));
        self.added.push((*kind, name.clone()));
        Ok(required(&definition))
    }

    /// Adds the block of a plugin, or sets its keys in the block that is there. Returns which of both it was.
    fn put(&mut self, kind: PluginKind, name: &str, block: Map<String, Value>) -> Result<&'static str> {
        let Some(mut path) = self.item(kind, name) else {
            if self.project.plugin_names(kind).any(|other| other == name) {
                return Err(Error::config(format!(
                    "{name} is in an included file; change it there"
                )));
            }
            self.file
                .add(&steps!["plugins", kind.plural()], &Value::Object(block))?;
            return Ok("added");
        };
        for (key, value) in block {
            path.push(Step::Key(key));
            self.file.set(&path, &value)?;
            path.pop();
        }
        Ok("updated")
    }

    /// The definition that the plugin gets a lock file of. Its variant and its `pip_url` are repeated in the block.
    fn locked(
        &self,
        request: &Request,
        asked: bool,
        block: &mut Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let definition = definitions::find(
            self.project,
            &Wanted {
                kind: request.kind,
                name: request.inherit_from.as_deref().unwrap_or(&request.name),
                variant: request.variant.as_deref(),
                file: self.args.from.as_deref().filter(|_| asked),
                locked: true,
            },
        )?;
        for key in ["variant", "pip_url"] {
            if let Some(value) = definition.get(key).filter(|value| value.is_string()) {
                block.insert(key.to_owned(), value.clone());
            }
        }
        let path = lock_file::write(self.project, request.kind, &definition)?;
        self.console.debug(&format!("wrote {}", path.display()));
        Ok(definition)
    }
}

/// The definition of `--from-ref`.
fn referenced(request: &Request, reference: &str) -> Result<Map<String, Value>> {
    let wanted = Wanted {
        kind: request.kind,
        name: &request.name,
        variant: request.variant.as_deref(),
        file: None,
        locked: false,
    };
    let definition = definitions::read_reference(reference)?;
    definitions::check(&wanted, definition, reference)
}

/// The plugins that a definition requires: for each type a list of names and variants.
fn required(definition: &Map<String, Value>) -> Vec<Request> {
    let requires = definition.get("requires").and_then(Value::as_object);
    let of_kind = |(kind, list): (&String, &Value)| {
        let kind = PluginKind::parse(kind)?;
        let items = list.as_array()?.iter().filter_map(Value::as_object);
        let request = |item: &Map<String, Value>| {
            let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Request {
                kind,
                name: text("name")?,
                variant: text("variant"),
                inherit_from: None,
            })
        };
        Some(items.filter_map(request).collect::<Vec<_>>())
    };
    requires
        .into_iter()
        .flatten()
        .filter_map(of_kind)
        .flatten()
        .collect()
}

fn usage(message: &str) -> Error {
    Error::new(Kind::Usage, message)
}
