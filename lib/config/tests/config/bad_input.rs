//! Files that are no config: a clear message each, never limits, never a panic.

use std::fs;

use ds01_fault::Code;

use crate::Lab;

/// The only message about this text, and that nothing is granted.
fn only(text: impl AsRef<[u8]>) -> String {
    let lab = Lab::new(text);
    assert_eq!(lab.read().unwrap_err().code, Code::Unreadable);
    let messages = lab.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages[0].clone()
}

#[test]
fn a_missing_file_is_said_so() {
    let lab = Lab::new("");
    fs::remove_file(lab.path()).unwrap();
    let fault = lab.read().unwrap_err();
    assert_eq!(fault.code, Code::Unreadable);
    assert!(fault.shown.contains("resource-limits.yaml: error: there is no such file"));
    assert!(fault.shown.contains("resource-limits.yaml(5)"));
}

#[test]
fn a_directory_in_its_place_is_said_so() {
    let lab = Lab::new("");
    fs::remove_file(lab.path()).unwrap();
    fs::create_dir(lab.path()).unwrap();
    assert!(lab.read().unwrap_err().shown.contains("is a directory, no file"));
}

#[test]
fn a_pipe_or_a_device_is_not_waited_for() {
    let fault = ds01_config::Config::read("/dev/zero".as_ref()).unwrap_err();
    assert!(fault.shown.contains("is not a regular file, no file"), "{}", fault.shown);
}

#[test]
fn an_unreadable_file_is_said_so() {
    let lab = Lab::new("defaults: {}\n");
    let path = lab.path();
    // A link to itself cannot be opened by anybody, root included.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    assert!(lab.read().unwrap_err().shown.contains("cannot be read: "));
    let lab = Lab::new("defaults: {}\n");
    let beside = lab.path().with_file_name("user-overrides.yaml");
    std::os::unix::fs::symlink(&beside, &beside).unwrap();
    let fault = lab.read().unwrap_err();
    assert!(fault.shown.contains("user-overrides.yaml: error: cannot be read"), "{}", fault.shown);
    // Members that cannot be listed must not become the default group's.
    let lab = Lab::new("defaults: {}\n").with("groups", "no directory");
    assert!(lab.read().unwrap_err().shown.contains("groups: error: cannot be listed"));
}

#[test]
fn an_empty_file_limits_nothing_and_so_grants_nothing() {
    for text in ["", "\n\n", "# remarks only\n", "---\n", "null\n"] {
        assert_eq!(only(text), "0:0 error the file is empty", "{text:?}");
    }
}

#[test]
fn ten_megabytes_are_the_wrong_file() {
    let text = format!("# {}\ndefaults: {{}}\n", "x".repeat(10 << 20));
    assert_eq!(only(text), "0:0 error is larger than 8 MiB");
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let text = format!("x-deep: {}{}\n", open.repeat(5000), close.repeat(5000));
        let said = only(text);
        assert!(said.contains("nested deeper than 64 levels"), "{said}");
    }
    let text: String = (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(only(format!("x-deep:\n {}", text.replace('\n', "\n "))).contains("nested deeper"));
}

#[test]
fn aliases_cannot_fill_the_memory() {
    let mut text = "x-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
    for n in 1..20 {
        let names = vec![format!("*a{}", n - 1); 10].join(", ");
        text += &format!("x-{n}: &a{n} [{names}]\n");
    }
    assert!(only(text).contains("aliases multiply this file beyond 200000 entries"));
    assert!(only("defaults: &a {<<: *a}\n").contains("stands inside what it names"));
    assert!(only("defaults: *nowhere\n").contains("this alias names no anchor"));
    let mut text = "x-0: &a0 {memory: 8g}\n".to_owned();
    for n in 1..50 {
        text += &format!("x-{n}: &a{n} {{<<: *a{}}}\n", n - 1);
    }
    text += "defaults: {<<: *a49}\n";
    assert!(only(text).contains("merge keys nested deeper than 16"));
}

#[test]
fn a_config_is_keys_with_values() {
    for text in ["- a\n", "word\n", "12\n", "[]\n"] {
        assert!(only(text).contains("the top level wants keys with values"), "{text}");
    }
    assert!(only("defaults: {}\n---\ndefaults: {}\n").contains("a second YAML document"));
    assert!(
        only("defaults: {memory: !!python/object:os.system 1}\n").contains("means nothing here")
    );
    assert!(only("defaults: {[a, b]: 1}\n").contains("a key is a word"));
    assert!(only("groups: {a: {members: [[x]]}}\n").contains("a member is a name"));
    assert!(only("groups: {a: {members: [x, ]}, b: {members: [~]}}\n").contains("no name here"));
}

#[test]
fn tabs_do_not_indent() {
    assert_eq!(only("defaults:\n\tmemory: 1g\n"), "2:1 error a tab in the indentation");
}

#[test]
fn windows_files_are_read_as_they_are() {
    let lab = Lab::new("\u{feff}defaults:\r\n  memory: 24g\r\n  max_cpus: x\r\n");
    assert_eq!(lab.messages(), ["3:13 error `max_cpus: x`: not a number"]);
    let limits = Lab::new("\u{feff}defaults:\r\n  memory: 24g\r\n").limits("alice");
    assert_eq!(limits.memory, ds01_units::Limit::Max(ds01_units::Bytes(24 << 30)));
    assert_eq!(only(b"\xff\xfed\0e\0"), "1:1 error the file is UTF-16");
}

#[test]
fn bytes_that_are_no_text_are_shown_by_their_place() {
    assert_eq!(only("defaults:\n  memory: \0 1g\n"), "2:11 error a NUL byte in the text");
    assert_eq!(only("defaults: \x1b[2J\n"), "1:11 error the control character 0x1b in the text");
    assert_eq!(only(b"defaults: {}\n# caf\xe9\n"), "2:6 error the byte 0xe9 is not UTF-8");
}
