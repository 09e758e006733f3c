//! Image names without an owner, through the door with a real daemon behind it: what alice
//! writes is hers, what she reads is hers first, and nobody else's name ever changes.

use std::io::Write;

use ds01_test_dockerd::IMAGE;

use crate::real::{start, write};

/// The image that a container runs.
const IMAGE_OF: &[&str] = &["inspect", "-f", "{{.Config.Image}}"];

#[test]
fn a_name_without_an_owner_is_ones_own() {
    let Some(real) = start() else { return };
    let does = |user: &str, args: &[&str]| real.does(user, args, b"");
    let id = |user: &str, name: &str| does(user, &["inspect", "-f", "{{.Id}}", name]);
    let home = real.home("alice");
    let shared = id("admin", IMAGE);

    // Built, inspected, run, listed and removed under the name that was given.
    write(&home.join("Dockerfile"), &format!("FROM {IMAGE}\nRUN echo hers > /whose\n"));
    does("alice", &["build", "--network", "none", "-t", "built", "-t", "org/app:2", "."]);
    assert_eq!(does("alice", &["run", "--rm", "built", "cat", "/whose"]), "hers");
    assert_eq!(does("alice", &["run", "--rm", "org/app:2", "cat", "/whose"]), "hers");
    assert_eq!(id("alice", "built"), id("alice", "ds01-alice/built"));
    assert_eq!(id("alice", "docker.io/library/built"), id("alice", "org/app:2"));
    let listed = |args: &[&str]| {
        let mut all = vec!["images", "--format", "{{.Repository}}:{{.Tag}}"];
        all.extend(args);
        does("alice", &all)
    };
    assert_eq!(listed(&["built"]), "ds01-alice/built:latest");
    assert_eq!(listed(&["--filter", "reference=org/*"]), "ds01-alice/org/app:2");
    assert!(listed(&["--filter", "since=built"]).is_empty());
    does("alice", &["run", "-d", "--name", "one", "built", "sleep", "600"]);
    assert_eq!(does("alice", &[IMAGE_OF, &["one"]].concat()), "ds01-alice/built");
    assert_eq!(does("alice", &["ps", "-q", "--filter", "ancestor=built"]).len(), 12);
    does("alice", &["rm", "-f", "one"]);

    // Nobody else sees it under that name, and everybody may have one of it.
    assert!(real.refused("bob", &["inspect", "built"]).contains("No such object"));
    assert!(real.refused("bob", &["inspect", "org/app:2"]).contains("No such object: org/app:2"));
    let bobs = real.home("bob");
    write(&bobs.join("Dockerfile"), &format!("FROM {IMAGE}\nRUN echo his > /whose\n"));
    does("bob", &["build", "--network", "none", "-t", "built", "."]);
    assert_eq!(does("bob", &["run", "--rm", "built", "cat", "/whose"]), "his");
    assert_eq!(does("alice", &["run", "--rm", "built", "cat", "/whose"]), "hers");

    // A name that all share is hers alone when she takes it.
    does("alice", &["tag", "built", IMAGE]);
    assert_eq!(does("alice", &["run", "--rm", IMAGE, "cat", "/whose"]), "hers");
    assert!(real.output("bob", &["run", "--rm", IMAGE, "cat", "/whose"], b"").stdout.is_empty());
    assert_eq!(id("admin", IMAGE), shared);
    assert_eq!(id("bob", IMAGE), shared);
    does("alice", &["rmi", IMAGE]);
    assert_eq!(id("alice", IMAGE), shared);
    assert!(real.refused("alice", &["rmi", IMAGE]).contains("is not yours"));

    // An argument that names a base is told in full, for the daemon reads the Dockerfile.
    write(
        &home.join("Dockerfile"),
        "ARG BASE_IMAGE=none\nFROM $BASE_IMAGE\nARG NAME\nRUN echo $NAME > /name\n",
    );
    let args = ["--build-arg", "BASE_IMAGE=built", "--build-arg", "NAME=built"];
    does("alice", &[&["build", "--network", "none", "-t", "more", "."][..], &args].concat());
    assert_eq!(does("alice", &["run", "--rm", "more", "cat", "/whose", "/name"]), "hers\nbuilt");

    // Of a classic build the door reads the Dockerfile too.
    write(&home.join("other"), "FROM built AS one\nFROM one\nCOPY --from=org/app:2 /whose /his\n");
    does("alice", &["build", "-q", "--network", "none", "-t", "third", "-f", "other", "."]);
    assert_eq!(does("alice", &["run", "--rm", "third", "cat", "/his", "/whose"]), "hers\nhers");
    does("alice", &["rmi", "third"]);

    // Commit, save and load, packed or not.
    does("alice", &["create", "--name", "two", "built"]);
    does("alice", &["commit", "two", "snap:1"]);
    assert!(does("alice", &["image", "history", "-q", "snap:1"]).lines().count() > 1);
    let saved = real.output("alice", &["save", "snap:1", "more"], b"").stdout;
    does("alice", &["rmi", "snap:1", "more"]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&saved).unwrap();
    for archive in [saved, packed.finish().unwrap()] {
        let said = real.does("alice", &["load"], &archive);
        assert!(said.contains("ds01-alice/snap:1") && said.contains("ds01-alice/more:latest"));
        does("alice", &["rmi", "snap:1", "more"]);
    }
    does("alice", &["rm", "two"]);

    // Files from an archive, and what has lost its name.
    let files = crate::cases::tar("etc/whose", "hers");
    let imported = real.does("alice", &["import", "-c", "CMD [\"x\"]", "-", "files"], &files);
    assert_eq!(imported, id("alice", "ds01-alice/files"));
    assert_eq!(
        does(
            "alice",
            &["inspect", "-f", "{{index .Config.Labels \"ds01.user\"}} {{.Config.Cmd}}", "files"]
        ),
        "alice [x]"
    );
    does("bob", &["tag", "built", "keep"]);
    for user in ["alice", "bob"] {
        real.does(user, &["import", "-"], &crate::cases::tar("whose", user));
    }
    let pruned = does("alice", &["image", "prune", "-f"]);
    assert_eq!(pruned.matches("deleted: sha256:").count(), 2, "an image and its layer: {pruned}");
    assert_eq!(does("bob", &["images", "-q", "-f", "dangling=true"]).lines().count(), 1);
    assert!(real.refused("alice", &["image", "prune", "-af"]).contains("docker rmi"));
    assert!(real.refused("alice", &["import", "http://127.0.0.1:9/x"]).contains("URL"));
    does("alice", &["rmi", "files"]);

    // A push goes to one's own name space, here of a registry that is not there.
    does("alice", &["tag", "built", "127.0.0.1:9/app"]);
    assert!(real.output("alice", &["push", "127.0.0.1:9/app"], b"").stdout.starts_with(
        b"Using default tag: latest\nThe push refers to repository [127.0.0.1:9/ds01-alice/app]"
    ));
    assert!(real.refused("alice", &["push", "ds01-bob/built"]).contains("is not yours"));

    // No name is another's, an id or none at all.
    for name in ["ds01-bob/x", "docker.io/ds01-bob/x", &"ab".repeat(6)] {
        real.refused("alice", &["tag", IMAGE, name]);
    }
    does("alice", &["rmi", "built", "org/app:2", "127.0.0.1:9/app"]);
    assert_eq!(does("bob", &["run", "--rm", "built", "cat", "/whose"]), "his");
    assert_eq!(listed(&["--filter", "reference=ds01-alice/*"]), "");
}
