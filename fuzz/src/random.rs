//! Random changes to an input.

/// A small generator (splitmix64): inputs need variety, not secrecy.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`; 0 when that is empty.
    pub fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// One of `pool` with one to eight changes.
    pub fn change(&mut self, pool: &[Vec<u8>], words: &[String]) -> Vec<u8> {
        let mut input = pool.get(self.below(pool.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(20)).min(input.len());
            match self.below(8) {
                0 => {
                    let byte = (self.next() & 0xff) as u8;
                    input.insert(at, byte);
                }
                1 => {
                    input.drain(at..end);
                }
                2 if at < input.len() => input[at] ^= 1 << self.below(8),
                // Bytes that mean something to the readers.
                3 => {
                    let marks = b" \t\n\r:-,.[]{}&*#'\"%<>|!0123456789\0";
                    let mark = marks[self.below(marks.len())];
                    input.insert(at, mark);
                }
                4 => {
                    let part = input[at..end].to_vec();
                    for _ in 0..=self.below(30) {
                        input.splice(at..at, part.iter().copied());
                    }
                }
                // A line moved elsewhere.
                5 => {
                    let lines: Vec<_> = input.split_inclusive(|b| *b == b'\n').collect();
                    let line = lines.get(self.below(lines.len())).map(|line| line.to_vec());
                    input.splice(at..at, line.unwrap_or_default());
                }
                6 => {
                    let other = pool.get(self.below(pool.len())).map_or(&[][..], Vec::as_slice);
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(80)).min(other.len());
                    input.splice(at..at, other[from..to].iter().copied());
                }
                _ => {
                    if let Some(word) = words.get(self.below(words.len())) {
                        input.splice(at..at, word.bytes());
                    }
                }
            }
        }
        input
    }
}
