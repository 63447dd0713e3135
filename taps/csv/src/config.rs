//! The settings: those of `MeltanoLabs` tap-csv under their names, and what that tap lacks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads CSV files: plain, gzip or zstd.
///
/// The settings and streams are those of `MeltanoLabs` tap-csv. By default every column is a nullable string and an
/// empty cell is the empty string, as there. What differs: the header of each file says which column a cell belongs to,
/// whatever the order of the columns; a duplicate name in a header and a row with too few or too many cells are errors,
/// unless `duplicate_headers` and `ragged` say otherwise; blank lines are skipped; a byte order mark is not part of the
/// first name; a quote that is never closed is an error; line ends inside quotes are kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Config {
    /// The files, one entry for each stream.
    #[serde(default)]
    pub files: Option<Vec<FileConfig>>,
    /// Path of a JSON file with an array of entries as in `files`; it is used instead of `files`.
    #[serde(default)]
    pub csv_files_definition: Option<String>,
    /// Adds the columns `_sdc_source_file` (the path), `_sdc_source_file_mtime` (when the file was last modified,
    /// UTC, in microseconds) and `_sdc_source_lineno` (the number of the row in its file, from 1).
    #[serde(default)]
    pub add_metadata_columns: bool,
    /// Decides from a sample of rows which columns are integers, numbers, booleans, dates (`2024-02-29`) or date-times
    /// (`2024-02-29T12:30:00Z`; a space may stand for the T, and the zone may be missing). Digits stay exactly as they
    /// are written; what is not a JSON number (`007`, `+1`, `.5`) is text. In such columns an empty cell is null.
    #[serde(default)]
    pub infer_types: bool,
    /// How many rows of each file the sample of `infer_types` takes; 0 takes all rows of all files.
    #[serde(default = "infer_rows")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub infer_rows: u64,
    /// What to do with a cell that does not have its column's type.
    #[serde(default)]
    pub on_type_mismatch: OnTypeMismatch,
    /// Reads only files that are new or were modified since the last run (`INCREMENTAL`). The state keeps, as a
    /// partition for each file, the modification time it had when it was last read to its end; a file with any other
    /// time is read again as a whole. Adds the column `_sdc_source_file_mtime`, which is the replication key. When off,
    /// all files are read in each run (`FULL_TABLE`). The replication method in the catalog takes precedence.
    #[serde(default)]
    pub incremental: bool,
    /// The longest row, in bytes of UTF-8 text. A quote that is never closed makes the rest of the file one row, so
    /// this also limits the memory that a damaged file takes.
    #[serde(default = "max_row_bytes")]
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub max_row_bytes: usize,
}

fn infer_rows() -> u64 {
    1000
}

fn max_row_bytes() -> usize {
    64 << 20
}

/// One stream and its files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct FileConfig {
    /// The name of the stream.
    pub entity: String,
    /// A file; or a folder, whose `*.csv`, `*.csv.gz` and `*.csv.zst` are read at any depth; or a pattern such as
    /// `data/orders-*.csv`, `data/**/*.tsv` or `data/{eu,us}/*.csv`. Files are read in the order of their paths. Links
    /// are followed. Pipes and devices are refused: a file is read once for its columns and once for its rows.
    pub path: String,
    /// The key properties; may be empty.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The encoding, by the name that Python or the web gives it (`utf-8`, `utf-16`, `latin-1`, `cp1252`, `shift_jis`,
    /// `cp850`). Default `utf-8`. A byte order mark for UTF-8, UTF-16 or UTF-32 takes precedence over this.
    #[serde(default)]
    pub encoding: Option<String>,
    /// The ASCII character between cells. Default `,`.
    #[serde(default)]
    pub delimiter: Option<String>,
    /// Whether two quotes inside a quoted cell mean one. Default true.
    #[serde(default)]
    pub doublequote: Option<bool>,
    /// The ASCII character that escapes the one after it. Default none.
    #[serde(default)]
    pub escapechar: Option<String>,
    /// The ASCII character around cells that hold delimiters or line ends; the empty text means none. Default `"`.
    #[serde(default)]
    pub quotechar: Option<String>,
    /// Whether spaces after a delimiter are skipped. Default false.
    #[serde(default)]
    pub skipinitialspace: Option<bool>,
    /// Whether text between a closing quote and the next delimiter is an error. Default false.
    #[serde(default)]
    pub strict: Option<bool>,
    /// How the files are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// Lines to skip before the header, or before the first row when there is none.
    #[serde(default)]
    pub skip_rows: u64,
    /// Whether each file starts with a header. Default true.
    #[serde(default = "yes")]
    pub has_header: bool,
    /// The names of the columns, instead of those in the header, or when there is none (then the default is
    /// `column_1`, `column_2` and so on).
    #[serde(default)]
    pub header: Option<Vec<String>>,
    /// What to do when a header has a name twice.
    #[serde(default)]
    pub duplicate_headers: DuplicateHeaders,
    /// What to do with a row that has fewer or more cells than the header.
    #[serde(default)]
    pub ragged: Ragged,
    /// Cells with one of these texts are null. To make empty cells null, name the empty text. A text with the escape
    /// character, such as `\N` in exports of `MySQL`, means cells that are written so, without quotes.
    #[serde(default)]
    pub null_values: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What to do with a cell that does not have its column's type.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnTypeMismatch {
    /// End with an error that names file, line and column.
    #[default]
    Error,
    /// The column becomes text from here on: a changed SCHEMA is sent, and later cells follow as strings.
    Text,
}

/// How files are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// By the name's end: `.gz` is gzip, `.zst` is zstd, all else is plain. A file that is not what its name says is
    /// refused.
    #[default]
    Auto,
    /// Not compressed.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// What to do when a header has a name twice.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateHeaders {
    /// End with an error that names file and column.
    #[default]
    Error,
    /// The second `name` becomes `name_2`, the third `name_3`.
    Suffix,
}

/// What to do with a row that has fewer or more cells than the header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Ragged {
    /// End with an error that names file and line.
    #[default]
    Error,
    /// Missing cells are null; surplus cells are an error.
    Pad,
    /// Missing cells are null; surplus cells are dropped.
    Truncate,
    /// Missing cells are null; surplus cells go into the column `_sdc_extra`, an array of strings.
    Extra,
}
