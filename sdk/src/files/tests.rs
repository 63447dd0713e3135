//! What is on disk after each step, and after each way of being killed.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.txt",
    modes: &[WriteMode::Append, WriteMode::Replace, WriteMode::Parts],
    is_whole: Some(|line| line.ends_with(b"}")),
};

fn files(folder: &Path, mode: WriteMode) -> Files {
    let settings = FileConfig {
        destination_path: folder.to_owned(),
        write_mode: Some(mode),
        ..FileConfig::default()
    };
    Files::open(&settings, &StandardConfig::default(), &FORMAT).expect("the folder opens")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("a file")
}

#[test]
fn one_file_belongs_to_one_stream() {
    let folder = TempDir::new().expect("a folder");
    let settings = FileConfig {
        destination_path: folder.path().join("new/below"),
        file_naming_scheme: Some("{datestamp}/all.txt".into()),
        ..FileConfig::default()
    };
    let files = Files::open(&settings, &StandardConfig::default(), &FORMAT).expect("the folder is made");
    let path = files.path("a").expect("a path");
    assert!(path.parent().expect("a folder").is_dir());
    assert_eq!(files.path("a").expect("the same again"), path);
    let error = files.path("b").expect_err("taken").to_string();
    assert!(error.contains(r#""a" and "b""#), "{error}");
}

#[test]
fn appending_keeps_what_is_there() {
    let folder = TempDir::new().expect("a folder");
    for run in 0..3 {
        let mut writer = files(folder.path(), WriteMode::Append)
            .writer("a")
            .expect("a writer");
        writer.set_header(b"head\n".to_vec());
        writer.write(format!("{run}\n").as_bytes()).expect("written");
        writer.commit().expect("committed");
        assert_eq!(names(folder.path()), [".a.txt.melisma-journal", "a.txt"]);
        writer.finish().expect("finished");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
    assert_eq!(read(folder.path().join("a.txt")), "head\n0\n1\n2\n");
}

/// A run that committed two rows and was killed while it wrote more, cut at every byte of what it wrote.
#[test]
fn a_torn_tail_is_cut_to_the_committed_byte() {
    for cut in 8..=26 {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        killed(folder.path(), "{1}\n{2}\n", &["{three}\n{four}\n{fi"]);
        let file = fs::File::options().write(true).open(&path).expect("there");
        file.set_len(cut).expect("cut");
        drop(file);
        // Opening the folder is enough: the stream need not come again.
        drop(files(folder.path(), WriteMode::Parts));
        // No kill ends a write there: a program that adds lines may have.
        let kept = match cut {
            16 => "{1}\n{2}\n{three}\n",
            23 => "{1}\n{2}\n{three}\n{four}\n",
            _ => "{1}\n{2}\n",
        };
        assert_eq!(read(&path), kept, "cut at {cut}");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
}

/// Killed while a second commit was noted: it was not acknowledged, so the first one holds.
#[test]
fn a_torn_journal_says_what_it_said_before() {
    for cut in 0.. {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        killed(folder.path(), "{1}\n", &[]);
        let journal = folder.path().join(".a.txt.melisma-journal");
        let said = read(&journal);
        let second = said.find("committed 4").expect("noted") + cut;
        if said.len() <= second {
            break;
        }
        fs::write(&journal, &said[..second]).expect("written");
        drop(files(folder.path(), WriteMode::Append));
        assert_eq!(read(&path), "", "journal cut at {cut}: {said}");
    }
}

/// What a run that was killed leaves: rows that it had committed, and writes that it had not.
fn killed(folder: &Path, committed: &str, uncommitted: &[&str]) {
    let mut writer = files(folder, WriteMode::Append).writer("a").expect("a writer");
    writer.write(committed.as_bytes()).expect("written");
    writer.commit().expect("committed");
    for bytes in uncommitted {
        writer.write(bytes.as_bytes()).expect("written");
    }
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let file = fs::File::options().append(true).create(true).open(path);
    file.expect("opens").write_all(text.as_bytes()).expect("written");
}

/// The next run, with one row more.
fn next_run(folder: &Path) {
    let mut writer = files(folder, WriteMode::Append).writer("a").expect("a writer");
    writer.write(b"{next}\n").expect("written");
    writer.finish().expect("finished");
}

#[test]
fn what_others_add_after_a_kill_stays() {
    for writes in [&[][..], &["{2}\n"], &["{2}\n", "{3}\n"], &["{2}\n{half"]] {
        for added in ["{other}\n", "{other} without line end", &"{other}\n".repeat(2000)] {
            let folder = TempDir::new().expect("a folder");
            let path = folder.path().join("a.txt");
            killed(folder.path(), "{1}\n", writes);
            append(&path, added);
            next_run(folder.path());
            let text = read(&path);
            let torn = fs::read_to_string(folder.path().join("a.txt.torn")).unwrap_or_default();
            assert!(text.starts_with("{1}\n") && text.ends_with("{next}\n"), "{text}");
            assert!(format!("{text}{torn}").contains(added), "{writes:?}: {text}");
        }
    }
}

#[test]
fn a_file_that_took_the_place_of_the_killed_one_is_not_cut() {
    let others = "{new file of another program}\n{2}\n{3}\n";
    for moved in [true, false] {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        killed(folder.path(), "{1}\n", &["{2}\n{3"]);
        if moved {
            fs::rename(&path, folder.path().join("archived")).expect("moved");
        } else {
            // The new one may get the old one's inode.
            fs::remove_file(&path).expect("removed");
        }
        fs::write(&path, others).expect("written");
        next_run(folder.path());
        assert_eq!(read(&path), format!("{others}{{next}}\n"));
    }
}

#[test]
fn a_file_that_was_cut_or_written_anew_since_is_not_cut_again() {
    for text in ["", "{x}\n", "{other}\n{other}\n{other}\n"] {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        killed(folder.path(), "{1}\n{1}\n", &["{2}\n{3}\n"]);
        // As logrotate's copytruncate does it: the same inode.
        let file = fs::File::options()
            .write(true)
            .truncate(true)
            .open(&path)
            .expect("there");
        drop(file);
        append(&path, text);
        next_run(folder.path());
        assert_eq!(read(&path), format!("{text}{{next}}\n"));
    }
}

#[test]
fn others_may_add_lines_while_a_run_writes() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("a.txt");
    let mut writer = files(folder.path(), WriteMode::Append)
        .writer("a")
        .expect("a writer");
    for row in ["{1}\n", "{2}\n"] {
        writer.write(row.as_bytes()).expect("written");
        writer.commit().expect("committed");
        append(&path, "{somebody else, a rather long line}\n");
    }
    writer.write(b"{3}\n").expect("written");
    writer.commit().expect("committed");
    writer.write(b"{4, not committed}\n").expect("written");
    drop(writer);
    next_run(folder.path());
    let other = "{somebody else, a rather long line}\n";
    assert_eq!(
        read(&path),
        format!("{{1}}\n{other}{{2}}\n{other}{{3}}\n{{next}}\n")
    );
}

/// A commit must not say that rows are where nobody finds them.
#[test]
fn a_file_that_goes_away_while_a_run_writes_ends_the_run() {
    let ways: [fn(&Path); 4] = [
        |path| fs::remove_file(path).expect("removed"),
        |path| fs::rename(path, path.with_extension("old")).expect("moved"),
        |path| drop(fs::File::create(path).expect("cut")),
        |path| append(path, "half a line"),
    ];
    for (number, way) in ways.iter().enumerate() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        let mut writer = files(folder.path(), WriteMode::Append)
            .writer("a")
            .expect("a writer");
        writer.write(b"{1}\n").expect("written");
        writer.commit().expect("committed");
        way(&path);
        let result = writer.write(b"{2}\n").and_then(|()| writer.commit());
        let error = result.expect_err("changed");
        assert_eq!(error.kind(), melisma_engine::Kind::Retry, "{number}: {error}");
    }
}

/// One file under two names, in one folder or in two: the second run is refused, and what it wrote after a kill stays.
#[cfg(unix)]
#[test]
fn a_file_under_two_names_has_one_writer() {
    let links: [fn(&Path, &Path); 2] = [
        |file, link| std::os::unix::fs::symlink(file, link).expect("made"),
        |file, link| fs::hard_link(file, link).expect("made"),
    ];
    for link in links {
        let (one, two) = (
            TempDir::new().expect("a folder"),
            TempDir::new().expect("a folder"),
        );
        let path = one.path().join("a.txt");
        fs::write(&path, "").expect("written");
        link(&path, &two.path().join("a.txt"));
        let mut first = files(one.path(), WriteMode::Append)
            .writer("a")
            .expect("a writer");
        first.write(b"{A1}\n").expect("written");
        first.commit().expect("committed");
        first.write(b"{A2}\n").expect("written");
        let error = files(two.path(), WriteMode::Append)
            .writer("a")
            .expect_err("locked");
        assert_eq!(error.kind(), melisma_engine::Kind::Retry, "{error}");
        drop(first);
        next_run(two.path());
        next_run(one.path());
        let text = read(&path);
        assert!(
            text.starts_with("{A1}\n") && text.ends_with("{next}\n{next}\n"),
            "{text}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_neither_written_nor_replaced() {
    for mode in [WriteMode::Append, WriteMode::Replace] {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir(folder.path().join("a.txt")).expect("made");
        std::os::unix::fs::symlink("/dev/null", folder.path().join("b.txt")).expect("made");
        let socket = std::os::unix::net::UnixListener::bind(folder.path().join("c.txt"));
        let files = files(folder.path(), mode);
        for stream in ["a", "b", "c"] {
            let error = files.writer(stream).expect_err(stream);
            assert_eq!(error.kind(), melisma_engine::Kind::Config, "{error}");
        }
        drop(socket);
        assert_eq!(names(folder.path()), ["a.txt", "b.txt", "c.txt"]);
    }
}

/// In a folder where others write, a temporary name may be theirs.
#[cfg(unix)]
#[test]
fn temporary_names_that_lead_to_a_file_of_others_leave_it_alone() {
    let folder = TempDir::new().expect("a folder");
    let precious = folder.path().join("precious");
    fs::write(&precious, "theirs").expect("written");
    let path = folder.path().join("a.txt");
    let temporary = folder::partial_name(&path);

    std::os::unix::fs::symlink(&precious, &temporary).expect("made");
    assert!(Partial::create(&path).is_err());
    drop(files(folder.path(), WriteMode::Replace));
    assert_eq!(read(&precious), "theirs");
    fs::remove_file(&temporary).expect("removed");

    fs::hard_link(&precious, &temporary).expect("made");
    let mut partial = Partial::create(&path).expect("made");
    std::io::Write::write_all(&mut partial, b"ours").expect("written");
    partial.publish().expect("published");
    assert_eq!(
        (read(&precious).as_str(), read(&path).as_str()),
        ("theirs", "ours")
    );
}

#[test]
fn rows_that_have_no_room_come_back_from_the_disk() {
    let folder = TempDir::new().expect("a folder");
    let files = files(folder.path(), WriteMode::Parts);
    let mut scratch = files.scratch().expect("made");
    let mut other = files.scratch().expect("two targets in one folder");
    for round in 0..2 {
        let pieces: Vec<Piece> = (0..5_u8)
            .map(|byte| {
                let bytes = vec![byte; 100_000 * usize::from(byte)];
                scratch.add(|out| Ok(out.write_all(&bytes)?)).expect("written")
            })
            .collect();
        other.add(|out| Ok(out.write_all(b"x")?)).expect("written");
        for (piece, byte) in pieces.iter().zip(0..5_u8).rev() {
            let read = |from: &mut dyn std::io::Read| {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes)?;
                Ok(bytes)
            };
            let bytes = scratch.take(piece, read).expect("read");
            assert_eq!(bytes, vec![byte; 100_000 * usize::from(byte)], "round {round}");
        }
    }
    drop((scratch, other));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_torn_line_of_others_is_set_aside_and_a_whole_one_kept() {
    for (found, kept, torn) in [
        ("{1}\n{2}\n", "{1}\n{2}\n", None),
        ("{1}\n{2}", "{1}\n{2}\n", None),
        ("{1}\n{2", "{1}\n", Some("{2\n")),
        ("{", "", Some("{\n")),
        ("", "", None),
    ] {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.txt");
        fs::write(&path, found).expect("written");
        files(folder.path(), WriteMode::Append)
            .writer("a")
            .expect("a writer")
            .finish()
            .expect("finished");
        assert_eq!(read(&path), kept);
        let aside = fs::read_to_string(folder.path().join("a.txt.torn")).ok();
        assert_eq!(aside.as_deref(), torn);
    }
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("a.txt");
    fs::write(&path, format!("{{1}}\n{}", "x".repeat(200_000))).expect("written");
    files(folder.path(), WriteMode::Append)
        .writer("a")
        .expect("a writer")
        .finish()
        .expect("finished");
    assert_eq!(read(&path), "{1}\n");
}

#[test]
fn one_run_at_a_time_appends() {
    let folder = TempDir::new().expect("a folder");
    let first = files(folder.path(), WriteMode::Append);
    let mut writer = first.writer("a").expect("a writer");
    for _ in 0..2 {
        // It must neither cut nor write.
        let error = files(folder.path(), WriteMode::Append)
            .writer("a")
            .expect_err("locked");
        assert!(error.to_string().contains("another process"), "{error}");
        assert_eq!(error.kind(), melisma_engine::Kind::Retry);
        writer.write(b"{1}\n{half").expect("written");
    }
    assert_eq!(read(folder.path().join("a.txt")), "{1}\n{half{1}\n{half");
    writer.write(b"}\n").expect("written");
    writer.finish().expect("finished");
    drop(writer);
    next_run(folder.path());
    assert_eq!(
        read(folder.path().join("a.txt")),
        "{1}\n{half{1}\n{half}\n{next}\n"
    );
    assert_eq!(names(folder.path()), ["a.txt"]);
}

#[test]
fn replacing_shows_the_old_file_until_the_end() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("a.txt");
    fs::write(&path, "old\n").expect("written");
    let replace = || {
        let mut writer = files(folder.path(), WriteMode::Replace)
            .writer("a")
            .expect("a writer");
        writer.set_header(b"head\n".to_vec());
        writer
    };
    let mut writer = replace();
    writer.write(b"new\n").expect("written");
    writer.commit().expect("does nothing");
    assert_eq!(read(&path), "old\n");
    drop(writer);
    assert_eq!(names(folder.path()), ["a.txt"]);

    let mut writer = replace();
    writer.write(b"new\n").expect("written");
    writer.finish().expect("finished");
    assert_eq!(read(&path), "head\nnew\n");

    // No rows is what there is now.
    replace().finish().expect("finished");
    assert_eq!(read(&path), "head\n");
}

#[test]
fn parts_appear_whole_with_their_commit() {
    let folder = TempDir::new().expect("a folder");
    let files = files(folder.path(), WriteMode::Parts);
    let mut writer = files.writer("a").expect("a writer");
    writer.set_header(b"head\n".to_vec());
    writer.commit().expect("nothing to commit");
    for part in ["1\n", "2\n"] {
        writer.write(part.as_bytes()).expect("written");
        let hidden = names(folder.path())
            .iter()
            .filter(|name| name.starts_with('.'))
            .count();
        assert_eq!(hidden, 1);
        writer.commit().expect("committed");
    }
    writer.finish().expect("finished");
    let names = names(folder.path());
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names[0].starts_with("a-2") && names[0].ends_with("Z-000001.txt"),
        "{names:?}"
    );
    assert!(names[1].ends_with("Z-000002.txt"), "{names:?}");
    assert_eq!(read(folder.path().join(&names[0])), "head\n1\n");
    assert_eq!(read(folder.path().join(&names[1])), "head\n2\n");
}

#[test]
fn leftovers_are_removed_and_living_files_are_not() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join(".b-1.txt.melisma-partial"), "half").expect("written");
    fs::write(folder.path().join(".gone.txt.melisma-journal"), "committed 9\n").expect("written");
    fs::write(folder.path().join(".other"), "").expect("written");
    let mut living = Partial::create(&folder.path().join("a.txt")).expect("made");
    drop(files(folder.path(), WriteMode::Parts));
    assert_eq!(names(folder.path()), [".a.txt.melisma-partial", ".other"]);
    assert!(Partial::create(&folder.path().join("a.txt")).is_err());
    std::io::Write::write_all(&mut living, b"whole").expect("written");
    living.publish().expect("published");
    assert_eq!(read(folder.path().join("a.txt")), "whole");
}

#[test]
fn a_file_is_rewritten_at_once_and_written_on() {
    for mode in [WriteMode::Append, WriteMode::Replace] {
        let folder = TempDir::new().expect("a folder");
        let mut writer = files(folder.path(), mode).writer("a").expect("a writer");
        writer.set_header(b"a\n".to_vec());
        writer.write(b"1\n").expect("written");
        writer.commit().expect("committed");
        for _ in 0..2 {
            writer
                .rewrite(|read, write| {
                    let mut text = String::new();
                    read.read_to_string(&mut text)?;
                    Ok(write.write_all(text.replace('\n', ",\n").as_bytes())?)
                })
                .expect("rewritten");
        }
        writer.write(b"2,3,4\n").expect("written");
        writer.finish().expect("finished");
        assert_eq!(read(folder.path().join("a.txt")), "a,,\n1,,\n2,3,4\n");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
}

#[test]
fn load_method_overwrite_replaces() {
    let folder = TempDir::new().expect("a folder");
    let open = |write_mode| {
        let settings = FileConfig {
            destination_path: folder.path().to_owned(),
            write_mode,
            ..FileConfig::default()
        };
        let standard = StandardConfig {
            load_method: LoadMethod::Overwrite,
            ..StandardConfig::default()
        };
        Files::open(&settings, &standard, &FORMAT)
    };
    assert_eq!(open(None).expect("agrees").mode(), WriteMode::Replace);
    assert_eq!(
        open(Some(WriteMode::Replace)).expect("agrees").mode(),
        WriteMode::Replace
    );
    assert!(open(Some(WriteMode::Append)).is_err());
}

/// One run opens the temporary file, the other publishes it, the first one locks it: it must see that this is no
/// longer the temporary file, or it would cut what was published.
#[cfg(unix)]
#[test]
fn a_published_file_is_not_taken_for_a_temporary_one() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("a.txt");
    let partial = Partial::create(&path).expect("made");
    let temporary = folder::partial_name(&path);
    let opened = fs::File::open(&temporary).expect("there");
    assert!(folder::is_at(&opened, &temporary).expect("readable"));
    partial.publish().expect("published");
    assert!(
        !folder::is_at(&opened, &temporary).expect("readable"),
        "nothing is there"
    );
    let _next = Partial::create(&path).expect("made");
    assert!(
        !folder::is_at(&opened, &temporary).expect("readable"),
        "another file is there"
    );
}

/// Its way to the disk begins before the commit, which must not be seen.
#[test]
fn a_large_file_is_whole_after_its_commits() {
    let lines = "0123456789abcdef0123456789abcde\n".repeat(1 << 15);
    for mode in [WriteMode::Append, WriteMode::Replace, WriteMode::Parts] {
        let folder = TempDir::new().expect("a folder");
        let mut writer = files(folder.path(), mode).writer("a").expect("a writer");
        for _ in 0..2 {
            for _ in 0..20 {
                writer.write(lines.as_bytes()).expect("written");
            }
            writer.commit().expect("committed");
        }
        writer.finish().expect("finished");
        let written: String = names(folder.path())
            .iter()
            .map(|name| read(folder.path().join(name)))
            .collect();
        assert!(written == lines.repeat(40), "{mode:?}: {} bytes", written.len());
    }
}

/// The last commit of a run used to be made three times, each with two syncs.
#[test]
fn what_is_committed_is_not_committed_again() {
    let folder = TempDir::new().expect("a folder");
    let mut writer = files(folder.path(), WriteMode::Append)
        .writer("a")
        .expect("a writer");
    let journal = folder.path().join(".a.txt.melisma-journal");
    for _ in 0..2 {
        writer.write(b"one\n").expect("written");
        writer.commit().expect("committed");
        writer.commit().expect("committed");
    }
    let said = read(&journal);
    let commits: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("committed ")?.split(' ').next())
        .collect();
    assert_eq!(commits, ["0", "4", "8"], "{said}");
    writer.finish().expect("finished");
    assert!(!journal.exists());
}
