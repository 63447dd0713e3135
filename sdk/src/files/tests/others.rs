//! Files that others write, move, remove or link while a run has them, or after a kill.

use super::*;

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

/// A commit must not say that rows are where no reader finds them.
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
