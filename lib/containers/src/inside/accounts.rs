//! A person's lines in an image's `passwd` and `group`. Whoever has the uid, gid or name of
//! the person already gives way: the first line of a number gives its name, so the person's
//! stands before it; an account of the same name and another number is renamed.

use super::Resident;

/// In front of the name of an image's account that somebody else has now.
const MOVED: &str = "image-";

/// The image's accounts with the person among them.
pub(super) fn passwd(image: &str, who: &Resident, shell: &str) -> String {
    // `*`: no password fits, and no line in shadow is missed, as for `x`.
    let own = format!("{}:*:{}:{}::{}:{shell}", who.name, who.uid, who.gid, who.home());
    let number = |fields: &[&str]| fields.get(2).and_then(|uid| uid.parse().ok());
    let taken = |name: &str| image.lines().any(|line| line.split(':').next() == Some(name));
    merged(image, &[(who.uid, who.name.clone(), own)], number, &taken)
}

/// The image's groups with the person's among them.
pub(super) fn group(image: &str, who: &Resident) -> String {
    let mut image = image.to_owned();
    // What the image's account of that name was in is not the person's.
    if !image.is_empty() {
        let lines = image.lines().map(|line| without(line, &who.name));
        image = lines.map(|line| line + "\n").collect();
    }
    let members_of = |gid: u32, name: &str| {
        image.lines().find_map(|line| {
            let mut fields = line.split(':');
            let same = fields.next() == Some(name) && fields.nth(1)?.parse() == Ok(gid);
            same.then(|| fields.next().unwrap_or_default().to_owned())
        })
    };
    let own: Vec<(u32, String, String)> = who
        .groups
        .iter()
        .enumerate()
        .map(|(at, (gid, name))| {
            let mut members = members_of(*gid, name).unwrap_or_default();
            if at > 0 {
                if !members.is_empty() {
                    members.push(',');
                }
                members += &who.name;
            }
            (*gid, name.clone(), format!("{name}:x:{gid}:{members}"))
        })
        .collect();
    let number = |fields: &[&str]| fields.get(2).and_then(|gid| gid.parse().ok());
    let taken = |name: &str| {
        image.lines().any(|line| line.split(':').next() == Some(name))
            || own.iter().any(|(_, own, _)| own == name)
    };
    merged(&image, &own, number, &taken)
}

/// A group's line whose members do not name the person.
fn without(line: &str, name: &str) -> String {
    let Some((head, members)) = line.rsplit_once(':').filter(|(head, _)| head.contains(':')) else {
        return line.to_owned();
    };
    let others: Vec<&str> = members.split(',').filter(|member| *member != name).collect();
    format!("{head}:{}", others.join(","))
}

fn merged(
    image: &str,
    own: &[(u32, String, String)],
    number: impl Fn(&[&str]) -> Option<u32>,
    taken: &dyn Fn(&str) -> bool,
) -> String {
    let mut text = String::new();
    let mut written = vec![false; own.len()];
    for line in image.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let id = number(&fields);
        if let Some(at) = own.iter().position(|(number, ..)| id == Some(*number)) {
            if !std::mem::replace(&mut written[at], true) {
                text += &own[at].2;
                text.push('\n');
            }
            // The same in other words: ours says it.
            if fields[0] == own[at].1 {
                continue;
            }
        }
        let named = own.iter().any(|(_, name, _)| *name == fields[0]);
        let line = match named {
            true => moved(fields[0], taken) + &line[fields[0].len()..],
            false => line.to_owned(),
        };
        text += &line;
        text.push('\n');
    }
    for (at, (.., line)) in own.iter().enumerate() {
        if !written[at] {
            text += line;
            text.push('\n');
        }
    }
    text
}

fn moved(name: &str, taken: &dyn Fn(&str) -> bool) -> String {
    let mut new = format!("{MOVED}{name}");
    while taken(&new) {
        new.insert_str(0, MOVED);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEBIAN: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                          ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n";
    const GROUPS: &str = "root:x:0:\nsudo:x:27:ubuntu,alice\nvideo:x:44:\nubuntu:x:1000:\n";

    /// The name of a number and the number of a name, as the C library finds them.
    fn name_of(text: &str, id: u32) -> Option<String> {
        let line = text.lines().find(|line| line.split(':').nth(2) == Some(&id.to_string()))?;
        line.split(':').next().map(str::to_owned)
    }
    fn id_of(text: &str, name: &str) -> Option<u32> {
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        line.split(':').nth(2)?.parse().ok()
    }

    #[test]
    fn the_image_keeps_its_accounts_and_gets_one_more() {
        let text = passwd(DEBIAN, &Resident::plain("alice", 1001, 1001), "/bin/bash");
        assert_eq!(text, format!("{DEBIAN}alice:*:1001:1001::/home/alice:/bin/bash\n"));
    }

    #[test]
    fn whoever_has_the_uid_stands_behind() {
        let text = passwd(DEBIAN, &Resident::plain("alice", 1000, 1000), "/bin/sh");
        assert_eq!(name_of(&text, 1000).unwrap(), "alice");
        assert_eq!(id_of(&text, "ubuntu"), Some(1000));
    }

    #[test]
    fn whoever_has_the_name_is_renamed_and_leaves_its_groups() {
        let ubuntu = Resident::plain("ubuntu", 1722, 1722);
        let text = passwd(DEBIAN, &ubuntu, "/bin/sh");
        assert_eq!(name_of(&text, 1722).unwrap(), "ubuntu");
        assert_eq!(name_of(&text, 1000).unwrap(), "image-ubuntu");
        let text = group(GROUPS, &ubuntu);
        assert_eq!(id_of(&text, "ubuntu"), Some(1722));
        assert_eq!(id_of(&text, "image-ubuntu"), Some(1000));
        assert!(text.contains("sudo:x:27:alice\n"), "{text}");
    }

    #[test]
    fn further_groups_name_their_member_and_keep_others() {
        let mut who = Resident::plain("carol", 1003, 1003);
        who.groups.extend([(44, "video".into()), (5001, "lab".into()), (27, "power".into())]);
        let text = group("root:x:0:\nsudo:x:27:x\nvideo:x:44:bob\nlab:x:9:\n", &who);
        assert_eq!(
            text,
            "root:x:0:\npower:x:27:carol\nsudo:x:27:x\nvideo:x:44:bob,carol\n\
             image-lab:x:9:\ncarol:x:1003:\nlab:x:5001:carol\n"
        );
    }

    #[test]
    fn directory_and_numeric_names_stay_as_they_are() {
        for (name, uid) in [("h.baker@hertie-school.lan", 1_722_830_512), ("212345", 212_345)] {
            let who = Resident::plain(name, uid, uid);
            assert_eq!(name_of(&passwd(DEBIAN, &who, "/bin/sh"), uid).unwrap(), name);
            assert_eq!(name_of(&group(GROUPS, &who), uid).unwrap(), name);
        }
    }

    #[test]
    fn odd_lines_of_an_image_stay() {
        let odd = "+::::::\n\nroot:x:0:0\nnonsense\nx:x:notanumber:\n";
        let text = passwd(odd, &Resident::plain("a", 5, 5), "/bin/sh");
        assert!(text.starts_with(odd), "{text}");
    }

    proptest! {
        /// Whatever the image has: the person's number has their name, their name their
        /// number, and doing it twice changes nothing.
        #[test]
        fn the_person_is_found_by_name_and_by_number(
            image in "([a-c]{1,2}:x:[0-4]:[0-4]:[a-c,]{0,4}:/:/bin/sh\n){0,6}",
            name in "[a-c]{1,2}", uid in 1u32..5
        ) {
            let mut who = Resident::plain(&name, uid, uid);
            who.groups.push((9, "zz".into()));
            let text = passwd(&image, &who, "/bin/sh");
            prop_assert_eq!(name_of(&text, uid), Some(name.clone()));
            prop_assert_eq!(id_of(&text, &name), Some(uid));
            prop_assert_eq!(passwd(&text, &who, "/bin/sh"), text);
            let groups = group(&image, &who);
            prop_assert_eq!(name_of(&groups, uid), Some(name.clone()));
            prop_assert_eq!(id_of(&groups, &name), Some(uid));
            prop_assert_eq!(name_of(&groups, 9), Some("zz".into()));
            prop_assert_eq!(group(&groups, &who), groups);
        }
    }
}
