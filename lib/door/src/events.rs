//! The stream of events: cut into records, each judged by its own labels.

use serde_json::Value;

use crate::answers::Viewer;

/// No record of the daemon is longer; more without an end is not a stream of records.
const LONGEST: usize = 1 << 20;
/// Begins a record in `json-seq`.
const SEPARATOR: u8 = 0x1e;

/// Cuts a stream into records. All of Docker's forms end one with a line feed.
#[derive(Debug, Default)]
pub struct Records(Vec<u8>);

impl Records {
    /// Takes bytes and gives the records that are whole now; `None` when the stream is
    /// none of records.
    pub fn take(&mut self, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.0.extend_from_slice(bytes);
        let mut whole = Vec::new();
        let mut start = 0;
        while let Some(end) = self.0[start..].iter().position(|byte| *byte == b'\n') {
            whole.push(self.0[start..=start + end].to_vec());
            start += end + 1;
        }
        self.0.drain(..start);
        (self.0.len() <= LONGEST).then_some(whole)
    }
}

/// Whether this person may see a record.
pub fn shows(record: &[u8], viewer: &Viewer) -> bool {
    let json = record.strip_prefix(&[SEPARATOR]).unwrap_or(record);
    let Ok(event) = serde_json::from_slice::<Value>(json) else { return false };
    let attribute = |key: &str| event["Actor"]["Attributes"][key].as_str();
    match event["Type"].as_str() {
        // A container's labels are among the attributes of its events.
        Some("container") => {
            let id = event["Actor"]["ID"].as_str().unwrap_or_default();
            viewer.sees_container(id, &attribute).unwrap_or_default()
        }
        // Images are shared.
        Some("image") => true,
        // These carry no labels, but name the container that joins or mounts.
        Some("network" | "volume") => attribute("container").is_some_and(|id| viewer.knows(id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_wherever_the_bytes_are() {
        let stream = b"{\"a\":1}\n\x1e{\"b\":2}\n{\"c\"";
        for size in 1..stream.len() {
            let mut records = Records::default();
            let found: Vec<Vec<u8>> =
                stream.chunks(size).flat_map(|part| records.take(part).unwrap()).collect();
            assert_eq!(found, [&b"{\"a\":1}\n"[..], b"\x1e{\"b\":2}\n"]);
        }
        assert!(Records::default().take(&vec![b'x'; LONGEST + 1]).is_none());
    }
}
