//! The progress of a FULL_TABLE sync in STATE, and how the next run resumes from it.
//!
//! # Why a resumed run misses no row
//!
//! A table is read in ranges of pages. A range that was read to its end is marked with the oldest transaction that was
//! still open in the snapshot it was read in: call it x. A later run, in a snapshot of its own, reads the ranges
//! without a mark as a whole, and in a marked range the rows whose `xmin`, the transaction that wrote this version of
//! the row, is not before x. Take any version of a row that the later snapshot sees. If it stands in a range without a
//! mark, it is read. If its `xmin` is not before x, it is read. Else it was written by a transaction that had ended
//! before the marking snapshot, and no transaction had replaced or deleted it then, for the later snapshot sees it
//! still; a version never moves within a file; so the range held it when it was read, and it was sent.
//!
//! What that needs is checked:
//!
//! - *The same history of transactions*: server, timeline and database are those of the mark, and the position in the
//!   log is not before it, so that a replica that lags behind or a restored copy is not mistaken for the same database.
//! - *The same file*: `VACUUM FULL`, `CLUSTER`, `TRUNCATE` and rewriting `ALTER TABLE`s give a table a new file, and its
//!   marks are void. The table is locked against them (ACCESS SHARE) before its file is looked at.
//! - *Transaction numbers that compare*: `age(xmin) <= age(x)` compares the 32 bits of a row's `xmin` as PostgreSQL does,
//!   right for all that lies less than 2^31 transactions back; marks older than that are void. A frozen row keeps the
//!   `xmin` that it was written with (since 9.4); where it is so old that its number has come around, it may be read
//!   once more, never less.
//! - *The same question*: columns, conditions and forms of values are those of the mark.
//!
//! What cannot be: a row that was sent and then deleted before the later run is not taken back.

use serde::{Deserialize, Serialize};

/// The name in the stream's state.
pub(super) const NAME: &str = "full_table";

/// The last page number there is (`MaxBlockNumber`) and one more: the end of a range that is open.
pub(super) const OPEN: u32 = u32::MAX;

/// Transaction numbers compare within half of their circle; this leaves room for those of the run itself.
const COMPARABLE: u64 = (1 << 31) - (1 << 26);

/// How far a FULL_TABLE sync has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Whose transactions the marks speak of.
    pub(super) history: String,
    /// A digest of what is asked of each row.
    pub(super) query: String,
    /// The position in the server's log after the last snapshot.
    pub(super) lsn: u64,
    /// The version that the records carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<i64>,
    /// What was read of each table with a file.
    pub(super) parts: Vec<Part>,
}

/// What was read of one table with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) table: u32,
    pub(super) file: u32,
    /// In order, without overlap.
    pub(super) marks: Vec<Mark>,
}

/// A range of pages that was read, and the oldest transaction then open: written as `[from, to, xmin]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, u64)", into = "(u32, u32, u64)")]
pub(super) struct Mark {
    pub(super) pages: Pages,
    pub(super) xmin: u64,
}

/// Pages from `from` up to, not with, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pages {
    pub(super) from: u32,
    pub(super) to: u32,
}

impl From<(u32, u32, u64)> for Mark {
    fn from((from, to, xmin): (u32, u32, u64)) -> Self {
        let pages = Pages { from, to };
        Self { pages, xmin }
    }
}

impl From<Mark> for (u32, u32, u64) {
    fn from(mark: Mark) -> Self {
        (mark.pages.from, mark.pages.to, mark.xmin)
    }
}

/// What is to be read: pages, and if `since` is there only the rows written since that transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) pages: Pages,
    pub(super) since: Option<u64>,
}

impl Progress {
    /// Whether something was read already, which a run that resumes does not read again.
    pub(super) fn is_begun(&self) -> bool {
        self.parts.iter().any(|part| !part.marks.is_empty())
    }

    /// Drops what cannot be relied on: marks of other files, and marks too old for transactions to compare with, when
    /// the next transaction is `next`.
    pub(super) fn check(&mut self, files: &[(u32, u32)], next: u64) {
        self.parts.retain(|part| files.contains(&(part.table, part.file)));
        for part in &mut self.parts {
            part.marks
                .retain(|mark| mark.xmin <= next && next - mark.xmin < COMPARABLE);
        }
    }

    /// The ranges of a table's pages that are left to read, each of at most `size` pages, in their order.
    pub(super) fn tasks(&self, table: u32, pages: u32, size: u32) -> Vec<Task> {
        let marks = self
            .parts
            .iter()
            .find(|part| part.table == table)
            .map_or(&[][..], |part| &part.marks);
        let mut tasks = Vec::new();
        let mut at = 0;
        for mark in marks {
            split(at, mark.pages.from, mark.pages.from, size, None, &mut tasks);
            let Pages { from, to } = mark.pages;
            split(from, to, pages, size, Some(mark.xmin), &mut tasks);
            at = to;
        }
        split(at, OPEN, pages, size, None, &mut tasks);
        tasks
    }

    /// Notes that these pages were read in a snapshot whose oldest open transaction was `xmin`.
    pub(super) fn mark(&mut self, table: u32, file: u32, pages: Pages, xmin: u64) {
        let at = self.parts.iter().position(|part| part.table == table);
        let at = at.unwrap_or_else(|| {
            self.parts.push(Part {
                table,
                file,
                marks: Vec::new(),
            });
            self.parts.len() - 1
        });
        let part = &mut self.parts[at];
        part.file = file;
        let old = std::mem::take(&mut part.marks);
        for mark in old {
            for (from, to) in [
                (mark.pages.from, mark.pages.to.min(pages.from)),
                (mark.pages.from.max(pages.to), mark.pages.to),
            ] {
                if from < to {
                    part.marks.push(Mark::from((from, to, mark.xmin)));
                }
            }
        }
        part.marks.push(Mark { pages, xmin });
        part.marks.sort_by_key(|mark| mark.pages.from);
        part.marks.dedup_by(|next, last| {
            let joined = last.pages.to == next.pages.from && last.xmin == next.xmin;
            if joined {
                last.pages.to = next.pages.to;
            }
            joined
        });
    }
}

/// Cuts `from..to` into pieces; pages from `pages` on hold nothing or little, and stay in the last piece.
fn split(from: u32, to: u32, pages: u32, size: u32, since: Option<u64>, tasks: &mut Vec<Task>) {
    let mut at = from;
    while at < to {
        let next = at.saturating_add(size);
        let end = if next >= pages.min(to) { to } else { next };
        let pages = Pages { from: at, to: end };
        tasks.push(Task { pages, since });
        at = end;
    }
}

/// A digest of a text (FNV-1a, 64 bits), the same in every run and build.
pub(super) fn digest(text: &str) -> String {
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{digest:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(from: u32, to: u32) -> Pages {
        Pages { from, to }
    }

    fn tasks(progress: &Progress, count: u32) -> Vec<(u32, u32, Option<u64>)> {
        let tasks = progress.tasks(7, count, 10).into_iter();
        tasks
            .map(|task| (task.pages.from, task.pages.to, task.since))
            .collect()
    }

    #[test]
    fn a_new_table_is_cut_into_ranges_the_last_of_them_open() {
        let progress = Progress::default();
        assert_eq!(tasks(&progress, 0), [(0, OPEN, None)]);
        assert_eq!(tasks(&progress, 10), [(0, OPEN, None)]);
        assert_eq!(
            tasks(&progress, 25),
            [(0, 10, None), (10, 20, None), (20, OPEN, None)]
        );
    }

    #[test]
    fn marked_ranges_are_read_for_what_is_new() {
        let mut progress = Progress::default();
        progress.mark(7, 1, pages(0, 10), 100);
        progress.mark(7, 1, pages(10, 20), 100);
        assert_eq!(progress.parts[0].marks, [Mark::from((0, 20, 100))]);
        progress.mark(7, 1, pages(30, OPEN), 100);
        assert_eq!(
            tasks(&progress, 45),
            [
                (0, 10, Some(100)),
                (10, 20, Some(100)),
                (20, 30, None),
                (30, 40, Some(100)),
                (40, OPEN, Some(100)),
            ]
        );
        // A second run was interrupted, too.
        progress.mark(7, 1, pages(0, 10), 120);
        progress.mark(7, 1, pages(20, 30), 120);
        assert_eq!(
            progress.parts[0].marks,
            [
                Mark::from((0, 10, 120)),
                Mark::from((10, 20, 100)),
                Mark::from((20, 30, 120)),
                Mark::from((30, OPEN, 100)),
            ]
        );
    }

    #[test]
    fn a_table_that_shrank_or_grew_is_read_to_its_open_end() {
        let mut progress = Progress::default();
        progress.mark(7, 1, pages(0, 40), 100);
        assert_eq!(tasks(&progress, 5), [(0, 40, Some(100)), (40, OPEN, None)]);
        progress.mark(7, 1, pages(40, OPEN), 100);
        assert_eq!(tasks(&progress, 15), [(0, 10, Some(100)), (10, OPEN, Some(100))]);
    }

    #[test]
    fn marks_of_another_file_or_of_long_ago_are_void() {
        let mut progress = Progress::default();
        for table in [7, 8, 9] {
            progress.mark(table, 1, pages(0, 10), 100);
        }
        progress.mark(7, 1, pages(10, 20), 100 + (1 << 30));
        progress.check(&[(7, 1), (8, 2)], 100 + (1 << 31));
        assert_eq!(progress.parts.len(), 1);
        assert_eq!(progress.parts[0].marks, [Mark::from((10, 20, 100 + (1 << 30)))]);
        progress.check(&[(7, 1)], 50);
        assert!(progress.parts[0].marks.is_empty());
    }

    #[test]
    fn it_is_short_in_the_state() {
        let mut progress = Progress {
            history: "7/1/5".into(),
            query: digest("select"),
            lsn: 12,
            version: None,
            parts: Vec::new(),
        };
        progress.mark(7, 1, pages(0, 10), 100);
        let text = serde_json::to_string(&progress).expect("JSON");
        assert_eq!(
            text,
            r#"{"history":"7/1/5","query":"bd76100bd58c9c0d","lsn":12,"parts":[{"table":7,"file":1,"marks":[[0,10,100]]}]}"#
        );
        assert_eq!(serde_json::from_str::<Progress>(&text).expect("reads"), progress);
    }
}
