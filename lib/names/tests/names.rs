//! The table of vectors and the laws of the names.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so")]

use std::process::Command;

use ds01_names::{Owner, Place, SliceName, container, image};
use proptest::prelude::*;

struct Vector {
    group: String,
    user: String,
    uid: u32,
    slice: String,
    container: String,
    image: String,
}

fn vectors() -> Vec<Vector> {
    let table = include_str!("../../../tests/cases/names.tsv");
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('\t').map(str::to_owned).collect();
            let [group, user, uid, slice, container, image] = cells.try_into().expect(line);
            Vector { group, user, uid: uid.parse().expect("a uid"), slice, container, image }
        })
        .collect()
}

#[test]
fn every_vector_of_the_table_is_named_as_it_says_and_read_back() {
    for v in vectors() {
        let slice = SliceName::user(&v.group, &v.user);
        assert_eq!(slice.as_str(), v.slice, "slice of {}", v.user);
        assert_eq!(SliceName::parse(&v.slice).as_ref(), Some(&slice));
        // Names too long to be kept are the only ones that cannot be read back.
        let kept = |part: &str, name: &str| (part.len() <= 96).then(|| name.to_owned());
        let parts: Vec<_> = v.slice.trim_end_matches(".slice").split('-').collect();
        let place = Place::User { group: kept(parts[1], &v.group), user: kept(parts[2], &v.user) };
        assert_eq!(slice.place(), place);

        let full = container::full("lab", &v.user, v.uid).expect("a short name");
        assert_eq!(full, format!("lab._.{}", v.container), "container of {}", v.user);
        let owner = match v.container.bytes().all(|b| b.is_ascii_digit()) {
            true => Owner::Number(v.container.clone()),
            false => Owner::Name(v.user.clone()),
        };
        assert_eq!(container::parse(&full), Some(("lab", owner)));

        assert_eq!(image::namespace(&v.user, v.uid), v.image, "images of {}", v.user);
        assert!(image::is_own(&format!("{}/lab:latest", v.image), &v.user, v.uid));
    }
}

#[test]
fn no_two_people_of_the_table_share_a_slice_or_an_image_name_space() {
    let all = vectors();
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            assert_ne!(a.slice, b.slice);
            if a.user != b.user {
                assert_ne!(a.image, b.image, "{} and {}", a.user, b.user);
            }
        }
    }
}

#[test]
fn slices_nest_by_group_and_nothing_else_is_one() {
    let anna = SliceName::user("students", "anna");
    assert_eq!(anna.cgroup(), "ds01.slice/ds01-students.slice/ds01-students-anna.slice");
    assert_eq!(anna.parent(), Some(SliceName::group("students")));
    assert_eq!(SliceName::group("students").parent(), Some(SliceName::root()));
    assert_eq!(SliceName::root().parent(), None);
    assert_eq!(SliceName::root().place(), Place::Root);
    // `anna` and `anna-lena` once were nested.
    assert_eq!(SliceName::user("students", "anna-lena").parent(), anna.parent());
    assert_eq!(SliceName::group("phd_2026-a").place(), Place::Group(Some("phd_2026-a".into())));
    let too_deep = format!("ds01-{}.slice", "a".repeat(120));
    for other in [
        "system.slice",
        "ds01.service",
        "ds01",
        "ds01-.slice",
        "ds01-a-.slice",
        "ds01--a.slice",
        "ds01-a-b-c.slice",
        "ds01-a.b.slice",
        "ds01-a\\x61.slice",
        "ds01-a\\x2D.slice",
        "ds01-a\\x+f.slice",
        "ds01-g-a_b_c_d\\x2e.slice/..",
        "--force.slice",
        "-.slice",
        "ds01-a/../b.slice",
        "ds01-a b.slice",
        "ds01-a-b\n.slice",
        too_deep.as_str(),
        "",
    ] {
        assert_eq!(SliceName::parse(other), None, "{other}");
    }
}

#[test]
fn a_process_is_found_in_its_users_slice() {
    let anna = SliceName::user("students", "anna-lena");
    let scope = format!("0::/{}/docker-0123.scope\n", anna.cgroup());
    assert_eq!(SliceName::in_cgroup(&scope), Some(anna));
    assert_eq!(SliceName::in_cgroup("0::/system.slice/ssh.service"), None);
}

#[test]
fn what_docker_refuses_as_a_containers_name_is_refused_with_a_reason() {
    for (name, why) in [
        ("", "empty"),
        ("a", "two characters"),
        ("-ab", "begins with"),
        (".ab", "begins with"),
        ("a b", "` ` cannot stand"),
        ("a/b", "`/` cannot stand"),
        ("a\nb", "`\\n` cannot stand"),
        ("é1", "`é` cannot stand"),
        ("a._.b", "separates"),
    ] {
        let error = container::check_short(name).expect_err(name);
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
    assert!(container::check_short(&"a".repeat(201)).is_err());
    assert!(container::full(&"a".repeat(198), "bob", 1).is_err(), "too long with the user");
    container::check_short("my-project_2.1").expect("legal");
    container::check("my-project._.alice").expect("a full name is legal");
}

#[test]
fn containers_that_are_not_named_in_our_way_tell_no_owner() {
    for name in ["web", "._.bob", "web._.", "web_.bob", ""] {
        assert_eq!(container::parse(name), None, "{name}");
    }
    assert_eq!(container::parse("/a._.bob"), Some(("a", Owner::Name("bob".into()))));
    assert_eq!(container::parse("a._.1001"), Some(("a", Owner::Number("1001".into()))));
}

#[test]
fn images_belong_to_the_name_space_they_lie_in() {
    assert!(image::is_own("ds01-alice/lab:2", "alice", 1001));
    assert!(image::is_own("docker.io/ds01-alice/lab", "alice", 1001));
    assert!(image::is_own("ds01-1001/lab", "alice", 1001), "as the earlier system named it");
    for other in [
        "ds01-alice2/lab",
        "ds01-alic/lab",
        "alice/lab",
        "ds01-alice",
        "ds01-alice/",
        "ghcr.io/ds01-alice/lab",
        "ds01-01001/lab",
        "ds01-1002/lab",
        "ds01-Alice/lab",
        "lab/ds01-alice/lab",
        "ds01-al.ice/lab",
    ] {
        assert!(!image::is_own(other, "alice", 1001), "{other}");
    }
    // To Docker a first part with a dot is a registry's host.
    assert_eq!(image::namespace("h.baker", 5000), "ds01-5000");
    assert!(!image::is_own("ds01-h.baker/lab", "h.baker", 5000));
    // Whoever is called 1001 does not own the images of uid 1001.
    assert_eq!(image::namespace("1001", 5000), "ds01-5000");
    assert!(!image::is_own("ds01-1001/lab", "1001", 5000));
    assert!(image::full("Lab", "alice", 1001).is_err());
    assert!(image::full("a/b", "alice", 1001).is_err());
    assert!(image::full("a:b", "alice", 1001).is_err());
    assert!(image::full("a___b", "alice", 1001).is_err());
    assert!(image::full(&"a".repeat(250), "alice", 1001).is_err());
    assert_eq!(image::full("a-b", "alice", 1001).expect("legal"), "ds01-alice/a-b");
}

/// systemd's own reading of every name in the table, where systemd is installed. It needs
/// no running manager.
#[test]
fn systemd_escapes_and_nests_as_we_do() {
    for v in vectors() {
        let Ok(unescaped) =
            Command::new("systemd-escape").args(["--unescape", "--", &v.slice]).output()
        else {
            eprintln!("systemd is not installed: its reading of the names is not checked");
            return;
        };
        assert!(unescaped.status.success(), "{}", v.slice);
        if !v.user.contains(['.', '@', '_']) && v.slice.len() < 90 {
            // systemd reads each hyphen as `/`, and each escape back.
            let read = String::from_utf8_lossy(&unescaped.stdout).trim_end().to_owned();
            assert_eq!(read, format!("ds01/{}/{}.slice", v.group, v.user));
        }
        // The mangler leaves a legal unit name as it is, and escapes or completes any other.
        let mangled = Command::new("systemd-escape")
            .args(["--mangle", "--", &v.slice])
            .output()
            .expect("as above");
        assert!(mangled.status.success(), "{}", String::from_utf8_lossy(&mangled.stderr));
        assert_eq!(String::from_utf8_lossy(&mangled.stdout).trim_end(), v.slice);
    }
}

/// Names as accounts have them, weighted towards those that are mapped alike.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab._@\\-]{1,8}",
        2 => "[a-z]{1,4}[._@][a-z]{1,4}([._@\\-][a-z]{1,3}){0,4}",
        1 => "[a-z0-9._@\\-]{80,240}",
        1 => "[0-9]{1,6}",
        1 => ".{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distinct_people_never_share_a_slice(
        a in (name(), name()), b in (name(), name())
    ) {
        let slice = |(group, user): &(String, String)| SliceName::user(group, user);
        prop_assert_eq!(a == b, slice(&a) == slice(&b));
        prop_assert_eq!(a.0 == b.0, SliceName::group(&a.0) == SliceName::group(&b.0));
    }

    #[test]
    fn names_that_differ_in_one_separator_never_share_a_slice(
        user in "[a-c]{1,2}([._@\\-][a-c]{0,2}){1,5}", at in 0..6usize, to in "[._@\\-]"
    ) {
        let places: Vec<_> = user.match_indices(['.', '_', '@', '-']).map(|(i, _)| i).collect();
        let at = places[at % places.len()];
        let other = format!("{}{to}{}", &user[..at], &user[at + 1..]);
        prop_assert_eq!(
            user == other,
            SliceName::user("students", &user) == SliceName::user("students", &other)
        );
    }

    #[test]
    fn long_names_with_the_same_beginning_never_share_a_slice(
        same in "[a-zé.\\-]{90,120}", a in "[a-z.]{0,100}", b in "[a-z.]{0,100}"
    ) {
        prop_assert_eq!(
            a == b,
            SliceName::user("g", &(same.clone() + &a)) == SliceName::user("g", &(same + &b))
        );
    }

    #[test]
    fn every_slice_is_a_legal_unit_that_lies_in_its_group(group in name(), user in name()) {
        let slice = SliceName::user(&group, &user);
        let text = slice.as_str();
        // With `.d` behind it, it is the name of a directory too.
        prop_assert!(text.len() <= 253, "{} bytes", text.len());
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.\\".contains(&b)));
        prop_assert!(!text.contains("--") && !text.contains("-.") && !text.starts_with('-'));
        prop_assert_eq!(text.matches('-').count(), 2);
        prop_assert_eq!(slice.parent(), Some(SliceName::group(&group)));
        prop_assert_eq!(SliceName::parse(text), Some(slice));
    }

    #[test]
    fn a_slice_of_an_ordinary_name_is_read_back(group in "[a-z0-9_\\-]{1,20}", user in "[A-Za-z0-9._@\\-]{1,20}") {
        let place = SliceName::user(&group, &user).place();
        prop_assert_eq!(place, Place::User { group: Some(group), user: Some(user) });
    }

    #[test]
    fn a_container_is_read_back_or_carries_the_uid(
        name in "[a-b][a-b._\\-]{1,6}", user in name(), uid in any::<u32>()
    ) {
        if let Ok(full) = container::full(&name, &user, uid) {
            prop_assert!(container::check(&full).is_ok());
            let (short, owner) = container::parse(&full).expect("our own name");
            prop_assert_eq!(short, name);
            match owner {
                Owner::Name(found) => prop_assert_eq!(found, user),
                Owner::Number(found) => prop_assert!(found == user || found == uid.to_string()),
                Owner::Uid(_) => prop_assert!(false, "a container's name cannot be that sure"),
            }
        } else {
            prop_assert!(name.contains("._."));
        }
    }

    #[test]
    fn an_image_is_its_makers_and_nobody_elses(
        a in (name(), 0..50u32), b in (prop_oneof![name(), "[0-9]{1,2}"], 0..50u32)
    ) {
        let made = image::full("lab", &a.0, a.1).expect("a legal name");
        prop_assert!(image::is_own(&made, &a.0, a.1));
        // Two accounts have two names and two uids.
        if a.0 != b.0 && a.1 != b.1 {
            prop_assert!(!image::is_own(&made, &b.0, b.1));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = (SliceName::parse(&text), SliceName::in_cgroup(&text), container::parse(&text));
        let _ = (image::parse(&text), container::check(&text), image::check(&text));
    }
}
