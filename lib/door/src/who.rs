//! Who asks, and what the words of the policy allow them.

use serde::Serialize;

/// What a person is to the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything passes, still read, audited and labelled.
    Admin,
    /// A dashboard: reads all, writes nothing.
    Service,
    Ordinary,
    /// A uid without a name: it owns nothing.
    Nobody,
}

/// The person behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub uid: u32,
    pub gid: u32,
    /// The canonical name, as label `ds01.user` keeps it.
    pub user: String,
    pub role: Role,
}

/// What becomes of a field that the door does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFields {
    Deny,
    Strip,
    Pass,
}

/// What an ordinary user may do with a container that nobody owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unowned {
    Open,
    Visible,
    Admin,
}

/// A directory below which binds may come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Root {
    /// `{user}` and `{uid}` stand for the person's.
    pub path: String,
    pub read_only: bool,
}

/// The policy words of a person's group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub host_network: bool,
    pub host_ipc: bool,
    /// `seccomp=unconfined`, which debuggers and dev containers ask for.
    pub seccomp_unconfined: bool,
    pub bind_roots: Vec<Root>,
    pub capabilities: Vec<String>,
    /// Image name spaces beside the user's own, such as `lab/`.
    pub image_names: Vec<String>,
    /// Volume names that are each person's own behind the scenes.
    pub private_volumes: Vec<String>,
    pub unowned: Unowned,
    pub unknown_fields: UnknownFields,
}

/// Docker's own default set may be named too, and what debuggers need beside it.
const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_PTRACE",
];

impl Default for Words {
    fn default() -> Self {
        let root = |path: &str, read_only| Root { path: path.into(), read_only };
        Self {
            host_network: false,
            host_ipc: false,
            seccomp_unconfined: true,
            bind_roots: vec![
                root("/home/{user}", false),
                root("/scratch/{user}", false),
                root("/data", true),
                root("/run/user/{uid}", false),
            ],
            capabilities: CAPABILITIES.iter().map(|&cap| cap.to_owned()).collect(),
            image_names: Vec::new(),
            private_volumes: vec!["vscode".into()],
            unowned: Unowned::Visible,
            unknown_fields: UnknownFields::Deny,
        }
    }
}
