//! Where ds01 stands: its paths, its clock, and who is calling. Every tool gets one
//! [`Site`], and nothing else reads these from the environment.

mod files;
mod who;

use std::path::{Path, PathBuf};

use ds01_units::Stamp;

pub use files::replace;
pub use who::{CALLER_GID, CALLER_MAY_BE_ADMIN, CALLER_UID, Caller};

/// The installation a tool works on.
#[derive(Clone, Debug)]
pub struct Site {
    root: PathBuf,
    now: Option<Stamp>,
    caller: Caller,
}

impl Site {
    /// From the environment: `DS01_ROOT` prefixes every path of ds01's own, so tests and a
    /// try-out need no root-owned ones; there, and only there, `DS01_NOW` sets the clock.
    pub fn from_env() -> Self {
        let root = std::env::var_os("DS01_ROOT").filter(|root| !root.is_empty());
        let now = root
            .as_ref()
            .and_then(|_| std::env::var("DS01_NOW").ok())
            .and_then(|text| text.parse().ok());
        Self {
            root: root.map_or_else(|| "/".into(), PathBuf::from),
            now,
            caller: Caller::of_process(),
        }
    }

    /// A site under `root`, with the system's clock and the process's own identity.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), now: None, caller: Caller::of_process() }
    }

    /// The same site at a set moment.
    #[must_use]
    pub fn at_time(mut self, now: Stamp) -> Self {
        self.now = Some(now);
        self
    }

    /// The same site for another caller: the door sets who asked.
    #[must_use]
    pub fn for_caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    pub fn now(&self) -> Stamp {
        self.now.unwrap_or_else(Stamp::now)
    }
    pub fn caller(&self) -> Caller {
        self.caller
    }
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Whether the paths are the machine's own rather than a try-out's.
    pub fn is_real(&self) -> bool {
        self.root == Path::new("/")
    }

    /// `/etc/ds01`: what admins write.
    pub fn etc(&self) -> PathBuf {
        self.root.join("etc/ds01")
    }
    /// `/var/lib/ds01`: what must survive a reboot.
    pub fn state(&self) -> PathBuf {
        self.root.join("var/lib/ds01")
    }
    /// `/run/ds01`: views, sockets and locks; may be deleted at any time.
    pub fn run(&self) -> PathBuf {
        self.root.join("run/ds01")
    }
    /// `/var/log/ds01`: what happened.
    pub fn log(&self) -> PathBuf {
        self.root.join("var/log/ds01")
    }
    /// `/etc/systemd/system`: unit files for the next boot.
    pub fn units(&self) -> PathBuf {
        self.root.join("etc/systemd/system")
    }

    /// The limits file; the earlier system's place is read while the new one does not exist.
    pub fn config(&self) -> PathBuf {
        let own = self.etc().join("resource-limits.yaml");
        let earlier = self.root.join("opt/ds01-infra/config/resource-limits.yaml");
        if !own.exists() && earlier.exists() { earlier } else { own }
    }
    /// Whether the limits are kept from whoever asks; the Docker door tells them their own.
    pub fn config_is_closed(&self) -> bool {
        std::fs::File::open(self.config())
            .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
    pub fn events(&self) -> PathBuf {
        self.log().join("events.jsonl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_lies_under_the_root() {
        let site = Site::at("/try");
        for path in [site.etc(), site.state(), site.run(), site.log(), site.units(), site.config()]
        {
            assert!(path.starts_with("/try"), "{}", path.display());
        }
    }

    #[test]
    fn the_earlier_config_is_read_until_the_new_one_exists() {
        let root = tempfile::tempdir().unwrap();
        let site = Site::at(root.path());
        let earlier = root.path().join("opt/ds01-infra/config/resource-limits.yaml");
        std::fs::create_dir_all(earlier.parent().unwrap()).unwrap();
        std::fs::write(&earlier, "").unwrap();
        assert_eq!(site.config(), earlier);
        std::fs::create_dir_all(site.etc()).unwrap();
        std::fs::write(site.etc().join("resource-limits.yaml"), "").unwrap();
        assert_eq!(site.config(), site.etc().join("resource-limits.yaml"));
    }
}
