//! Where melisma differs from Meltano on purpose: the whole list. docs/meltano.md has each of them, in the same words.

/// One difference.
pub(super) struct Difference {
    /// How docs/meltano.md says it.
    pub(super) sentence: &'static str,
    covers: fn(&Fact<'_>) -> bool,
}

/// A fact of one run or database, with the value that each tool has for it.
pub(super) struct Fact<'a> {
    pub(super) case: &'a Both,
    pub(super) name: &'a str,
    pub(super) melisma: Option<&'a str>,
}

impl Fact<'_> {
    fn is_variable(&self, variable: &str) -> bool {
        self.name
            .strip_suffix(variable)
            .is_some_and(|start| start.ends_with("variables "))
    }
}

/// How a case went for both tools.
pub(super) struct Both {
    pub(super) meltano_failed: bool,
    pub(super) melisma_failed: bool,
    /// What Meltano's log has last.
    pub(super) meltano_said: String,
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
        sentence: "A run whose project is wrong ends before it begins: no plugin is started, and it has no row among the runs.",
        covers: |fact| fact.case.meltano_failed && fact.case.melisma_failed && fact.melisma.is_none(),
    },
    Difference {
        sentence: "A setting that a child adds to those of its parent and that has no value is not set; Meltano ends with a `KeyError`.",
        covers: |fact| {
            let fails = fact.case.meltano_failed && !fact.case.melisma_failed;
            fails
                && fact
                    .case
                    .meltano_said
                    .lines()
                    .any(|line| line.starts_with("KeyError: "))
        },
    },
];

/// Whether a difference in this fact is on the list.
pub(super) fn is_known(fact: &Fact<'_>) -> bool {
    DIFFERENCES.iter().any(|difference| (difference.covers)(fact))
}
