//! The person inside a container: a name for their uid and groups, a home, a prompt. What is
//! written goes into this one container between its creation and its start; no image is
//! changed or committed (pitfall 33), and no program of the image is run for it, so it needs
//! no capability and works in every image.

mod accounts;
mod archive;

use ds01_docker::Docker;
use ds01_fault::Fault;
use ds01_people::Person;
use ds01_units::Stamp;

use accounts::{group, passwd};
use archive::{Entry, Kind, read_file, write};

/// Sourced by every interactive shell.
const SHELL: &str = include_str!("inside/shell.sh");
const SHELL_AT: &str = "/etc/ds01/shell.sh";
const SOURCED: &str = "\n[ ! -r /etc/ds01/shell.sh ] || . /etc/ds01/shell.sh\n";
const BASHRC: &str = "# For interactive shells; yours to change.\n\
                      [ ! -r /etc/ds01/shell.sh ] || . /etc/ds01/shell.sh\n";
const PROFILE: &str = "# For login shells; yours to change.\n\
                       [ -z \"$BASH_VERSION\" ] || [ ! -r ~/.bashrc ] || . ~/.bashrc\n";
/// `GroupAdd` with these is refused: they are groups of the host's own power.
const HOST_GROUPS: &[&str] = &["docker", "root", "disk", "shadow", "sudo", "adm", "kmem"];

/// Who lives in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Their groups with a name, their own first.
    pub groups: Vec<(u32, String)>,
    /// Whether `sudo` makes them root without a question.
    pub sudo: bool,
}

impl Resident {
    pub fn of(person: &Person, sudo: bool) -> Self {
        let account = &person.account;
        let fits = |name: &str| !name.is_empty() && !name.contains([':', ',', '\n']);
        let mut groups: Vec<(u32, String)> = Vec::new();
        for one in &person.groups {
            let Some(name) = one.name.as_ref().filter(|name| fits(name)) else { continue };
            if !groups.iter().any(|(gid, have)| *gid == one.gid || have == name) {
                groups.push((one.gid, name.clone()));
            }
        }
        // The account's own group has a name inside, even where the name service has none.
        let at = groups.iter().position(|(gid, _)| *gid == account.gid);
        let own = at.map(|at| groups.remove(at)).unwrap_or_else(|| {
            let taken = groups.iter().any(|(_, name)| *name == account.name);
            let name = if taken { format!("group-{}", account.gid) } else { account.name.clone() };
            (account.gid, name)
        });
        groups.insert(0, own);
        Self { name: account.name.clone(), uid: account.uid, gid: account.gid, groups, sudo }
    }

    /// One with a group of their own name and no other.
    pub fn plain(name: &str, uid: u32, gid: u32) -> Self {
        Self { name: name.into(), uid, gid, groups: vec![(gid, name.into())], sudo: false }
    }

    fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// By number, so that a name which is one (`212345`) is nobody else's uid.
    pub fn user(&self) -> String {
        format!("{}:{}", self.uid, self.gid)
    }

    pub fn home(&self) -> String {
        // A name is one part of a path, whatever a directory service calls people.
        match (self.is_root(), self.name.as_str()) {
            (true, _) => "/root".into(),
            (_, "." | "..") => format!("/home/{}", self.uid),
            (_, name) => format!("/home/{}", name.replace('/', "_")),
        }
    }

    /// Their further groups by name, as far as they are only about files.
    pub fn further(&self) -> Vec<&str> {
        let plain = |name: &str| {
            !name.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
                && !HOST_GROUPS.contains(&name)
        };
        let further = self.groups.iter().skip(1).map(|(_, name)| name.as_str());
        if self.is_root() { Vec::new() } else { further.filter(|name| plain(name)).collect() }
    }

    /// Also what an image sets otherwise, such as `HOME=/root`. `ENV` is what a shell without
    /// bash reads.
    pub fn env(&self) -> Vec<String> {
        vec![
            format!("HOME={}", self.home()),
            format!("USER={}", self.name),
            format!("LOGNAME={}", self.name),
            format!("ENV={SHELL_AT}"),
        ]
    }
}

/// What a container has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    passwd: Option<String>,
    group: Option<String>,
    bashrc: Option<String>,
    bash: bool,
    home_root: bool,
    own_bashrc: bool,
    own_profile: bool,
    sudoers: bool,
}

/// Whether somebody has moved in already.
pub fn is_furnished(docker: &Docker, id: &str) -> Result<bool, Fault> {
    docker.has_path(id, SHELL_AT)
}

/// Moves a person into a container that was created and does not run yet. Doing it again
/// changes nothing.
pub fn furnish(docker: &Docker, id: &str, who: &Resident, now: Stamp) -> Result<(), Fault> {
    let text = |path: &str| read_file(docker, id, path);
    let has = |path: &str| docker.has_path(id, path);
    let home = who.home();
    let found = Found {
        passwd: text("/etc/passwd")?,
        group: text("/etc/group")?,
        bashrc: text("/etc/bash.bashrc")?,
        bash: has("/bin/bash")? || has("/usr/bin/bash")?,
        home_root: has("/home")?,
        own_bashrc: has(&format!("{home}/.bashrc"))?,
        own_profile: has(&format!("{home}/.profile"))? || has(&format!("{home}/.bash_profile"))?,
        sudoers: who.sudo && has("/etc/sudoers.d")?,
    };
    docker.put_archive(id, "/", &write(&plan(&found, who), now)?)
}

/// What is to be written.
fn plan(found: &Found, who: &Resident) -> Vec<Entry> {
    let file = |path: &str, mode, text: String| Entry::file(path, mode, 0, 0, text);
    let mut entries = vec![
        Entry::directory("etc/ds01", 0o755, 0, 0),
        file("etc/ds01/shell.sh", 0o644, SHELL.to_owned()),
    ];
    // bash without a login reads it on Debian and what comes from it (pitfall 30).
    match &found.bashrc {
        Some(text) if text.contains(SHELL_AT) => {}
        Some(text) => entries.push(file("etc/bash.bashrc", 0o644, format!("{text}{SOURCED}"))),
        None if found.bash => {
            entries.push(file("etc/bash.bashrc", 0o644, SOURCED.trim_start().to_owned()));
        }
        None => {}
    }
    if who.is_root() {
        return entries;
    }
    let shell = if found.bash { "/bin/bash" } else { "/bin/sh" };
    let renamed = found.passwd.as_deref().unwrap_or("root:x:0:0:root:/root:/bin/sh\n");
    let groups = found.group.as_deref().unwrap_or("root:x:0:\n");
    // The group first: a user whose group has no name shows as a number.
    entries.push(file("etc/group", 0o644, group(groups, who)));
    entries.push(file("etc/passwd", 0o644, passwd(renamed, who, shell)));
    let home = who.home();
    let home = home.trim_start_matches('/');
    if !found.home_root {
        entries.push(Entry::directory("home", 0o755, 0, 0));
    }
    entries.push(Entry::directory(home, 0o755, who.uid, who.gid));
    let own = |name: &str, text: &str| {
        Entry::file(&format!("{home}/{name}"), 0o644, who.uid, who.gid, text.to_owned())
    };
    if !found.own_bashrc {
        entries.push(own(".bashrc", BASHRC));
    }
    if !found.own_profile {
        entries.push(own(".profile", PROFILE));
    }
    if found.sudoers {
        // By uid: a name may hold what sudo takes for a pattern.
        let rule = format!("#{} ALL=(ALL:ALL) NOPASSWD: ALL\n", who.uid);
        entries.push(file("etc/sudoers.d/ds01", 0o440, rule));
    }
    entries
}

impl Entry {
    fn file(path: &str, mode: u32, uid: u32, gid: u32, text: String) -> Self {
        Self { path: path.to_owned(), mode, uid, gid, kind: Kind::File(text) }
    }
    fn directory(path: &str, mode: u32, uid: u32, gid: u32) -> Self {
        Self { path: path.to_owned(), mode, uid, gid, kind: Kind::Directory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ds01_people::{Account, SystemGroup};

    fn person(name: &str, uid: u32, groups: &[(u32, Option<&str>)]) -> Person {
        Person {
            account: Account { name: name.into(), uid, gid: uid, home: "/home/x".into() },
            groups: groups
                .iter()
                .map(|(gid, name)| SystemGroup { gid: *gid, name: name.map(str::to_owned) })
                .collect(),
        }
    }

    fn paths(found: &Found, who: &Resident) -> Vec<String> {
        plan(found, who).into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn a_group_without_a_name_outside_has_one_inside() {
        let who = Resident::of(&person("h.baker@uni.lan", 1_722_830_512, &[]), false);
        assert_eq!(who.groups, [(1_722_830_512, "h.baker@uni.lan".into())]);
        let taken = person("a", 5, &[(5, None), (7, Some("a"))]);
        assert_eq!(Resident::of(&taken, false).groups, [(5, "group-5".into()), (7, "a".into())]);
    }

    #[test]
    fn further_groups_are_those_about_files() {
        let groups = [
            (1000, Some("alice")),
            (27, Some("sudo")),
            (999, Some("docker")),
            (5001, Some("domain users@uni.lan")),
            (5002, Some("2026")),
            (5003, None),
            (5004, Some("bad:name")),
        ];
        let who = Resident::of(&person("alice", 1000, &groups), false);
        assert_eq!(who.further(), ["domain users@uni.lan"]);
        assert_eq!(who.user(), "1000:1000");
    }

    #[test]
    fn no_file_of_the_image_or_a_mount_is_overwritten() {
        let alice = Resident::plain("alice", 1001, 1001);
        let mut found = Found { home_root: true, bash: true, ..Found::default() };
        let all = paths(&found, &alice);
        for path in ["home/alice", "home/alice/.bashrc", "home/alice/.profile", "etc/bash.bashrc"] {
            assert!(all.contains(&path.to_owned()), "{all:?}");
        }
        assert!(!all.contains(&"home".to_owned()));
        found.own_bashrc = true;
        found.own_profile = true;
        found.bashrc = Some(format!("PS1=x{SOURCED}"));
        let all = paths(&found, &alice);
        for path in ["home/alice/.bashrc", "home/alice/.profile", "etc/bash.bashrc"] {
            assert!(!all.contains(&path.to_owned()), "{all:?}");
        }
    }

    #[test]
    fn sudo_is_a_matter_of_the_policy_and_of_the_image() {
        let mut who = Resident::plain("alice", 1001, 1001);
        who.sudo = true;
        let found = Found { sudoers: true, ..Found::default() };
        let rule = plan(&found, &who).pop().unwrap();
        assert_eq!((rule.path.as_str(), rule.mode), ("etc/sudoers.d/ds01", 0o440));
        assert_eq!(rule.kind, Kind::File("#1001 ALL=(ALL:ALL) NOPASSWD: ALL\n".into()));
        assert!(!paths(&Found::default(), &who).contains(&"etc/sudoers.d/ds01".to_owned()));
    }

    #[test]
    fn pitfall_28_nothing_indexed_by_a_uid_is_written() {
        let who = Resident::plain("h.baker@uni.lan", 1_722_830_512, 1_722_830_512);
        let found = Found { bash: true, sudoers: true, ..Found::default() };
        assert!(paths(&found, &who).iter().all(|path| !path.contains("log")));
    }

    #[test]
    fn root_lives_in_every_container_already() {
        let root = Resident::plain("root", 0, 0);
        assert_eq!(paths(&Found::default(), &root), ["etc/ds01", "etc/ds01/shell.sh"]);
        assert_eq!((root.home().as_str(), root.user().as_str()), ("/root", "0:0"));
    }

    #[test]
    fn a_home_is_one_directory_below_home() {
        for (name, home) in
            [("..", "/home/5"), ("a/../b", "/home/a_.._b"), ("a@b.c", "/home/a@b.c")]
        {
            assert_eq!(Resident::plain(name, 5, 5).home(), home);
        }
    }
}
