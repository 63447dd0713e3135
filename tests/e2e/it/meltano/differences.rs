//! Where melisma differs from Meltano on purpose: the whole list. docs/meltano.md has each of them, in the same words.

/// One difference.
pub(super) struct Difference {
    /// How docs/meltano.md says it.
    pub(super) sentence: &'static str,
    covers: fn(&Fact<'_>) -> bool,
}

/// A fact of one run or database, with the value that each tool has for it.
pub(super) struct Fact<'a> {
    pub(super) name: &'a str,
    pub(super) meltano: Option<&'a str>,
    pub(super) melisma: Option<&'a str>,
}

impl Fact<'_> {
    fn is_variable(&self, variable: &str) -> bool {
        self.name
            .strip_suffix(variable)
            .is_some_and(|start| start.ends_with("variables "))
    }
}

/// At most ten.
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        sentence: "`MELTANO_USER_AGENT` names melisma and its version.",
        covers: |fact| fact.is_variable("MELTANO_USER_AGENT"),
    },
    Difference {
        sentence: "`MELTANO_PARENT_CONTEXT_UUID` is not set: it connects events of Meltano's telemetry.",
        covers: |fact| fact.is_variable("MELTANO_PARENT_CONTEXT_UUID"),
    },
    Difference {
        sentence: "`SINGER_SDK_LOG_CONFIG` and `LOGGING_CONF_FILE` name files in the private folder of the run.",
        covers: |fact| fact.is_variable("SINGER_SDK_LOG_CONFIG") || fact.is_variable("LOGGING_CONF_FILE"),
    },
    Difference {
        sentence: "`MELISMA_RUN_VERDICT` tells a target whether the tap has succeeded.",
        covers: |fact| fact.is_variable("MELISMA_RUN_VERDICT"),
    },
    Difference {
        sentence: "A run whose project is wrong ends before it begins, so that it has no row among the runs.",
        covers: |fact| {
            let failed = fact
                .meltano
                .is_some_and(|row| row.contains(r#" | "FAIL" | {} | "#));
            fact.name.starts_with("runs ") && failed && fact.melisma.is_none()
        },
    },
];

/// Whether a difference in this fact is on the list.
pub(super) fn is_known(fact: &Fact<'_>) -> bool {
    DIFFERENCES.iter().any(|difference| (difference.covers)(fact))
}
