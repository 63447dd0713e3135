//! Commands of Meltano that melisma does not have, and what to call instead.

use melisma_sdk::{Error, Kind};

/// Each with the rest of the sentence that begins with its name.
const COMMANDS: &[(&str, &str)] = &[
    (
        "cloud",
        "is about accounts at Meltano Cloud: call `meltano cloud`",
    ),
    ("hub", "asks whether Meltano Hub answers: call `meltano hub`"),
    (
        "docs",
        concat!(
            "opens the documentation of Meltano: call `meltano docs`; that of melisma is at ",
            env!("CARGO_PKG_REPOSITORY")
        ),
    ),
    (
        "upgrade",
        "upgrades Meltano itself: call `meltano upgrade`; melisma is upgraded by the tool that installed it",
    ),
    (
        "compile",
        "writes the manifest files of Meltano, which melisma does not read: call `meltano compile`",
    ),
    (
        "schema",
        "prints the JSON Schema of meltano.yml: call `meltano schema`; `melisma check` validates a project",
    ),
    ("dragon", "draws the mascot of Meltano: call `meltano dragon`"),
    (
        "ui",
        "was removed in Meltano 3: `melisma logs list` shows runs, `melisma schedule list` schedules",
    ),
    (
        "user",
        "managed accounts of the web interface, which was removed in Meltano 3",
    ),
    (
        "discover",
        "was removed in Meltano 3: `melisma plugin list` shows the plugins of the project",
    ),
];

/// The error for a command that only Meltano has; `None` for any other name.
pub(crate) fn refuse(name: &str) -> Option<Error> {
    let (_, rest) = COMMANDS.iter().find(|(command, _)| *command == name)?;
    Some(Error::new(Kind::Usage, format!("`{name}` {rest}")))
}
