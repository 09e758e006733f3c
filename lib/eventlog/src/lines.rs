//! Lines of a file that anybody may have torn, filled with garbage or never ended.

use std::io::{ErrorKind, Read};

/// Ours have at most 4096 bytes, the earlier system's were about as long; whatever is longer
/// than this is no record and is not kept in memory.
pub(crate) const LONGEST_READ: usize = 1 << 16;
const CHUNK: usize = 1 << 18;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Whole(&'a [u8]),
    /// More than [`LONGEST_READ`] bytes.
    TooLong,
}

/// Splits what `input` gives into lines. A last one without an end is kept until
/// [`Lines::rest`] asks for it, since a writer may be in the middle of it.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes up to the next end of line belong to a line that was too long.
    skipping: bool,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input, buffer: vec![0; CHUNK], start: 0, end: 0, skipping: false }
    }

    /// The next whole line, or `None` when there is no further one now.
    pub fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        let mut searched = self.start;
        let found = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[searched..self.end]) {
                let line = self.start..searched + at;
                self.start = line.end + 1;
                if std::mem::take(&mut self.skipping) || line.len() > LONGEST_READ {
                    return Ok(Some(Line::TooLong));
                }
                break line;
            }
            if self.skipping || self.end - self.start > LONGEST_READ {
                (self.skipping, self.start, self.end) = (true, 0, 0);
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            searched = self.end;
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(None),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        Ok(Some(Line::Whole(&self.buffer[found])))
    }

    /// What stands behind the last end of line; it will not come again.
    pub fn rest(&mut self) -> Option<Line<'_>> {
        let rest = self.start..self.end;
        (self.start, self.end) = (0, 0);
        if std::mem::take(&mut self.skipping) {
            return Some(Line::TooLong);
        }
        (!rest.is_empty()).then(|| Line::Whole(&self.buffer[rest]))
    }

    pub fn input(&mut self) -> &mut R {
        &mut self.input
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives its bytes in pieces, as a pipe does.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn split(bytes: &[u8], piece: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(Pieces(bytes, piece));
        let owned = |line: Line<'_>| match line {
            Line::Whole(bytes) => Some(bytes.to_vec()),
            Line::TooLong => None,
        };
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(owned(line));
        }
        all.extend(lines.rest().map(owned));
        all
    }

    #[test]
    fn a_line_too_long_is_one_line_and_the_next_is_whole() {
        for size in [LONGEST_READ + 1, 3 * CHUNK, CHUNK, CHUNK - 1] {
            let bytes = [vec![b'x'; size], b"\nnext\n".to_vec()].concat();
            assert_eq!(split(&bytes, 70_000), [None, Some(b"next".to_vec())], "{size}");
            assert_eq!(split(&bytes[..size], 70_000), [None], "{size}");
        }
        let longest = vec![b'x'; LONGEST_READ];
        assert_eq!(split(&longest, 1000), [Some(longest.clone())]);
    }

    proptest! {
        #[test]
        fn lines_are_what_splitting_the_whole_gives(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            piece in 1..50usize,
        ) {
            let mut expected: Vec<_> =
                bytes.split(|b| *b == b'\n').map(|line| Some(line.to_vec())).collect();
            if expected.last().is_some_and(|last| last.as_ref().is_some_and(Vec::is_empty)) {
                expected.pop();
            }
            prop_assert_eq!(split(&bytes, piece), expected);
        }
    }
}
