//! Where melisma differs from Meltano on purpose: the whole list. docs/meltano.md has each of them, in the same words.

use super::handed::Facts;

/// One difference.
pub(super) struct Difference {
    /// How docs/meltano.md says it.
    pub(super) sentence: &'static str,
    /// Whether a fact is about it, so that its value is not compared.
    pub(super) is_about: fn(name: &str) -> bool,
}

/// At most ten.
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        sentence: "`MELTANO_USER_AGENT` names melisma and its version.",
        is_about: |name| name.ends_with("variables MELTANO_USER_AGENT"),
    },
    Difference {
        sentence: "`MELTANO_PARENT_CONTEXT_UUID` is not set: it connects events of Meltano's telemetry.",
        is_about: |name| name.ends_with("variables MELTANO_PARENT_CONTEXT_UUID"),
    },
    Difference {
        sentence: "`SINGER_SDK_LOG_CONFIG` and `LOGGING_CONF_FILE` name files in the private folder of the run.",
        is_about: |name| {
            name.ends_with("variables SINGER_SDK_LOG_CONFIG") || name.ends_with("variables LOGGING_CONF_FILE")
        },
    },
];

/// Removes what is not compared.
pub(super) fn forget(facts: &mut Facts) {
    facts.retain(|name, _| !DIFFERENCES.iter().any(|difference| (difference.is_about)(name)));
}
