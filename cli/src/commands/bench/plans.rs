//! What each of the commands measures.

use std::path::Path;

use melisma_bench::plan::{Candidate, Kind, Plan, Yields, floors};
use melisma_bench::report::Role;
use melisma_bench::words::CommandLine;
use melisma_sdk::{Error, Kind as ErrorKind, Result, show};
use tempfile::TempDir;

use super::args::{CommonArgs, PairArgs, PipeArgs, TapArgs, TargetArgs, Via};
use super::input::Input;
use crate::project;

/// `melisma pipe`, with and without checks.
pub(super) fn pipe(args: &PipeArgs, input: &Input, folder: &TempDir) -> Result<Plan> {
    let candidate = |name: &str, role| {
        let line = CommandLine::of(name.split(' '));
        Candidate::new(name, role, vec![line])
            .fed()
            .yields(Yields::Records)
    };
    let ours = vec![
        candidate("melisma pipe", Role::Subject),
        candidate("melisma pipe --validate", Role::Rival),
    ];
    plan(Kind::Pipe, ours, &args.common, input, folder, |rival| {
        rival.fed().yields(Yields::Records)
    })
}

/// A tap.
pub(super) fn tap(args: &TapArgs, input: &Input, folder: &TempDir) -> Result<Plan> {
    let line = CommandLine::parse("TAP", &args.tap)?;
    let name = args.name.clone().unwrap_or_else(|| name(&line));
    let subject = Candidate::new(name, Role::Subject, vec![line]).yields(Yields::Records);
    let plan = plan(Kind::Tap, vec![subject], &args.common, input, folder, |rival| {
        rival.yields(Yields::Records)
    })?;
    Ok(Plan {
        expect: args.expect.clone(),
        records: plan.records.or(rows(input)),
        ..plan
    })
}

/// A target.
pub(super) fn target(args: &TargetArgs, input: &Input, folder: &TempDir) -> Result<Plan> {
    let line = CommandLine::parse("TARGET", &args.target)?;
    let name = args.name.clone().unwrap_or_else(|| name(&line));
    let subject = Candidate::new(name, Role::Subject, vec![line])
        .fed()
        .yields(Yields::States);
    plan(
        Kind::Target,
        vec![subject],
        &args.common,
        input,
        folder,
        |rival| rival.fed().yields(Yields::States),
    )
}

/// A tap into a target, by `melisma run` or by a pipe.
pub(super) fn pair(args: &PairArgs, input: &Input, folder: &TempDir) -> Result<Plan> {
    let (tap, target) = (
        CommandLine::parse("TAP", &args.tap)?,
        CommandLine::parse("TARGET", &args.target)?,
    );
    let both = format!("{} > {}", name(&tap), name(&target));
    let mut subjects: Vec<Candidate> = Vec::new();
    for via in &args.via {
        let role = if subjects.is_empty() {
            Role::Subject
        } else {
            Role::Rival
        };
        let name = match (args.via.len(), via) {
            (1, _) => both.clone(),
            (_, Via::Melisma) => format!("{both} by melisma run"),
            (_, Via::Pipe) => format!("{both} by a pipe"),
        };
        subjects.push(match via {
            Via::Melisma => runner(args, name, role, folder)?,
            Via::Pipe => Candidate::new(name, role, vec![tap.clone(), target.clone()]),
        });
    }
    let plan = plan(Kind::Pair, subjects, &args.common, input, folder, |rival| rival)?;
    Ok(Plan {
        expect: args.expect.clone(),
        // A plugin of a project is no command line that could run alone.
        tap: (!is_in_a_project()).then_some(tap),
        records: plan.records.or(rows(input)),
        ..plan
    })
}

/// `melisma run` without a state, whose report says what came to the target.
fn runner(args: &PairArgs, name: String, role: Role, folder: &TempDir) -> Result<Candidate> {
    let report = folder.path().join("run.json");
    let path = report
        .to_str()
        .ok_or_else(|| Error::config("expected a temporary folder whose path is UTF-8"))?;
    let blocks = [args.tap.as_str(), args.target.as_str()];
    let options = ["melisma", "run", "--no-state-update", "--quiet", "--report", path];
    let run = CommandLine::of(options.into_iter().chain(blocks));
    let shown = CommandLine::of(["melisma", "run", "--no-state-update"].into_iter().chain(blocks)).shown();
    Ok(Candidate {
        shown: Some(shown),
        report: Some(report),
        ..Candidate::new(name, role, vec![run])
    })
}

fn is_in_a_project() -> bool {
    std::env::current_dir()
        .ok()
        .and_then(|folder| project::find(&folder, &project::environment_variables()))
        .is_some()
}

/// The rows of a generated input, which are those that a tap of it must write.
fn rows(input: &Input) -> Option<u64> {
    input.generated.as_ref().map(|generated| generated.rows)
}

fn plan(
    kind: Kind,
    mut candidates: Vec<Candidate>,
    args: &CommonArgs,
    input: &Input,
    folder: &TempDir,
    rival: impl Fn(Candidate) -> Candidate,
) -> Result<Plan> {
    for text in &args.vs {
        let (name, line) = CommandLine::named("--vs", text)?;
        candidates.push(rival(Candidate::new(name, Role::Rival, vec![line])));
    }
    let of_floors = if args.no_floors {
        Vec::new()
    } else {
        floors(kind, Some(Path::new("x")))
    };
    let mut names: Vec<&str> = candidates
        .iter()
        .chain(&of_floors)
        .map(|one| one.name.as_str())
        .collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|two| two[0] == two[1]) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "--vs: expected a name of its own for each command, found {} twice",
                show(twice[0])
            ),
        ));
    }
    let line = |what, text: &Option<String>| {
        text.as_deref()
            .map(|text| CommandLine::parse(what, text))
            .transpose()
    };
    Ok(Plan {
        kind,
        candidates,
        has_floors: !args.no_floors,
        input: input.path.clone(),
        generated: input.generated.clone(),
        records: args.records,
        expect: None,
        tap: None,
        folder: folder.path().to_owned(),
        prepare: line("--prepare", &args.prepare)?,
        check: line("--check", &args.check)?,
    })
}

/// A name for a command line: its program, or the script that an interpreter runs.
fn name(line: &CommandLine) -> String {
    let base = |word: &str| {
        Path::new(word)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let words = line.words();
    let first = words.first().map(|word| base(word)).unwrap_or_default();
    let is_interpreter = ["python", "sh", "bash", "node"]
        .iter()
        .any(|name| first == *name || first.starts_with("python3"));
    let script = words
        .iter()
        .skip(1)
        .find(|word| !word.starts_with('-') && !word.contains(' '));
    match script {
        Some(script) if is_interpreter => base(script),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_after_its_program_or_script() {
        for (line, expected) in [
            ("tap-csv --config c.json", "tap-csv"),
            ("/opt/venv/bin/tap-x", "tap-x"),
            ("python3.11 taps/my_tap.py --config c", "my_tap.py"),
            ("sh -c 'a | b'", "sh"),
        ] {
            assert_eq!(
                name(&CommandLine::parse("TAP", line).unwrap()),
                expected,
                "{line}"
            );
        }
    }
}
