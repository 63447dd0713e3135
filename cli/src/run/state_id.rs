//! Which state belongs to a run: its id, and the pipeline that owns it.

use melisma_sdk::{Error, Result};

use super::line_hash;
use super::plan::Plan;
use super::workspace::Workspace;
use crate::args::RunArgs;
use crate::project::{self, Vars};
use crate::state::Pipeline;

/// The state of a run.
pub(super) struct Identity {
    pub(super) state_id: String,
    /// The id that an older version used for these command lines, when it differs.
    pub(super) old_state_id: Option<String>,
    pub(super) pipeline: Pipeline,
}

impl Identity {
    /// The identity of the plugins or command lines in `plan`.
    pub(super) fn new(args: &RunArgs, workspace: &Workspace, plan: &Plan) -> Result<Self> {
        let pipeline = pipeline(workspace, plan);
        let mut names = format!("{}-to-{}", plan.tap.program.name, plan.target.name);
        if let Some(hash) = &pipeline.words {
            names = format!("{names}-{}", line_hash::short(hash));
        }
        let state_id = state_id(args, workspace, names)?;
        let old_names = plan.lines.as_ref().map(|lines| lines.old_names.clone());
        // Names that cannot be in an id had no state in older versions either.
        let old_state_id = old_names.and_then(|names| self::state_id(args, workspace, names).ok());
        Ok(Self {
            old_state_id: old_state_id.filter(|old| *old != state_id),
            state_id,
            pipeline,
        })
    }
}

fn pipeline(workspace: &Workspace, plan: &Plan) -> Pipeline {
    let (tap, target) = (plan.tap.program.name.clone(), plan.target.name.clone());
    match workspace {
        Workspace::Project(project) => Pipeline {
            // The same plugins of another environment read and write elsewhere.
            tap: match &project.environment {
                Some(environment) => format!("{}:{tap}", environment.name),
                None => tap,
            },
            target,
            words: None,
        },
        Workspace::Folder { here, system, .. } => {
            // With MELTANO_SYS_DIR_ROOT several folders may use one database.
            let shared = *system != project::system_folder(here, &Vars::new());
            let words = plan.lines.as_ref().map(|lines| lines.hash(here, shared));
            Pipeline { tap, target, words }
        }
    }
}

/// `ENVIRONMENT:NAMES:SUFFIX`, unless the command line has an id.
fn state_id(args: &RunArgs, workspace: &Workspace, names: String) -> Result<String> {
    if let Some(id) = &args.state_id {
        return Ok(id.clone());
    }
    let (environment, suffix) = match workspace {
        Workspace::Project(project) => {
            let environment = project.environment.as_ref();
            if environment.is_none() && args.state.is_none() && !args.no_state_update {
                return Err(Error::config(
                    "no environment is active, so the state has no id: choose one with --environment or \
                     default_environment, or use --state-id",
                ));
            }
            let name = environment.map(|environment| environment.name.clone());
            (name, project.state_id_suffix()?)
        }
        Workspace::Folder { .. } => (args.project.environment.clone(), None),
    };
    let suffix = args.state_id_suffix.clone().or(suffix);
    let parts: Vec<String> = environment.into_iter().chain([names]).chain(suffix).collect();
    if let Some(part) = parts.iter().find(|part| part.contains(':')) {
        return Err(Error::config(format!(
            "{part:?}: a part of a state id must not contain a colon"
        )));
    }
    Ok(parts.join(":"))
}
