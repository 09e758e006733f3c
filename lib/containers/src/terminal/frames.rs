//! What comes of a command without a terminal: both of its outputs in frames.

use ds01_fault::Fault;

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Stdout,
    Stderr,
}

/// Takes what comes out.
pub type Put<'a> = &'a mut dyn FnMut(To, &[u8]) -> Result<(), Fault>;

const HEAD: usize = 8;

/// A reader of frames, wherever they are cut.
#[derive(Debug, Default)]
pub struct Frames {
    head: Vec<u8>,
    left: usize,
    to: Option<To>,
}

impl Frames {
    pub fn take(&mut self, mut bytes: &[u8], put: Put<'_>) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if let Some(to) = self.to.filter(|_| self.left > 0) {
                let (now, rest) = bytes.split_at(self.left.min(bytes.len()));
                put(to, now)?;
                self.left -= now.len();
                bytes = rest;
                continue;
            }
            let (now, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(now);
            bytes = rest;
            if let [kind, _, _, _, a, b, c, d] = self.head[..] {
                self.to = Some(if kind == 2 { To::Stderr } else { To::Stdout });
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.head.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the stream is cut, each output gets its bytes in order.
        #[test]
        fn cuts_change_nothing(
            frames in proptest::collection::vec((1u8..3, proptest::collection::vec(any::<u8>(), 0..20)), 0..8),
            cut in 1usize..30
        ) {
            let (mut stream, mut wanted) = (Vec::new(), [Vec::new(), Vec::new()]);
            for (kind, bytes) in &frames {
                stream.extend_from_slice(&[*kind, 0, 0, 0]);
                stream.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
                stream.extend_from_slice(bytes);
                wanted[usize::from(*kind) - 1].extend_from_slice(bytes);
            }
            let mut have = [Vec::new(), Vec::new()];
            let mut reader = Frames::default();
            for part in stream.chunks(cut) {
                reader.take(part, &mut |to, bytes| {
                    have[if to == To::Stdout { 0 } else { 1 }].extend_from_slice(bytes);
                    Ok(())
                }).unwrap();
            }
            prop_assert_eq!(have, wanted);
        }
    }
}
