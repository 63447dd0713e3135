//! Files that appear or are replaced: whole, with their commit.

use super::*;

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
