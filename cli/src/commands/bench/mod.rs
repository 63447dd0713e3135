//! `melisma bench`: generates streams, and measures taps, targets, pairs and pipes beside others.

mod args;
mod ended;
mod generate;
mod input;
mod plans;

use std::process::ExitCode;

use jiff::Timestamp;
use melisma_bench::compare::compare;
use melisma_bench::machine::Machine;
use melisma_bench::measure::measure;
use melisma_bench::plan::{Kind, Plan};
use melisma_bench::report::{Report, SettingsForm, VERSION, markdown, page, table};
use melisma_bench::words::{CommandLine, Programs};
use melisma_sdk::{Error, Result};
use tempfile::TempDir;

use super::output::print;
use crate::answer_file::AnswerFile;
use crate::args::LogArgs;
use crate::builtin;
use crate::console::Console;
use crate::project;

pub(crate) use args::BenchArgs;
use args::{BenchCommand, CommonArgs, CompareArgs, InputFormat, ShowArgs, ShowFormat};
use ended::unless_ended;
use input::Inputs;

pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    match &args.command {
        BenchCommand::Gen(args) => generate::run(args, &console(&args.log)?),
        BenchCommand::Pipe(args) => {
            let inputs = Inputs::of(
                Kind::Pipe,
                &args.common,
                args.input.as_deref(),
                InputFormat::Singer,
            )?;
            turns(Kind::Pipe, &args.common, &inputs, |input, folder| {
                plans::pipe(args, input, folder)
            })
        }
        BenchCommand::Tap(args) => {
            let inputs = Inputs::of(Kind::Tap, &args.common, args.input.as_deref(), args.format)?;
            turns(Kind::Tap, &args.common, &inputs, |input, folder| {
                plans::tap(args, input, folder)
            })
        }
        BenchCommand::Target(args) => {
            let inputs = Inputs::of(
                Kind::Target,
                &args.common,
                args.input.as_deref(),
                InputFormat::Singer,
            )?;
            turns(Kind::Target, &args.common, &inputs, |input, folder| {
                plans::target(args, input, folder)
            })
        }
        BenchCommand::Pair(args) => {
            let inputs = Inputs::of(Kind::Pair, &args.common, args.input.as_deref(), args.format)?;
            turns(Kind::Pair, &args.common, &inputs, |input, folder| {
                plans::pair(args, input, folder)
            })
        }
        BenchCommand::Compare(args) => two(args),
        BenchCommand::Show(args) => show(args),
    }
}

fn console(log: &LogArgs) -> Result<Console> {
    Console::new(
        log,
        |name| Ok(std::env::var(project::setting_variable(name)).ok()),
    )
}

/// This program, for commands that name it or a plugin that is built into it.
fn programs() -> Result<Programs> {
    let melisma =
        std::env::current_exe().map_err(|error| Error::io("cannot find the executable of melisma", error))?;
    Ok(Programs {
        melisma: melisma.into_os_string(),
        builtin: builtin::PLUGINS.iter().map(|plugin| plugin.name).collect(),
    })
}

/// Measures each input, and reports all of them.
fn turns(
    kind: Kind,
    args: &CommonArgs,
    inputs: &Inputs,
    plan: impl Fn(&input::Input, &TempDir) -> Result<Plan>,
) -> Result<ExitCode> {
    let console = console(&args.log)?;
    let json = args
        .json
        .as_deref()
        .map(|path| AnswerFile::new("--json", path))
        .transpose()?;
    let html = args
        .html
        .as_deref()
        .map(|path| AnswerFile::new("--html", path))
        .transpose()?;
    let (settings, programs) = (args.settings(), programs()?);
    let folder = tempfile::tempdir().map_err(|error| Error::io("cannot make a temporary folder", error))?;
    let measured_at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (cases, title) = unless_ended(folder.path().to_owned(), || {
        let (mut cases, mut title) = (Vec::new(), String::new());
        for input in inputs.iter() {
            let input = input.make(&folder, &console)?;
            let plan = plan(&input, &folder)?;
            cases.push(measure(&plan, &settings, &programs, &mut |line| {
                console.info(line);
            })?);
            input.remove();
            if let Some(subject) = plan.candidates.first() {
                title.clone_from(&subject.name);
            }
        }
        Ok((cases, title))
    })?;
    let shown = |line: &Option<String>, what| {
        let line = line
            .as_deref()
            .map(|line| CommandLine::parse(what, line))
            .transpose()?;
        Ok::<_, Error>(line.map(|line| line.shown()))
    };
    let report = Report {
        version: VERSION,
        melisma: env!("CARGO_PKG_VERSION").to_owned(),
        kind: kind.name().to_owned(),
        title: args.title.clone().unwrap_or(title),
        measured_at,
        machine: Machine::here(),
        settings: SettingsForm {
            runs: settings.runs,
            max_spread: settings.max_spread,
            max_load: settings.max_load,
            prepare: shown(&args.prepare, "--prepare")?,
            check: shown(&args.check, "--check")?,
        },
        cases,
    };
    console.flush();
    print(table(&report).trim_end())?;
    if let Some(file) = json {
        file.write(&report.to_json()?)?;
    }
    if let Some(file) = html {
        file.write(&page(&report))?;
    }
    verdict(&report)
}

/// Success, unless the machine was too noisy.
fn verdict(report: &Report) -> Result<ExitCode> {
    match report.cases.iter().flat_map(|case| &case.doubts).next() {
        None => Ok(ExitCode::SUCCESS),
        Some(doubt) => Err(Error::new(
            melisma_sdk::Kind::Retry,
            format!("the machine was too noisy to tell: {doubt}"),
        )),
    }
}

/// `bench compare`
fn two(args: &CompareArgs) -> Result<ExitCode> {
    let comparison = compare(&Report::read(&args.before)?, &Report::read(&args.after)?);
    print(comparison.text().trim_end())?;
    if comparison.differences.is_empty() {
        return Err(Error::input("the two reports have nothing in common"));
    }
    Ok(if comparison.is_worse() {
        ExitCode::from(melisma_sdk::Kind::Failed.exit_code())
    } else {
        ExitCode::SUCCESS
    })
}

/// `bench show`
fn show(args: &ShowArgs) -> Result<ExitCode> {
    let html = args
        .html
        .as_deref()
        .map(|path| AnswerFile::new("--html", path))
        .transpose()?;
    let report = Report::read(&args.report)?;
    let text = match args.format {
        ShowFormat::Text => table(&report),
        ShowFormat::Markdown => markdown(&report),
    };
    print(text.trim_end())?;
    if let Some(file) = html {
        file.write(&page(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}
