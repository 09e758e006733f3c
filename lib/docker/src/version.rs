//! Which engine answers, and which version of the API is spoken with it.

use std::path::Path;

use ds01_fault::Fault;
use serde::Deserialize;

use crate::fault::garbled;

/// The newest API this client was written for. Newer engines speak it as long as they can;
/// what is read here has not changed since 1.40, which brought device requests.
const NEWEST: Api = Api { major: 1, minor: 47 };

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Api {
    major: u16,
    minor: u16,
}

impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Api {
    fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    /// A version that this client knows, so that whoever speaks it speaks no older one.
    pub fn known(text: &str) -> Option<Self> {
        Self::read(text).filter(|api| *api <= NEWEST)
    }
}

/// An engine, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Such as `20.10.24`.
    pub version: String,
    newest: Api,
    oldest: Api,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    #[serde(default)]
    version: String,
    api_version: String,
    #[serde(default, rename = "MinAPIVersion")]
    oldest: String,
}

impl Engine {
    pub(crate) fn read(described: &Described, socket: &Path) -> Result<Self, Fault> {
        let newest = Api::read(&described.api_version).ok_or_else(|| {
            garbled(socket, &format!("`{}` is no version of its API", described.api_version))
        })?;
        let oldest = Api::read(&described.oldest).unwrap_or(newest);
        Ok(Self { version: described.version.clone(), newest, oldest })
    }

    /// The version that requests name: the newest that both know. An engine that no longer
    /// knows ours is asked in its oldest.
    pub(crate) fn spoken(&self) -> Api {
        self.newest.min(NEWEST).max(self.oldest)
    }

    /// Whether the engine's API is at least this: `(1, 44)`.
    pub fn has_api(&self, major: u16, minor: u16) -> bool {
        self.newest >= Api { major, minor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(newest: &str, oldest: &str) -> Engine {
        let described =
            Described { version: "x".into(), api_version: newest.into(), oldest: oldest.into() };
        Engine::read(&described, Path::new("/s")).unwrap()
    }

    #[test]
    fn the_newest_version_that_both_know_is_spoken() {
        assert_eq!(engine("1.41", "1.12").spoken().to_string(), "1.41");
        assert_eq!(engine("1.52", "1.44").spoken(), NEWEST);
        assert_eq!(engine("1.90", "1.80").spoken().to_string(), "1.80");
        assert_eq!(engine("1.9", "").spoken().to_string(), "1.9");
    }

    #[test]
    fn versions_are_numbers_and_not_texts() {
        assert!(engine("1.100", "1.24").has_api(1, 44));
        assert!(!engine("1.9", "1.9").has_api(1, 44));
    }
}
