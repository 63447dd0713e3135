//! What debug builds add: the armed point, and what it does.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use super::Point;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Kill,
    Error,
    Hang,
}

struct Armed {
    point: String,
    how: How,
    pass: u64,
    passed: AtomicU64,
}

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    ARMED
        .get_or_init(|| {
            let text = std::env::var("MELISMA_FAULT")
                .ok()
                .filter(|text| !text.is_empty())?;
            Some(parse(&text).expect("MELISMA_FAULT: expected POINT:KIND[:PASS]"))
        })
        .as_ref()
}

fn parse(text: &str) -> Option<Armed> {
    let mut parts = text.split(':');
    let point = parts
        .next()
        .filter(|name| super::ALL.iter().any(|point| point.name == *name))?;
    let how = match parts.next()? {
        "kill" => How::Kill,
        "error" => How::Error,
        "hang" => How::Hang,
        _ => return None,
    };
    Some(Armed {
        point: point.to_owned(),
        how,
        pass: parts.next().map_or(Some(1), |pass| pass.parse().ok())?,
        passed: AtomicU64::new(0),
    })
}

/// Whether the point strikes now: it is armed, and this is the pass that was asked for.
fn arrives(point: &Point) -> Option<&'static Armed> {
    armed().filter(|armed| {
        armed.point == point.name && armed.passed.fetch_add(1, Ordering::Relaxed) + 1 == armed.pass
    })
}

/// Comes to a point.
///
/// # Errors
/// One was asked for.
pub fn pass(point: &Point) -> io::Result<()> {
    arrives(point).map_or(Ok(()), |armed| strike(point, armed))
}

/// Comes to a point; writes half of the bytes, and no whole line, if it strikes now.
///
/// # Errors
/// One was asked for, or the half cannot be written.
pub fn half(point: &Point, bytes: &[u8], writer: &mut impl Write) -> io::Result<()> {
    let Some(armed) = arrives(point) else {
        return Ok(());
    };
    let half = &bytes[..bytes.len() / 2];
    writer.write_all(half.strip_suffix(b"\n").unwrap_or(half))?;
    strike(point, armed)
}

/// Does what was asked for at the point.
///
/// # Panics
/// The mark cannot be written: nothing would tell that the point struck.
fn strike(point: &Point, armed: &Armed) -> io::Result<()> {
    if let Some(path) = std::env::var_os("MELISMA_FAULT_MARK") {
        let line = format!("{} {:?} {}\n", point.name, armed.how, getpid().as_raw_nonzero());
        let mark = OpenOptions::new().create(true).append(true).open(path);
        let marked = mark.and_then(|mut mark| mark.write_all(line.as_bytes()));
        marked.expect("the mark can be written");
    }
    match armed.how {
        How::Error => {
            return Err(io::Error::other(format!(
                "a fault was asked for at {}",
                point.name
            )));
        }
        How::Kill => {
            let _ = kill_process(getpid(), Signal::KILL);
        }
        How::Hang => {}
    }
    loop {
        std::thread::park();
    }
}

/// Notes how many units are in flight, where a process that is killed leaves it behind.
///
/// # Panics
/// The file can not be opened.
pub fn gauge(units: usize) {
    static GAUGE: OnceLock<Option<File>> = OnceLock::new();
    let gauge = GAUGE.get_or_init(|| {
        let path = std::env::var_os("MELISMA_FAULT_GAUGE")?;
        let options = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        Some(options.expect("the gauge can be opened"))
    });
    if let Some(gauge) = gauge {
        let _ = gauge.write_all_at(&(units as u64).to_le_bytes(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_armed_is_a_point_a_kind_and_a_pass() {
        let armed = parse("sink.commit.before:kill:3").unwrap();
        assert_eq!(
            (armed.point.as_str(), armed.how, armed.pass),
            ("sink.commit.before", How::Kill, 3)
        );
        assert_eq!(parse("run.end:hang").unwrap().pass, 1);
        for wrong in [
            "",
            "sink.commit.before",
            "nowhere:kill",
            "run.end:explode",
            "run.end:kill:x",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
