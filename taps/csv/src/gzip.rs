//! Decompresses gzip as gzip(1) and Python do: several members in a row, and zeros after the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Decompresses all members of a file.
pub(crate) struct Members<R> {
    /// `None` only while one member gives way to the next.
    member: Option<GzDecoder<R>>,
    ended: bool,
}

impl<R: BufRead> Members<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            member: Some(GzDecoder::new(input)),
            ended: false,
        }
    }

    /// Goes to the next member, if there is one behind the zeros that pad the last to a block of a tape or disk.
    fn next_member(&mut self, mut input: R) -> io::Result<()> {
        loop {
            let bytes = input.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            self.ended = bytes.is_empty();
            let all = zeros == bytes.len();
            input.consume(zeros);
            if self.ended || !all {
                self.member = Some(GzDecoder::new(input));
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !out.is_empty() {
            let Some(member) = &mut self.member else {
                return Err(io::Error::other("an earlier read failed"));
            };
            match member.read(out)? {
                0 => {
                    if let Some(member) = self.member.take() {
                        self.next_member(member.into_inner())?;
                    }
                }
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], buffer: usize) -> io::Result<String> {
        let mut text = String::new();
        let input = io::BufReader::with_capacity(buffer, bytes);
        Members::new(input).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_and_zeros_behind_them_are_read_and_nothing_else() {
        let two = [gzip(b"one,"), gzip(b"two")].concat();
        for buffer in [1, 7, 4096] {
            assert_eq!(read(&two, buffer).unwrap(), "one,two");
            let padded = [&two[..], &[0; 600]].concat();
            assert_eq!(read(&padded, buffer).unwrap(), "one,two");
            let between = [gzip(b"one,"), vec![0; 3], gzip(b"two")].concat();
            assert_eq!(read(&between, buffer).unwrap(), "one,two");
            assert!(read(&[&two[..], b"rubbish"].concat(), buffer).is_err());
            assert!(read(&two[..two.len() - 3], buffer).is_err());
            assert!(read(b"", buffer).is_err());
        }
    }
}
