//! The rules with made-up accounts, and the machine's own name service with the accounts
//! that every system has.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use ds01_fault::{Code, Fault};
use ds01_people::{Account, Accounts, Nss, Person, SystemGroup, find, of_uid};

/// A directory that finds people by several spellings, as LDAP does.
struct Directory {
    /// Spelling, account.
    names: Vec<(&'static str, Account)>,
    answers: bool,
}

fn account(name: &str, uid: u32) -> Account {
    Account { name: name.into(), uid, gid: uid, home: format!("/home/{name}").into() }
}

fn directory() -> Directory {
    let baker = account("h.baker@hertie-school.lan", 1_234_501);
    Directory {
        names: vec![
            ("h.baker@hertie-school.lan", baker.clone()),
            ("h.baker", baker.clone()),
            ("H.Baker", Account { name: "H.Baker".into(), ..baker }),
            ("212345", account("212345", 5000)),
            ("alice", account("alice", 212_345)),
            ("root", account("root", 0)),
            ("toor", account("toor", 0)),
        ],
        answers: true,
    }
}

impl Accounts for Directory {
    fn by_uid(&self, uid: u32) -> Result<Option<Account>, Fault> {
        self.ask()?;
        Ok(self.names.iter().map(|(_, found)| found).find(|found| found.uid == uid).cloned())
    }
    fn by_name(&self, name: &str) -> Result<Option<Account>, Fault> {
        self.ask()?;
        Ok(self.names.iter().find(|(spelled, _)| *spelled == name).map(|(_, a)| a.clone()))
    }
    fn groups(&self, account: &Account) -> Result<Vec<SystemGroup>, Fault> {
        let own = SystemGroup { gid: account.gid, name: None };
        let lab = SystemGroup { gid: 100, name: Some("lab".into()) };
        Ok(vec![own, lab])
    }
}

impl Directory {
    fn ask(&self) -> Result<(), Fault> {
        if self.answers { Ok(()) } else { Err(Fault::unreachable("no answer")) }
    }
}

fn name(text: &str) -> String {
    find(&directory(), text).expect(text).account.name
}

#[test]
fn whatever_the_spelling_the_name_is_the_canonical_one_of_the_uid() {
    for spelled in ["h.baker", "H.Baker", "h.baker@hertie-school.lan", "1234501"] {
        assert_eq!(name(spelled), "h.baker@hertie-school.lan", "{spelled}");
    }
    assert_eq!(name("toor"), "root");
}

#[test]
fn a_number_is_a_name_first_and_with_a_plus_always_a_uid() {
    assert_eq!(name("212345"), "212345");
    assert_eq!(name("+212345"), "alice");
    assert_eq!(name("5000"), "212345");
}

#[test]
fn who_does_not_exist_is_not_found_and_what_is_no_name_is_a_usage_error() {
    for (text, code) in [
        ("mallory", Code::NotFound),
        ("99", Code::NotFound),
        ("+99", Code::NotFound),
        ("+alice", Code::NotFound),
        ("-1", Code::NotFound),
        ("4294967295", Code::NotFound),
        ("99999999999", Code::NotFound),
        ("٣", Code::NotFound),
        ("", Code::Usage),
        ("a\0b", Code::Usage),
        ("a\nb", Code::Usage),
        ("root:x", Code::Usage),
    ] {
        let fault = find(&directory(), text).expect_err(text);
        assert_eq!(fault.code, code, "{text}");
        assert!(!fault.why.is_empty() && !fault.todo.is_empty(), "{text}");
    }
}

#[test]
fn a_directory_that_is_silent_is_not_the_same_as_no_such_user() {
    let silent = Directory { answers: false, ..directory() };
    assert_eq!(find(&silent, "alice").expect_err("silent").code, Code::Unreachable);
    assert_eq!(of_uid(&silent, 0).expect_err("silent").code, Code::Unreachable);
}

#[test]
fn admins_are_root_the_systems_admin_group_and_the_members_the_config_names() {
    let person = |text| find(&directory(), text).expect(text);
    assert!(person("root").is_admin("ds01-admin", false));
    assert!(!person("alice").is_admin("ds01-admin", false));
    assert!(person("alice").is_admin("lab", false));
    assert!(person("alice").is_admin("ds01-admin", true));
    // A group whose name is not known is not the one that is called like its number.
    assert!(!person("alice").is_admin("212345", false));
    assert_eq!(person("alice").group_names(), ["212345", "lab"]);
}

#[test]
fn the_machines_own_accounts_are_found_by_name_and_by_uid() {
    let root = find(&Nss, "root").expect("every system has root");
    assert_eq!((root.account.uid, root.account.name.as_str()), (0, "root"));
    assert!(root.is_in("root"));
    assert_eq!(of_uid(&Nss, 0).expect("root"), root);
    for name in ["nobody", "daemon"] {
        let person: Person = find(&Nss, name).expect(name);
        assert_eq!(person.account.name, name);
        assert_eq!(find(&Nss, &format!("+{}", person.account.uid)).expect(name), person);
        assert!(!person.is_admin("ds01-admin", false));
    }
    let fault = find(&Nss, "no-such-user-here").expect_err("nobody is called so");
    assert_eq!(fault.code, Code::NotFound);
}
