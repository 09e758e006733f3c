//! Whose name space an image lies in.

use ds01_names::image;

use crate::who::{Who, Words};

/// The name without its registry: `reg.lab:5000/ds01-alice/x` lies in alice's name space
/// of that registry.
fn path_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => image,
    }
}

/// Whether the image lies in the user's own name space or one that the policy adds.
pub fn is_own(image: &str, who: &Who, words: &Words) -> bool {
    let path = path_of(image);
    let below = |space: &String| {
        let space = space.trim_end_matches('/');
        !space.is_empty() && path.strip_prefix(space).is_some_and(|rest| rest.starts_with('/'))
    };
    image::is_own(path, &who.user, who.uid) || words.image_names.iter().any(below)
}

/// Whether the image lies in another person's name space.
pub fn is_foreign(image: &str, who: &Who) -> bool {
    path_of(image).starts_with("ds01-") && !image::is_own(path_of(image), &who.user, who.uid)
}

/// The user's name space, for messages.
pub fn own_space(who: &Who) -> String {
    image::namespace(&who.user, who.uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::who::Role;

    #[test]
    fn own_and_foreign_are_told_by_the_whole_component() {
        let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
        let none = Words::default();
        for own in [
            "ds01-alice/x",
            "ds01-alice/x:1",
            "docker.io/ds01-alice/x",
            "reg:5000/ds01-alice/x",
            "ds01-1001/x",
        ] {
            assert!(is_own(own, &alice, &none) && !is_foreign(own, &alice), "{own}");
        }
        for other in ["ds01-alice", "ds01-alicex/x", "pytorch/pytorch", "x/ds01-alice/x", ""] {
            assert!(!is_own(other, &alice, &none), "{other}");
        }
        for foreign in ["ds01-bob/proj", "docker.io/ds01-bob/x:1", "ds01-1002/x"] {
            assert!(is_foreign(foreign, &alice), "{foreign}");
        }
        let lab = Words { image_names: vec!["lab/".into()], ..Words::default() };
        assert!(is_own("lab/x", &alice, &lab) && !is_own("labx/y", &alice, &lab));
    }
}
