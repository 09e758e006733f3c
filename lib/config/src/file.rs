//! A file of the config as text, or why it is none. Every place that a message or a limit
//! points to is a [`Spot`] in one of them.

use std::fs::File as Handle;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Ten thousand people with an override each take two megabytes; what is larger is a wrong
/// file, and reading it would make every command wait.
pub(crate) const LARGEST: u64 = 8 << 20;

/// A file that belongs to the config.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub path: PathBuf,
    /// The name below the config directory, as sources show it.
    pub name: String,
    pub text: String,
}

/// A place in a file: lines and columns count from 1, columns in characters. Line 0 is the
/// file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub file: u32,
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

impl Spot {
    pub fn whole(file: u32) -> Self {
        Self { file, ..Self::default() }
    }
}

/// Why a file cannot be taken as text.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub spot: Spot,
    pub message: String,
    pub help: &'static str,
    /// As much of the text as can be quoted.
    pub text: String,
}

/// What a file is, when it is there.
pub(crate) enum Found {
    Nothing,
    Text(String),
    Unfit(Unfit),
}

/// Reads `path` whole; `file` is its number in the spots made here.
pub(crate) fn read(path: &Path, file: u32) -> Found {
    let unfit = |message: String, help| {
        Found::Unfit(Unfit { spot: Spot::whole(file), message, help, text: String::new() })
    };
    let mut bytes = Vec::new();
    let read = Handle::open(path).and_then(|handle| {
        let meta = handle.metadata()?;
        // A pipe or device could block or never end; only a regular file is a config.
        if !meta.is_file() {
            return Ok(Some(if meta.is_dir() { "a directory" } else { "not a regular file" }));
        }
        bytes.reserve(usize::try_from(meta.len().min(LARGEST)).unwrap_or(0) + 1);
        handle.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(None)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => return Found::Nothing,
        Err(error) => {
            let help = match error.kind() {
                ErrorKind::PermissionDenied => "let its readers read it, such as with chmod 644",
                _ => "",
            };
            return unfit(format!("cannot be read: {error}"), help);
        }
        Ok(Some(kind)) => return unfit(format!("is {kind}, no file"), "put a YAML file there"),
        Ok(None) => {}
    }
    if bytes.len() as u64 > LARGEST {
        return unfit(
            format!("is larger than {} MiB", LARGEST >> 20),
            "that is more than any lab's limits need: is it the right file?",
        );
    }
    as_text(bytes, file).map_or_else(Found::Unfit, Found::Text)
}

/// UTF-8 without control characters; a byte order mark at the start is left out.
pub(crate) fn as_text(bytes: Vec<u8>, file: u32) -> Result<String, Unfit> {
    let bad = |before: &[u8], message: String, help| {
        let text = String::from_utf8_lossy(before);
        let line = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let spot = Spot { file, line: narrow(line), column: narrow(column), length: 1 };
        Unfit { spot, message, help, text: text.into_owned() }
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(bad(
            b"",
            "the file is UTF-16".into(),
            "save it as UTF-8: iconv -f UTF-16 -t UTF-8",
        ));
    }
    if let Some(at) = bytes.iter().position(|byte| is_control(*byte)) {
        let name = match bytes[at] {
            0 => "a NUL byte".to_owned(),
            byte => format!("the control character 0x{byte:02x}"),
        };
        return Err(bad(&bytes[..at], format!("{name} in the text"), "remove it"));
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(text)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[at];
            Err(bad(
                &error.as_bytes()[..at],
                format!("the byte 0x{byte:02x} is not UTF-8"),
                "save the file as UTF-8",
            ))
        }
    }
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

/// Counts of lines and columns; a file is never so long that one does not fit.
pub(crate) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
