//! The registry of points.

/// A place in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// As `MELISMA_FAULT` has it.
    pub name: &'static str,
    /// Who comes there.
    pub on: On,
    /// What has happened before, and what has not.
    pub stands: &'static str,
}

/// Who comes to a point in a run of `melisma run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every target.
    Every,
    /// Every target, when the runner keeps its state in a file.
    StateFile,
    /// Targets that append to files.
    Appended,
    /// Targets that make files under temporary names.
    Renamed,
    /// Targets of databases.
    Tables,
    /// target-postgres.
    Postgres,
    /// target-postgres with `state_in_target`.
    Held,
    /// Targets on the SQL kit.
    Sql,
    /// Targets on the SQL kit with `state_in_target`.
    SqlHeld,
    /// target-duckdb, which commits the stages before their rows.
    Staged,
    /// Targets that take rows as lines of COPY, after tap-postgres.
    Copied,
}

macro_rules! points {
    ($($id:ident $on:ident $name:literal $stands:literal;)*) => {
        /// One constant for each.
        pub(super) mod list {
            use super::{On, Point};
            $(#[doc = $stands] pub const $id: Point = Point { name: $name, on: On::$on, stands: $stands };)*
        }
        /// Every point, in the order of a run.
        pub const ALL: &[Point] = &[$(list::$id),*];
    };
}

points! {
    READER_BLOCK Every "reader.block" "a block of lines was read, and is not handed on";
    READER_END Every "reader.end" "the input has ended, which is not known further on";
    DECODE_BLOCK Every "decode.block" "all lines of a block are decoded";
    DECODE_SCHEMA Every "decode.schema" "a SCHEMA is compiled, and not in use yet";
    DECODE_STATE Every "decode.state" "a STATE was read, which the ledger does not know";
    DECODE_BATCH Every "decode.batch" "a batch is closed, and not with its writer";
    COPIED_ANNOUNCED Copied "copied.announced" "rows are to come as lines of COPY, and none has";
    COPIED_ROW Copied "copied.row" "a row has come as a line of COPY, and is not with its encoder";
    SINK_OPEN_BEFORE Every "sink.open.before" "a stream's sink is to be opened";
    SINK_OPEN_AFTER Every "sink.open.after" "a stream's sink was opened";
    SINK_WRITE_BEFORE Every "sink.write.before" "a batch is with its writer";
    SINK_WRITE_AFTER Every "sink.write.after" "a batch was written, not committed";
    SINK_COMMIT_BEFORE Every "sink.commit.before" "all was written that a commit is asked for";
    SINK_COMMIT_AFTER Every "sink.commit.after" "rows are durable, which the ledger does not know";
    SINK_SCHEMA_BEFORE Every "sink.schema.before" "a changed SCHEMA is with its writer";
    SINK_SCHEMA_AFTER Every "sink.schema.after" "the sink has followed a changed SCHEMA";
    SINK_ACTIVATE_BEFORE Tables "sink.activate.before" "an ACTIVATE_VERSION is with its writer";
    SINK_ACTIVATE_AFTER Tables "sink.activate.after" "the sink has followed an ACTIVATE_VERSION";
    SINK_FINISH_BEFORE Every "sink.finish.before" "all is committed, and the sink not finished";
    SINK_FINISH_AFTER Every "sink.finish.after" "a sink was finished";
    LEDGER_COMMIT_BEFORE Every "ledger.commit.before" "a unit's end is to be noted";
    LEDGER_COMMIT_AFTER Every "ledger.commit.after" "a unit's end is noted, and its STATE not emitted";
    STATE_TELL_BEFORE Every "state.tell.before" "a STATE may be emitted, and is not";
    STATE_TELL_HALF Every "state.tell.half" "half of a STATE's line was written";
    STATE_TELL_AFTER Every "state.tell.after" "a STATE was emitted";
    TARGET_END Every "target.end" "the target has done everything, and not ended";
    RUN_RELAY Every "run.relay" "the runner has a block of the tap, the target has not";
    RUN_STATE_READ Every "run.state_read" "the runner has read a STATE, and not passed it to its store";
    RUN_VERDICT Every "run.verdict" "the tap has ended well, and the target does not know";
    STORE_BEFORE Every "store.before" "a STATE was emitted, and nothing of it stored";
    STORE_HALF Every "store.half" "half of a STATE is stored";
    STORE_AFTER Every "store.after" "a STATE is stored";
    RUN_END Every "run.end" "both sides have ended, and the run's row is open";
    STORE_RENAME StateFile "store.rename" "the new state file is whole, under its temporary name";
    FILES_JOURNAL_BEGIN Appended "files.journal.begin" "a journal was begun, and nothing appended";
    FILES_APPEND_HALF Appended "files.append.half" "half of a batch's bytes are in the file";
    FILES_APPEND_SYNC Appended "files.append.sync" "bytes are in the file, and not synced";
    FILES_APPEND_NOTE Appended "files.append.note" "bytes are synced, and the journal does not say so";
    FILES_JOURNAL_HALF Appended "files.journal.half" "half of the journal's line was written";
    FILES_JOURNAL_NOTED Appended "files.journal.noted" "the journal says that bytes are committed";
    FILES_JOURNAL_END Appended "files.journal.end" "all is committed, and the journal still there";
    FILES_PART_SYNC Renamed "files.part.sync" "a file is whole under its temporary name, and not synced";
    FILES_PART_RENAME Renamed "files.part.rename" "a file is synced under its temporary name";
    FILES_PART_FOLDER Renamed "files.part.folder" "a file has its name, and its folder is not synced";
    PG_BEGIN Postgres "postgres.begin" "a transaction is to be begun";
    PG_TABLE Postgres "postgres.table" "a table was made or changed, and that is not committed";
    PG_COPY_MIDDLE Postgres "postgres.copy.middle" "rows of a COPY were sent, and more may follow";
    PG_COPY_END Postgres "postgres.copy.end" "all rows of a COPY were sent, and it has not ended";
    PG_MERGE Postgres "postgres.merge" "rows are in the stage, and not in the table";
    PG_MERGED Postgres "postgres.merged" "rows went from the stage to the table";
    PG_KEY Postgres "postgres.key" "a first load has ended, and its table has no key";
    PG_KEYED Postgres "postgres.keyed" "the table of a first load got its key, which is not committed";
    PG_COMMIT_BEFORE Postgres "postgres.commit.before" "COMMIT is to be sent";
    PG_COMMIT_AFTER Postgres "postgres.commit.after" "COMMIT was confirmed, and not reported to the engine";
    PG_STATE_BEFORE Held "postgres.state.before" "rows are in the transaction, and their STATE is not";
    PG_STATE_AFTER Held "postgres.state.after" "rows and their STATE are in the transaction, which is not committed";
    SQL_TABLE Sql "sql.table" "a table was made, or got a column, and that is not committed";
    SQL_STAGED Staged "sql.staged" "the stages are committed, and their rows are not in the table";
    SQL_MERGE Sql "sql.merge" "rows are in the stage, and not in the table";
    SQL_MERGED Sql "sql.merged" "rows went from the stage to the table";
    SQL_COMMIT_BEFORE Sql "sql.commit.before" "the transaction is to be committed";
    SQL_COMMIT_AFTER Sql "sql.commit.after" "the commit has returned, and is not reported to the engine";
    SQL_STATE_BEFORE SqlHeld "sql.state.before" "rows are in the transaction, and their STATE is not";
    SQL_STATE_AFTER SqlHeld "sql.state.after" "rows and their STATE are in the transaction, which is not committed";
}
