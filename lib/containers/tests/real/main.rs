//! Against a real daemon: finding, removing, reading what was installed, measuring. The
//! person is `daemon`, whom every Debian has, so that nobody here is an admin.
#![allow(clippy::unwrap_used, reason = "a test may panic anywhere")]

mod made;

use std::time::{Duration, Instant};

use ds01_containers::stats::Sample;
use ds01_containers::{After, Mine, Packages, remove, table};
use ds01_docker::{Container, Docker, State};
use ds01_fault::Code;
use ds01_site::{Caller, Site};
use ds01_test_dockerd::{Dockerd, IMAGE};

const CONFIG: &str = "\
defaults: {gpu_hold_after_stop: 24h, container_hold_after_stop: 36h, max_runtime: 72h}
default_group: students
groups:
  students: {members: [daemon]}
";
/// `daemon`'s uid and gid on every Debian.
const DAEMON: u32 = 1;

struct Lab {
    dockerd: Dockerd,
    root: tempfile::TempDir,
}

impl Lab {
    fn start() -> Option<Self> {
        let dockerd = Dockerd::start_or_skip()?;
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc/ds01")).unwrap();
        std::fs::write(root.path().join("etc/ds01/resource-limits.yaml"), CONFIG).unwrap();
        Some(Self { dockerd, root })
    }

    fn mine(&self) -> Mine {
        let caller = Caller { uid: DAEMON, gid: DAEMON, through_door: false, may_be_admin: true };
        let site = Site::at(self.root.path()).for_caller(caller);
        Mine::at(&site, Docker::at(self.dockerd.socket())).unwrap()
    }

    /// Runs a container of somebody's to its end, or lets it run with `-d`.
    fn run(&self, flags: &[&str], name: &str, user: &str, script: &str) -> String {
        let label = format!("ds01.user={user}");
        let own = ["run", "--name", name, "--label", &label];
        let command = [IMAGE, "sh", "-c", script];
        self.dockerd.run(own.iter().chain(flags).chain(&command))
    }
}

fn find(mine: &Mine, name: &str) -> Container {
    mine.find(name).unwrap()
}

#[test]
fn a_person_and_their_containers() {
    let Some(lab) = Lab::start() else { return };
    found_by_the_name_that_was_given(&lab);
    removed_and_nothing_else(&lab);
    what_was_installed_is_read_without_running_anything(&lab);
    two_looks_tell_what_is_used(&lab);
}

fn found_by_the_name_that_was_given(lab: &Lab) {
    let id = lab.run(&["-d"], "train._.daemon", "daemon", "sleep 1000");
    lab.run(&["-d"], "plain", "daemon", "sleep 1000");
    lab.run(&["-d"], "other._.bin", "bin", "sleep 1000");
    lab.run(&["-d"], "train._.bin", "bin", "sleep 1000");
    let mine = lab.mine();
    assert!(!mine.is_admin());
    let names: Vec<_> = mine.all().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["plain", "train._.daemon"]);
    for typed in ["train", "train._.daemon", &id, &id[..12]] {
        assert_eq!(find(&mine, typed).id, id, "{typed}");
    }
    assert_eq!(find(&mine, "plain").name, "plain");

    let fault = mine.find("other._.bin").unwrap_err();
    assert_eq!(fault.code, Code::NotPermitted);
    assert!(fault.what.contains("owned by bin"), "{fault}");
    let fault = mine.find("trian").unwrap_err();
    assert_eq!((fault.code, fault.why.as_str()), (Code::NotFound, "did you mean `train`?"));
    // Others' names are not offered, and their short ones lead nowhere.
    for (typed, code) in [
        ("other", Code::NotFound),
        ("a b", Code::NotFound),
        ("../containers", Code::NotFound),
        ("x\0y", Code::NotFound),
        ("", Code::Usage),
    ] {
        let fault = mine.find(typed).unwrap_err();
        assert_eq!(fault.code, code, "{typed:?}: {fault}");
        assert!(!fault.to_string().contains("._.bin"), "{fault}");
    }
    assert_eq!(mine.everyones().unwrap_err().code, Code::NotPermitted);

    let after = mine.after(&find(&mine, "train"));
    let text = after.leaving(mine.now());
    assert!(text.contains("train goes on") && text.contains("(in 2 d 23 h)"), "{text}");
    let gone = Docker::at(lab.root.path().join("no.sock"));
    let site = Site::at(lab.root.path());
    assert_eq!(Mine::at(&site, gone).unwrap().find("train").unwrap_err().code, Code::Unreachable);
}

fn removed_and_nothing_else(lab: &Lab) {
    let mine = lab.mine();
    lab.dockerd.run(["volume", "create", "kept"]);
    lab.run(&["-d", "-v", "kept:/kept", "-v", "/anonymous"], "goes", "daemon", "sleep 1000");
    let volumes = || lab.dockerd.run(["volume", "ls", "-q"]).lines().count();
    let before = volumes();
    let goes = find(&mine, "goes");
    assert_eq!(remove(&mine, &goes, false).unwrap_err().code, Code::Failed);
    assert!(find(&mine, "goes").is_running());
    remove(&mine, &goes, true).unwrap();
    remove(&mine, &goes, true).unwrap();
    assert_eq!(mine.find("goes").unwrap_err().code, Code::NotFound);
    assert_eq!(volumes(), before, "volumes are nobody's to remove");
    assert!(find(&mine, "train").is_running());
}

fn what_was_installed_is_read_without_running_anything(lab: &Lab) {
    let site = "/usr/lib/python3/site-packages";
    let script = format!(
        "mkdir -p {site}/numpy-1.26.4.dist-info {site}/own-0.1.dist-info /var/lib/dpkg/info
         echo '{{\"url\": \"file:///workspace/own\", \"dir_info\": {{\"editable\": true}}}}' \
            >{site}/own-0.1.dist-info/direct_url.json
         touch /var/lib/dpkg/info/htop.list
         printf 'Package: htop\\nStatus: install ok installed\\nVersion: 3.2.2-2\\n' \
            >/var/lib/dpkg/status"
    );
    lab.run(&[], "packed._.daemon", "daemon", &script);
    let mine = lab.mine();
    let packed = find(&mine, "packed");
    assert_eq!(packed.state, State::Exited);
    let packages = Packages::added(mine.docker(), &packed).unwrap();
    assert_eq!(packages.pip, ["numpy==1.26.4", "# own==0.1 came from file:///workspace/own"]);
    assert_eq!((packages.apt.as_slice(), packages.count()), (&["htop=3.2.2-2".to_owned()][..], 2));
    let files = packages.save(lab.root.path(), "packed", &packed, mine.now()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap()).collect();
    assert_eq!(names, ["requirements-packed.txt", "apt-packed.txt"]);
    let nothing = Packages::added(mine.docker(), &find(&mine, "train")).unwrap();
    assert!(nothing.is_empty());
}

fn two_looks_tell_what_is_used(lab: &Lab) {
    lab.run(&["-d"], "busy", "daemon", "while :; do :; done");
    let mine = lab.mine();
    let busy = find(&mine, "busy");
    let before = Sample::take(mine.docker(), &busy.id).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    // However busy this machine is, some time comes to it.
    let used = loop {
        std::thread::sleep(Duration::from_millis(50));
        let used = Sample::take(mine.docker(), &busy.id).unwrap().since(&before);
        if used.cpu_percent.is_some_and(|cpu| cpu > 0.0) || Instant::now() > deadline {
            break used;
        }
    };
    assert!(used.cpu_percent.is_some_and(|cpu| cpu > 0.0), "{used:?}");
    assert!(used.tasks.is_some_and(|tasks| tasks >= 1), "{used:?}");

    let listed = mine.all().unwrap();
    let rows = table::rows(&mine, &table::inspected(&mine, &listed).unwrap(), None);
    let row = rows.iter().find(|row| row.name == "train").unwrap();
    assert_eq!(row.user.as_deref(), Some("daemon"));
    assert!(row.deadline.is_some() && row.deadline == row.runs_until, "{row:?}");
    assert_eq!((row.now.gpu_busy, row.idle_since), (None, None), "nobody has told");
    let stopped = rows.iter().find(|row| row.name == "packed").unwrap();
    assert!(stopped.kept_until.is_some() && stopped.deadline.is_none(), "{stopped:?}");
    let After { kept_until, .. } = mine.after(&find(&mine, "packed"));
    assert_eq!(stopped.kept_until, kept_until);
}
