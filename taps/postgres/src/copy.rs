//! Parses the binary format of COPY (PostgreSQL manual, COPY, "Binary Format"): a header, tuples, a trailer. The text
//! format is lines.

use melisma_postgres::Server;
use melisma_postgres::Session;
use melisma_sdk::{Error, Result};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// The signature, flags, and the length of an extension.
const HEADER: usize = 19;

/// Runs `COPY (query) TO STDOUT` and hands each row to `row`. `doing` is for errors.
///
/// When `row` fails, the query is cancelled: the server would otherwise send the rest of the rows first.
pub(crate) fn copy(
    client: &mut Session,
    server: &Server,
    query: &str,
    doing: &str,
    mut row: impl FnMut(Tuple<'_>) -> Result<()>,
) -> Result<()> {
    measured_copy(client, server, query, doing, &tuple_length, |tuple, ()| {
        row(tuple)
    })
}

/// The same, where `measure` finds the end of a tuple from its bytes and the number of its values, and what it has seen on
/// the way. `None` until the tuple is complete.
pub(crate) fn measured_copy<T>(
    client: &mut Session,
    server: &Server,
    query: &str,
    doing: &str,
    measure: &impl Fn(&[u8], i16) -> Option<(usize, T)>,
    mut row: impl FnMut(Tuple<'_>, T) -> Result<()>,
) -> Result<()> {
    let mut tuples = Tuples::default();
    messages(client, server, query, doing, |data| {
        tuples.feed_measured(data, measure, &mut row)
    })?;
    tuples.finish()
}

/// The same with the messages as the server sends them, one a row.
pub(crate) fn messages(
    client: &mut Session,
    server: &Server,
    query: &str,
    doing: &str,
    message: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    copy_out(
        client,
        server,
        &format!("copy ({query}) to stdout (format binary)"),
        doing,
        message,
    )
}

/// Runs `COPY (query) TO STDOUT` in its text format, and hands each line to `line`, with its end.
pub(crate) fn lines(
    client: &mut Session,
    server: &Server,
    query: &str,
    doing: &str,
    mut line: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    // Servers send whole lines, so nothing is copied here as a rule.
    let mut partial: Vec<u8> = Vec::new();
    copy_out(
        client,
        server,
        &format!("copy ({query}) to stdout"),
        doing,
        |data| {
            if partial.is_empty() && memchr::memchr(b'\n', data) == Some(data.len() - 1) {
                return line(data);
            }
            for piece in data.split_inclusive(|&byte| byte == b'\n') {
                if !piece.ends_with(b"\n") {
                    partial.extend_from_slice(piece);
                } else if partial.is_empty() {
                    line(piece)?;
                } else {
                    partial.extend_from_slice(piece);
                    line(&std::mem::take(&mut partial))?;
                }
            }
            Ok(())
        },
    )?;
    if partial.is_empty() {
        Ok(())
    } else {
        Err(unexpected("the data ended within a line"))
    }
}

fn copy_out(
    client: &mut Session,
    server: &Server,
    statement: &str,
    doing: &str,
    mut message: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let running = client.running();
    let mut ours = false;
    let copied = client.copy_out(statement, doing, |data| {
        let taken = message(data);
        ours = taken.is_err();
        taken
    });
    if ours {
        server.cancel(&running);
    }
    copied
}

/// The values of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuple<'a> {
    rest: &'a [u8],
}

impl<'a> Tuple<'a> {
    /// The values, each with its length before it.
    #[inline]
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// The value at this place.
    #[inline]
    pub(crate) fn nth(mut self, place: usize) -> Option<&'a [u8]> {
        for _ in 0..place {
            self.next();
        }
        self.next()
    }

    /// The next value; `None` is null.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(value)
    }
}

/// Takes the stream apart into tuples, however it comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Tuples {
    begun: bool,
    ended: bool,
    /// What is not yet a whole tuple. Servers send whole rows, so nothing is copied here as a rule.
    partial: Vec<u8>,
}

impl Tuples {
    /// Hands every whole tuple to `row`.
    #[inline]
    pub(crate) fn feed(&mut self, data: &[u8], mut row: impl FnMut(Tuple<'_>) -> Result<()>) -> Result<()> {
        self.feed_measured(data, tuple_length, |tuple, ()| row(tuple))
    }

    /// The same with a [`measured_copy`]'s `measure`.
    #[inline]
    fn feed_measured<T>(
        &mut self,
        data: &[u8],
        measure: impl Fn(&[u8], i16) -> Option<(usize, T)>,
        mut row: impl FnMut(Tuple<'_>, T) -> Result<()>,
    ) -> Result<()> {
        if !self.partial.is_empty() {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(data);
            return self.take(&joined, &measure, &mut row);
        }
        self.take(data, &measure, &mut row)
    }

    fn take<T>(
        &mut self,
        mut data: &[u8],
        measure: &impl Fn(&[u8], i16) -> Option<(usize, T)>,
        row: &mut impl FnMut(Tuple<'_>, T) -> Result<()>,
    ) -> Result<()> {
        if self.ended && !data.is_empty() {
            return Err(unexpected("data after its end mark"));
        }
        if !self.begun {
            let Some(rest) = header(data)? else {
                self.partial = data.to_vec();
                return Ok(());
            };
            self.begun = true;
            data = rest;
        }
        while let Some((count, rest)) = data.split_first_chunk() {
            let count = i16::from_be_bytes(*count);
            if count < 0 {
                self.ended = true;
                return if rest.is_empty() {
                    Ok(())
                } else {
                    Err(unexpected("data after its end mark"))
                };
            }
            let Some((length, seen)) = measure(rest, count) else {
                break;
            };
            let (tuple, after) = rest.split_at(length);
            row(Tuple { rest: tuple }, seen)?;
            data = after;
        }
        self.partial.extend_from_slice(data);
        Ok(())
    }

    /// An error when the end of the stream was not the end that the server writes.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.ended {
            Ok(())
        } else {
            Err(unexpected("the data ended before its end mark"))
        }
    }
}

/// What follows the header; `None` while it is not all there.
fn header(data: &[u8]) -> Result<Option<&[u8]>> {
    let known = data.len().min(SIGNATURE.len());
    if data[..known] != SIGNATURE[..known] {
        return Err(unexpected("no signature"));
    }
    let Some((header, rest)) = data.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let extension = u32::from_be_bytes([header[15], header[16], header[17], header[18]]);
    // The upper half of the flags is for what a reader must know.
    if header[11] != 0 || header[12] != 0 {
        return Err(unexpected("unknown flags"));
    }
    Ok(rest.get(extension as usize..))
}

/// The bytes of a tuple with this number of values; `None` until it is complete.
#[inline]
fn tuple_length(data: &[u8], count: i16) -> Option<(usize, ())> {
    let mut at = 0;
    for _ in 0..count {
        let length = i32::from_be_bytes(*data.get(at..)?.first_chunk()?);
        at += 4 + usize::try_from(length).unwrap_or(0);
    }
    (at <= data.len()).then_some((at, ()))
}

#[cold]
fn unexpected(what: &str) -> Error {
    Error::bug(format!("expected rows in PostgreSQL's COPY format, found {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(rows: &[&[Option<&str>]]) -> Vec<u8> {
        let mut data = SIGNATURE.to_vec();
        data.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 2, 9, 9]);
        for row in rows {
            data.extend_from_slice(&(i16::try_from(row.len()).expect("few")).to_be_bytes());
            for value in *row {
                data.extend_from_slice(
                    &value
                        .map_or(-1, |value| i32::try_from(value.len()).expect("short"))
                        .to_be_bytes(),
                );
                data.extend_from_slice(value.unwrap_or_default().as_bytes());
            }
        }
        data.extend_from_slice(&(-1_i16).to_be_bytes());
        data
    }

    fn read(data: &[u8], piece: usize) -> Vec<Vec<Option<Vec<u8>>>> {
        let mut tuples = Tuples::default();
        let mut rows = Vec::new();
        for piece in data.chunks(piece) {
            let row = |mut tuple: Tuple<'_>| {
                rows.push((0..2).map(|_| tuple.next().map(<[u8]>::to_vec)).collect());
                Ok(())
            };
            tuples.feed(piece, row).expect("tuples");
        }
        tuples.finish().expect("ended");
        rows
    }

    #[test]
    fn tuples_whatever_the_pieces() {
        let data = stream(&[&[Some("abc"), None], &[Some(""), Some("x")]]);
        let expected = vec![
            vec![Some(b"abc".to_vec()), None],
            vec![Some(Vec::new()), Some(b"x".to_vec())],
        ];
        for piece in 1..=data.len() {
            assert_eq!(read(&data, piece), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_copy_or_has_no_end_is_refused() {
        let ignore = |_: Tuple<'_>| Ok(());
        assert!(Tuples::default().feed(b"PGCOPX", ignore).is_err());
        let data = stream(&[&[Some("abc"), None]]);
        let mut tuples = Tuples::default();
        tuples.feed(&data[..data.len() - 2], ignore).expect("so far");
        assert!(tuples.finish().is_err());
        for pieces in [vec![&*data, b"more"], vec![&*[&*data, b"more"].concat()]] {
            let mut tuples = Tuples::default();
            let fed: Result<Vec<()>> = pieces
                .into_iter()
                .map(|piece| tuples.feed(piece, ignore))
                .collect();
            assert!(fed.is_err(), "nothing follows the end mark");
        }
    }
}
