//! Reading the messages of a tap for a moment, and giving a target a few: for `head`, `config test` and `check`.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use melisma_sdk::{Error, Result};
use rustix::process::Signal;
use serde_json::Value;

use super::invoke::Single;
use super::plugin_log::{self, Facts};
use super::process_group::{ProcessGroup, describe};
use super::tap_args;
use crate::project::spelling;

impl Single<'_> {
    /// Runs the tap until `enough` is true for a message, or until it ends; then its exit code says whether it succeeded.
    /// With `stream` only that one is extracted.
    ///
    /// # Errors
    /// The tap failed before there was enough.
    pub(crate) fn read_messages(
        &self,
        stream: Option<&str>,
        mut enough: impl FnMut(&Value) -> bool,
    ) -> Result<()> {
        let tap = self.tap()?;
        let mut args: Vec<OsString> = Vec::new();
        if let Some((flag, mut catalog)) = tap_args::catalog(&tap, false, self.context())? {
            if let Some(stream) = stream {
                only(&mut catalog, stream)?;
            }
            let text = spelling::indented_json(&catalog);
            let path = self.context().dir.write("tap.properties.json", &text)?;
            args.extend([flag.into(), path.into()]);
        }
        let mut program = tap.program;
        program.args.extend(args);
        let mut child = program.spawn(program.command())?;
        let group = ProcessGroup::of(&child);
        self.relay_log(&mut child, &program.name);
        let stdout = child.stdout.take().map(BufReader::new);
        for line in stdout.into_iter().flat_map(BufRead::lines) {
            if let Some(interruption) = self.context().signals.take() {
                group.signal(Signal::KILL);
                return Err(interruption.error());
            }
            let line =
                line.map_err(|error| Error::io(format!("cannot read from {}", program.name), error))?;
            let message = serde_json::from_str(&line).unwrap_or(Value::Null);
            if enough(&message) {
                group.signal(Signal::KILL);
                return group
                    .wait(child)
                    .map(drop)
                    .map_err(|error| Error::io(format!("cannot wait for {}", program.name), error));
            }
        }
        self.verdict(&program.name, group.wait(child))
    }

    /// Gives a target these messages and waits for its end.
    ///
    /// # Errors
    /// The target failed.
    pub(crate) fn write_messages(&self, messages: &[Value]) -> Result<()> {
        let program = self.program(None, &[])?;
        let mut starting = program.command();
        starting.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = program.spawn(starting)?;
        let group = ProcessGroup::of(&child);
        self.relay_log(&mut child, &program.name);
        if let Some(mut stdin) = child.stdin.take() {
            for message in messages {
                // A target that has ended says why by its exit code.
                let _ = stdin.write_all(format!("{}\n", spelling::json(message)).as_bytes());
            }
        }
        self.verdict(&program.name, group.wait(child))
    }

    fn relay_log(&self, child: &mut Child, name: &str) {
        let (console, name) = (Arc::clone(&self.context().console), name.to_owned());
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || plugin_log::relay(stderr, &name, &Facts::default(), &console));
        }
    }

    fn verdict(&self, name: &str, status: std::io::Result<ExitStatus>) -> Result<()> {
        self.context().console.flush();
        let status = status.map_err(|error| Error::io(format!("cannot wait for {name}"), error))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::config(format!("{name} failed ({})", describe(status))))
    }
}

/// Deselects every other stream.
fn only(catalog: &mut Value, name: &str) -> Result<()> {
    let streams = catalog.get_mut("streams").and_then(Value::as_array_mut);
    let mut names = Vec::new();
    let mut found = None;
    for stream in streams.into_iter().flatten() {
        let text = |key: &str| {
            stream
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (id, stream_name) = (text("tap_stream_id"), text("stream"));
        let entries = stream.get_mut("metadata").and_then(Value::as_array_mut);
        let own = entries.into_iter().flatten().find(|entry| {
            let breadcrumb = entry.get("breadcrumb").and_then(Value::as_array);
            breadcrumb.is_some_and(Vec::is_empty)
        });
        let selected = own.and_then(|entry| entry.get_mut("metadata")?.get_mut("selected"));
        if id == name || stream_name == name {
            found = Some(selected.is_none_or(|selected| *selected == Value::Bool(true)));
        } else if let Some(selected) = selected {
            *selected = Value::Bool(false);
        }
        names.push(id);
    }
    match found {
        Some(true) => Ok(()),
        Some(false) => Err(Error::config(format!(
            "stream {name:?} is not selected; `melisma select TAP {name} \"*\"` selects it"
        ))),
        None => Err(Error::config(format!(
            "there is no stream {name:?}{}",
            crate::suggestion::suggestion(name, names.iter().map(String::as_str))
        ))),
    }
}
