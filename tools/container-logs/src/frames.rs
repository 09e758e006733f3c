//! The lines in what the daemon sends: frames of two streams, or one raw stream from a
//! container with a terminal.

use std::io::{Error, ErrorKind, Read};

/// A frame is a line or a part of one; the daemon cuts at 16 KiB.
const LONGEST_FRAME: usize = 16 << 20;
/// Without an end after this much, a line is given in pieces.
const LONGEST_LINE: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub stream: &'static str,
    pub text: String,
}

/// Lines, as they come.
pub struct Lines<R> {
    input: R,
    raw: bool,
    ended: bool,
    /// What has come of the next line, of both streams.
    out: Vec<u8>,
    err: Vec<u8>,
}

impl<R: Read> Lines<R> {
    pub fn of(input: R, raw: bool) -> Self {
        Self { input, raw, ended: false, out: Vec::new(), err: Vec::new() }
    }

    /// The next line, waiting for it; none at the end.
    pub fn next(&mut self) -> Result<Option<Line>, Error> {
        loop {
            if let Some(line) = self.whole() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(self.rest());
            }
            self.ended = !if self.raw { self.read_raw()? } else { self.read_frame()? };
        }
    }

    fn whole(&mut self) -> Option<Line> {
        for (stream, bytes) in [("stdout", &mut self.out), ("stderr", &mut self.err)] {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                return Some(Line { stream, text: text(&line[..end]) });
            }
            if bytes.len() > LONGEST_LINE {
                return Some(Line { stream, text: text(&std::mem::take(bytes)) });
            }
        }
        None
    }

    /// A last line without an end.
    fn rest(&mut self) -> Option<Line> {
        for (stream, bytes) in [("stdout", &mut self.out), ("stderr", &mut self.err)] {
            if !bytes.is_empty() {
                return Some(Line { stream, text: text(&std::mem::take(bytes)) });
            }
        }
        None
    }

    fn read_raw(&mut self) -> Result<bool, Error> {
        let mut chunk = [0; 16 << 10];
        let count = self.input.read(&mut chunk)?;
        self.out.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    /// A head of eight bytes, the stream first and the length last.
    fn read_frame(&mut self) -> Result<bool, Error> {
        let mut head = [0; 8];
        let count = self.input.read(&mut head[..1])?;
        if count == 0 {
            return Ok(false);
        }
        self.input.read_exact(&mut head[1..])?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if head[0] > 2 || length > LONGEST_FRAME {
            return Err(Error::new(ErrorKind::InvalidData, "a piece of the log has no such form"));
        }
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes)?;
        if head[0] == 2 {
            self.err.extend(bytes)
        } else {
            self.out.extend(bytes)
        };
        Ok(true)
    }
}

/// Without the carriage return that a terminal puts before the end.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let mut bytes = vec![stream, 0, 0, 0];
        bytes.extend((text.len() as u32).to_be_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    fn read(bytes: &[u8], raw: bool) -> Result<Vec<(&'static str, String)>, Error> {
        let mut lines = Lines::of(bytes, raw);
        let mut all = Vec::new();
        while let Some(line) = lines.next()? {
            all.push((line.stream, line.text));
        }
        Ok(all)
    }

    #[test]
    fn a_line_may_come_in_pieces_and_the_last_without_an_end() {
        let bytes = [frame(1, "a"), frame(2, "x\n"), frame(1, "b\n\nc")].concat();
        let seen = read(&bytes, false).unwrap();
        let expected = [("stderr", "x"), ("stdout", "ab"), ("stdout", ""), ("stdout", "c")];
        assert_eq!(seen, expected.map(|(stream, text)| (stream, text.to_owned())));
        let seen = read(b"a\r\n10%\r20%\r\nb", true).unwrap();
        assert_eq!(seen[1].1, "10%\r20%");
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_cut_or_foreign_stream_is_an_error() {
        let bytes = frame(1, "hello\n");
        for end in 1..bytes.len() {
            assert!(read(&bytes[..end], false).is_err(), "{end}");
        }
        assert!(read(b"HTTP/1.1 200 OK", false).is_err());
    }
}
