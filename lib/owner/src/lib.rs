//! Whose a container is: the one rule, for the Docker door and for the index that
//! `owner-sync` writes. Here lives nothing else.
//!
//! Six clues in order: the label `ds01.user`, the earlier system's `aime.mlc.USER`, the folder
//! of a dev container, the name's suffix, the folder of a compose project, the directories
//! mounted. The first two the door sets or refuses; what else may tell is believed only as far
//! as the files on the host agree, since a name and a label cost nothing (pitfall 5).
//!
//! Files are looked at, on servers that may not answer: whoever serves others asks this on a
//! thread of its own.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ds01_door::{Owner, owner_of};
use ds01_names::Owner as Named;
use ds01_people::{Account, Accounts};

const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
/// Below are the system's own accounts, which own no container.
const FIRST_PERSON: u32 = 1000;

/// What a container shows of itself.
pub struct Clues<'a> {
    /// The value of a label.
    pub label: &'a dyn Fn(&str) -> Option<&'a str>,
    /// With or without Docker's leading slash.
    pub name: &'a str,
    /// Paths of the host that are mounted into it, as Docker has them.
    pub binds: &'a [String],
}

impl std::fmt::Debug for Clues<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clues").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The owner and what told it.
pub fn find(clues: &Clues, accounts: &dyn Accounts) -> Option<(String, &'static str)> {
    let label = clues.label;
    let mounted = mounted(clues.binds, accounts);
    // Whoever mounts nothing of anybody else's.
    let agree = |user: &str| mounted.iter().all(|(_, owner)| owner == user);
    let folder = |folder: &str| {
        let is_mounted =
            |(source, _): &&(String, String)| Path::new(folder).starts_with(source.as_str());
        mounted.iter().find(is_mounted)?;
        directory_owner(folder, accounts).filter(|user| agree(user))
    };
    if let Owner::User(user) = owner_of(label, folder) {
        let by = ["ds01.user", "aime.mlc.USER"]
            .into_iter()
            .find(|key| label(key).is_some_and(|value| !value.is_empty()))
            .unwrap_or("devcontainer.local_folder");
        return Some((user, by));
    }
    let by_name = suffix(clues.name, accounts).filter(|user| agree(user));
    by_name
        .map(|user| (user, "name"))
        .or_else(|| {
            Some((folder(label(WORKING_DIR).filter(|value| !value.is_empty())?)?, "compose"))
        })
        .or_else(|| {
            let (_, first) = mounted.first()?;
            agree(first).then(|| (first.clone(), "mount"))
        })
}

/// The directories of people that it mounts, and whose they are.
fn mounted(binds: &[String], accounts: &dyn Accounts) -> Vec<(String, String)> {
    let owned = |source: &String| Some((source.clone(), directory_owner(source, accounts)?));
    binds.iter().filter_map(owned).collect()
}

/// Whose directory it is; nobody's where a link on the way leads somewhere else.
fn directory_owner(path: &str, accounts: &dyn Accounts) -> Option<String> {
    let real = std::fs::canonicalize(path).ok().filter(|real| real == Path::new(path))?;
    let metadata = std::fs::symlink_metadata(real).ok().filter(std::fs::Metadata::is_dir)?;
    person(accounts.by_uid(metadata.uid()))
}

fn suffix(name: &str, accounts: &dyn Accounts) -> Option<String> {
    match ds01_names::container::parse(name)?.1 {
        Named::Name(name) => person(accounts.by_name(&name)),
        Named::Uid(uid) => person(accounts.by_uid(uid)),
        // A name that is a number, or the uid of one whose name does not fit there.
        Named::Number(number) => person(accounts.by_name(&number))
            .or_else(|| person(accounts.by_uid(number.parse().ok()?))),
    }
}

fn person<E>(found: Result<Option<Account>, E>) -> Option<String> {
    found.ok()?.filter(|account| account.uid >= FIRST_PERSON).map(|account| account.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ds01_fault::Fault;
    use ds01_people::SystemGroup;
    use std::os::unix::fs::{chown, symlink};

    struct Two;
    impl Accounts for Two {
        fn by_uid(&self, uid: u32) -> Result<Option<Account>, Fault> {
            let name = match uid {
                71_001 => "alice",
                71_002 => "bob",
                _ => return Ok(None),
            };
            Ok(Some(Account { name: name.into(), uid, gid: uid, home: "/".into() }))
        }
        fn by_name(&self, name: &str) -> Result<Option<Account>, Fault> {
            self.by_uid(if name == "alice" { 71_001 } else { 71_002 })
                .map(|found| found.filter(|account| account.name == name))
        }
        fn groups(&self, _: &Account) -> Result<Vec<SystemGroup>, Fault> {
            Ok(Vec::new())
        }
    }

    fn told(name: &str, labels: &[(&str, &str)], binds: &[&str]) -> Option<(String, &'static str)> {
        let binds: Vec<String> = binds.iter().map(|&path| path.to_owned()).collect();
        let label = |key: &str| labels.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
        find(&Clues { label: &label, name, binds: &binds }, &Two)
    }

    #[test]
    fn each_clue_is_believed_in_its_order_and_none_can_be_forged() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (alice, bob, link) = (path("alice"), path("bob"), path("link"));
        for (home, uid) in [(&alice, 71_001), (&bob, 71_002)] {
            std::fs::create_dir(home).unwrap();
            if chown(home, Some(uid), None).is_err() {
                return; // Only root can make directories of two people.
            }
        }
        symlink(&alice, &link).unwrap();
        let (alice, bob) = (alice.as_str(), bob.as_str());
        let is = |user: &str, by| Some((user.to_owned(), by));
        const FOLDER: &str = "devcontainer.local_folder";

        assert_eq!(
            told("/x._.bob", &[("ds01.user", "alice"), ("aime.mlc.USER", "bob")], &[]),
            is("alice", "ds01.user")
        );
        assert_eq!(
            told("/x._.alice", &[("aime.mlc.USER", "bob")], &[]),
            is("bob", "aime.mlc.USER")
        );
        assert_eq!(told("/x", &[(FOLDER, alice)], &[alice]), is("alice", FOLDER));
        assert_eq!(told("/x._.alice", &[], &["/etc"]), is("alice", "name"));
        assert_eq!(told("/x._.71001", &[], &[]), is("alice", "name"));
        assert_eq!(told("/x", &[(WORKING_DIR, bob)], &[bob]), is("bob", "compose"));
        assert_eq!(told("/x", &[], &[bob]), is("bob", "mount"));

        // The label names the victim's home, and nothing or somebody else's is mounted.
        assert_eq!(told("/x", &[(FOLDER, alice)], &[]), None);
        assert_eq!(told("/x", &[(FOLDER, alice)], &[bob]), is("bob", "mount"));
        assert_eq!(told("/x", &[(FOLDER, alice)], &[alice, bob]), None);
        assert_eq!(told("/x", &[(WORKING_DIR, alice)], &[]), None);
        assert_eq!(told("/x._.alice", &[], &[bob]), is("bob", "mount"));
        assert_eq!(told("/x", &[(FOLDER, &link)], &[&link]), None);
        assert_eq!(told("/x._.nobody", &[], &["/no/such"]), None);
    }
}
