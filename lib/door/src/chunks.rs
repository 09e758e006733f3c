//! The chunked transfer coding, read a piece at a time.

/// Where in the coding a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        digits: u8,
        size: u64,
    },
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    DataLine,
    /// Bytes of the trailer line so far.
    Trailer(u16),
    TrailerEnd(u16),
    Done,
}

/// A reader of one chunked body.
#[derive(Clone, Copy, Debug)]
pub struct Chunks(State);

/// No trailer line is longer; what it says is dropped.
const LONGEST_TRAILER: u16 = 4096;

impl Default for Chunks {
    fn default() -> Self {
        Self(State::Size { digits: 0, size: 0 })
    }
}

impl Chunks {
    pub fn is_done(&self) -> bool {
        self.0 == State::Done
    }

    /// Reads on, hands the payload to `data`, and gives how many bytes belong to the body.
    /// Extensions and bare line feeds are refused: readers disagree about them.
    pub fn read(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<usize, &'static str> {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            self.0 = match self.0 {
                State::Done => break,
                State::Data(left) => {
                    let part = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    data(&bytes[at..at + part]);
                    at += part;
                    let left = left - part as u64;
                    self.0 = if left == 0 { State::DataEnd } else { State::Data(left) };
                    continue;
                }
                State::Size { digits, size } => match char::from(byte).to_digit(16) {
                    Some(digit) if digits < 15 => {
                        State::Size { digits: digits + 1, size: size * 16 + u64::from(digit) }
                    }
                    None if byte == b'\r' && digits > 0 => State::SizeEnd(size),
                    _ => return Err("a chunk without a plain size"),
                },
                State::SizeEnd(size) => {
                    expect(byte, b'\n')?;
                    if size == 0 { State::Trailer(0) } else { State::Data(size) }
                }
                State::DataEnd => {
                    expect(byte, b'\r')?;
                    State::DataLine
                }
                State::DataLine => {
                    expect(byte, b'\n')?;
                    State::Size { digits: 0, size: 0 }
                }
                State::Trailer(length) => match byte {
                    b'\r' => State::TrailerEnd(length),
                    b'\n' => return Err("a trailer line without a carriage return"),
                    _ if length >= LONGEST_TRAILER => return Err("a trailer without an end"),
                    _ => State::Trailer(length + 1),
                },
                State::TrailerEnd(length) => {
                    expect(byte, b'\n')?;
                    if length == 0 { State::Done } else { State::Trailer(0) }
                }
            };
            at += 1;
        }
        Ok(at)
    }
}

fn expect(byte: u8, wanted: u8) -> Result<(), &'static str> {
    if byte == wanted { Ok(()) } else { Err("a chunk does not end where its size says") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), &'static str> {
        let mut chunks = Chunks::default();
        let (mut out, mut taken) = (Vec::new(), 0);
        for part in bytes.chunks(step) {
            let used = chunks.read(part, |data| out.extend_from_slice(data))?;
            taken += used;
            if used < part.len() {
                break;
            }
        }
        Ok((out, taken, chunks.is_done()))
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        let body = b"3\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET /";
        for step in 1..body.len() {
            let (out, taken, done) = read(body, step).unwrap();
            assert_eq!(
                (out.as_slice(), taken, done),
                (&b"abc0123456789"[..], body.len() - 5, true)
            );
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        for bad in [
            "3;x=y\r\nabc\r\n",
            "3\nabc\n",
            "+3\r\nabc",
            "\r\n",
            "3 \r\nabc",
            "3\r\nabcd\r\n",
            "ffffffffffffffff\r\n",
            "0\r\nX: y\n\n",
        ] {
            assert!(read(bad.as_bytes(), 100).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), step in 1..9usize) {
            let _ = read(&bytes, step);
        }
    }
}
