//! Rows that are added to a file: what a kill leaves, and what the journal says of it.

use super::*;

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
