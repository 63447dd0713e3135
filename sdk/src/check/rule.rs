//! The rules, by name.

/// A rule that a tap or a target keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Discovery succeeds.
    Discovers,
    /// The catalog has streams with different ids, schemas that are JSON Schema of objects with properties, and keys that are
    /// among these.
    CatalogIsValid,
    /// The run of a tap succeeds with the catalog that it has discovered, and again from its last STATE.
    TapSucceeds,
    /// Each line is a message of Singer.
    LineIsMessage,
    /// The SCHEMA of a stream comes before its first RECORD.
    SchemaBeforeRecord,
    /// Each record fits the SCHEMA of its stream, formats included.
    RecordFitsSchema,
    /// Each record has all key properties of its stream, and none of them is null.
    KeyIsPresent,
    /// Each stream has a record in the first run.
    HasRecords,
    /// A bookmark in a STATE is not ahead of the records before it.
    StateAfterRecords,
    /// The last message is a STATE, without the marks of a run that is under way.
    StateIsLast,
    /// A run from a state reads no record whose replication key is before the bookmark.
    ReadsNothingOlder,
    /// The bookmarks of the second run are not behind those of the first.
    StateMovesForward,
    /// The run of a target succeeds with records of two streams that alternate.
    TakesRecords,
    /// A stream without a record is accepted.
    TakesEmptyStream,
    /// Names of streams and properties may have any characters.
    TakesAnyName,
    /// A second SCHEMA of a stream, with another property, is accepted.
    TakesSchemaChange,
    /// The emitted STATEs are those of the input, in their order, and the last one is emitted.
    EmitsStates,
    /// When a STATE is emitted, the records before it can be read at the destination.
    StateAfterCommit,
    /// All records of a run that succeeded can be read at the destination, with their values.
    HoldsRecords,
    /// A record without a SCHEMA ends the run, and no later STATE is emitted.
    RefusesUnknownStream,
    /// A record that does not fit its SCHEMA ends the run, and no later STATE is emitted.
    RefusesInvalidRecord,
    /// A second run into the same destination succeeds, and keeps the records of the first.
    RunsAgain,
    /// With `load_method: upsert`, a record replaces the one with the same key.
    ReplacesByKey,
}

impl Rule {
    /// All rules.
    pub const ALL: &'static [Self] = &[
        Self::Discovers,
        Self::CatalogIsValid,
        Self::TapSucceeds,
        Self::LineIsMessage,
        Self::SchemaBeforeRecord,
        Self::RecordFitsSchema,
        Self::KeyIsPresent,
        Self::HasRecords,
        Self::StateAfterRecords,
        Self::StateIsLast,
        Self::ReadsNothingOlder,
        Self::StateMovesForward,
        Self::TakesRecords,
        Self::TakesEmptyStream,
        Self::TakesAnyName,
        Self::TakesSchemaChange,
        Self::EmitsStates,
        Self::StateAfterCommit,
        Self::HoldsRecords,
        Self::RefusesUnknownStream,
        Self::RefusesInvalidRecord,
        Self::RunsAgain,
        Self::ReplacesByKey,
    ];

    /// Its name in reports: `record-fits-schema`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discovers => "discovers",
            Self::CatalogIsValid => "catalog-is-valid",
            Self::TapSucceeds => "tap-succeeds",
            Self::LineIsMessage => "line-is-message",
            Self::SchemaBeforeRecord => "schema-before-record",
            Self::RecordFitsSchema => "record-fits-schema",
            Self::KeyIsPresent => "key-is-present",
            Self::HasRecords => "has-records",
            Self::StateAfterRecords => "state-after-records",
            Self::StateIsLast => "state-is-last",
            Self::ReadsNothingOlder => "reads-nothing-older",
            Self::StateMovesForward => "state-moves-forward",
            Self::TakesRecords => "takes-records",
            Self::TakesEmptyStream => "takes-empty-stream",
            Self::TakesAnyName => "takes-any-name",
            Self::TakesSchemaChange => "takes-schema-change",
            Self::EmitsStates => "emits-states",
            Self::StateAfterCommit => "state-after-commit",
            Self::HoldsRecords => "holds-records",
            Self::RefusesUnknownStream => "refuses-unknown-stream",
            Self::RefusesInvalidRecord => "refuses-invalid-record",
            Self::RunsAgain => "runs-again",
            Self::ReplacesByKey => "replaces-by-key",
        }
    }
}
