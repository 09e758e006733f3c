//! Without a daemon: what paths and files say.

use super::*;
use serde_json::json;

fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn lines(added: &[&str]) -> Vec<String> {
    let added = paths(added);
    pip_lines(pip(&added, &conda(&added)))
}

#[test]
fn versions_are_exact_and_copies_inside_packages_are_nobodys_choice() {
    let site = "/usr/local/lib/python3.11/site-packages";
    let seen = lines(&[
        &format!("{site}/torch-2.3.0+cu121.dist-info"),
        &format!("{site}/numpy"),
        &format!("{site}/numpy-1.26.4.dist-info"),
        &format!("{site}/numpy-1.26.4.dist-info/METADATA"),
        &format!("{site}/setuptools/_vendor/wheel-0.43.0.dist-info"),
        "/tmp/unpacked-1.0.dist-info",
    ]);
    assert_eq!(seen, ["numpy==1.26.4", "torch==2.3.0+cu121"]);
}

#[test]
fn one_package_is_pinned_once_and_a_path_forges_no_line() {
    let seen = lines(&[
        "/a/site-packages/Foo_Bar-1.0.dist-info",
        "/b/site-packages/foo_bar-2.0.dist-info",
        "/a/site-packages/x\n--index-url=http-1.dist-info",
        "/a/site-packages/-r-1.dist-info",
    ]);
    assert_eq!(seen, ["Foo_Bar==1.0", "# foo_bar==2.0, in /b/site-packages/foo_bar-2.0.dist-info"]);
}

#[test]
fn what_conda_brought_is_condas() {
    let added = paths(&[
        "/opt/conda/conda-meta/numpy-1.26.4-py311h24aa872_0.json",
        "/opt/conda/conda-meta/ca-certificates-2024.3.11-h06a4308_0.json",
        "/opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info",
        "/opt/conda/lib/python3.11/site-packages/rich-13.7.1.dist-info",
    ]);
    let conda = conda(&added);
    assert_eq!(pip_lines(pip(&added, &conda)), ["rich==13.7.1"]);
    let lines: Vec<_> = conda.into_values().collect();
    assert_eq!(lines, ["ca-certificates=2024.3.11=h06a4308_0", "numpy=1.26.4=py311h24aa872_0"]);
}

#[test]
fn an_install_from_elsewhere_keeps_its_source() {
    let from = |note: Value| {
        let wheel = Wheel {
            name: "a".into(),
            version: "1".into(),
            folder: String::new(),
            origin: origin(note.to_string().into_bytes()),
        };
        pip_lines(vec![wheel]).remove(0)
    };
    let git = json!({"url": "https://h/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc1"}});
    assert_eq!(from(git), "a @ git+https://h/x.git@abc1");
    let own = json!({"url": "file:///workspace/a", "dir_info": {"editable": true}});
    assert_eq!(from(own), "# a==1 came from file:///workspace/a");
    assert_eq!(from(json!({"url": "https://h/a.whl"})), "a @ https://h/a.whl");
}

#[test]
fn apt_keeps_what_was_asked_for_and_not_what_came_along() {
    let new = apt::new_names(&paths(&[
        "/var/lib/dpkg/info/htop.list",
        "/var/lib/dpkg/info/libnl-3-200:amd64.list",
        "/var/lib/dpkg/info/gone.list",
        "/var/lib/dpkg/info/htop.md5sums",
    ]));
    let status = "Package: htop\nStatus: install ok installed\nVersion: 3.2.2-2\n\n\
                  Package: libnl-3-200\nStatus: install ok installed\nVersion: 3.7.0-0.2+b1\n\n\
                  Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                  Package: base\nStatus: install ok installed\nVersion: 1:2.0\n";
    let auto = "Package: libnl-3-200\nArchitecture: amd64\nAuto-Installed: 1\n";
    assert_eq!(apt::lines(&new, status, auto), ["htop=3.2.2-2"]);
}

#[test]
fn nothing_is_overwritten_and_the_same_list_is_not_written_twice() {
    let dir = tempfile::tempdir().unwrap();
    let container = Container::read(&json!({"Id": "x", "Name": "/a._.alice"})).unwrap();
    let one = Packages { pip: vec!["numpy==1".into()], ..Packages::default() };
    let two = Packages { pip: vec!["numpy==2".into()], ..one.clone() };
    let save = |packages: &Packages, at: i64| {
        packages.save(dir.path(), "a", &container, Stamp::from_secs(at)).unwrap()
    };
    std::fs::write(dir.path().join("requirements-a.txt"), "mine").unwrap();
    assert_eq!(save(&one, 0), [dir.path().join("requirements-a-2.txt")]);
    assert_eq!(save(&one, 9), [dir.path().join("requirements-a-2.txt")]);
    assert_eq!(save(&two, 9), [dir.path().join("requirements-a-3.txt")]);
    let kept = std::fs::read_to_string(dir.path().join("requirements-a.txt")).unwrap();
    assert_eq!(kept, "mine");
}

#[test]
fn an_archive_may_be_cut_anywhere() {
    let mut archive = vec![0; 1024];
    archive[..4].copy_from_slice(b"file");
    archive[124..135].copy_from_slice(b"00000000005");
    archive[156] = b'0';
    archive[512..517].copy_from_slice(b"hello");
    assert_eq!(tar::first_file(&archive).as_deref(), Some(&b"hello"[..]));
    for end in 0..517 {
        assert_eq!(tar::first_file(&archive[..end]), None, "{end}");
    }
    archive[156] = b'5';
    assert_eq!(tar::first_file(&archive), None);
    archive[124..135].copy_from_slice(b"77777777777");
    assert_eq!(tar::first_file(&archive), None);
}
