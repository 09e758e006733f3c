//! `ask` on a real terminal, which `script` of util-linux gives it, and without one.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

const ASK: &str = env!("CARGO_BIN_EXE_ask");

/// `line` on a terminal of its own; what is on it comes out of stdout.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: String,
}

impl Terminal {
    fn new(line: &str) -> Self {
        let mut child = Command::new("script")
            .args(["-qec", line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = child.stdin.take().unwrap();
        Self { child, keys, seen: String::new() }
    }

    /// Reads until `text` is on the terminal: keys typed before somebody asks may be lost.
    fn until(mut self, text: &str) -> Self {
        let out = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.seen.contains(text) {
            assert_eq!(out.read(&mut byte).unwrap(), 1, "no {text:?} in {:?}", self.seen);
            self.seen.push(byte[0] as char);
        }
        self
    }

    fn types(mut self, keys: &str) -> Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// What came after the last `until`, and the exit code.
    fn end(mut self) -> (String, i32) {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code().unwrap())
    }
}

fn without_terminal(words: &[&str]) -> Output {
    Command::new(ASK).args(words).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_answer_alone_is_on_stdout() {
    let line = format!(r#"got=$({ASK} choose "Which one?" one two --flag NAME); echo "<$got>""#);
    let (rest, code) =
        Terminal::new(&line).until("name: ").types("7\n").until("name: ").types("2\n").end();
    assert!(rest.contains("<two>"), "{rest}");
    assert_eq!(code, 0);
}

#[test]
fn a_no_is_exit_code_one() {
    let line = format!(r#"{ASK} confirm "Remove it?" --flag --yes"#);
    let (_, code) = Terminal::new(&line).until("[y/N] ").types("\n").end();
    assert_eq!(code, 1);
    let (_, code) = Terminal::new(&line).until("[y/N] ").types("y\n").end();
    assert_eq!(code, 0);
}

#[test]
fn ctrl_c_is_130_and_leaves_the_terminal_as_it_was() {
    let line = format!(
        r#"trap : INT; before=$(stty -g); rc=0; {ASK} line "Name" --flag NAME || rc=$?
        [ "$before" = "$(stty -g)" ] && echo "same, $rc""#
    );
    let (rest, _) = Terminal::new(&line).until("Name: ").types("half\x03").end();
    assert!(rest.contains("same, 130"), "{rest}");
}

#[test]
fn the_end_of_input_is_no_answer() {
    let (_, code) = Terminal::new(&format!(r#"{ASK} confirm "Go on?" --default yes"#))
        .until("[Y/n] ")
        .types("\x04")
        .end();
    assert_eq!(code, 130);
}

#[test]
fn without_a_terminal_the_option_is_named() {
    for (words, flag) in [
        (&["confirm", "Remove it?", "--flag", "--yes"][..], "`--yes`"),
        (&["choose", "Which?", "a", "b", "--flag", "NAME"], "`NAME`"),
        (&["line", "Name", "--flag=--name"], "`--name`"),
    ] {
        let output = without_terminal(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(flag) && output.stdout.is_empty(), "{said}");
    }
}

#[test]
fn a_file_answers_in_a_try_out_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("answers");
    std::fs::write(&file, "y\nb\n").unwrap();
    let run = |words: &[&str], root: bool| {
        let mut command = Command::new(ASK);
        command.args(words).env("DS01_ANSWERS", &file).stdin(Stdio::null());
        match root {
            true => command.env("DS01_ROOT", dir.path()),
            false => command.env_remove("DS01_ROOT"),
        };
        command.output().unwrap()
    };
    assert_eq!(run(&["confirm", "Go on?"], false).status.code(), Some(2));
    assert_eq!(run(&["confirm", "Go on?"], true).status.code(), Some(0));
    let chosen = run(&["choose", "Which?", "a\tthe first", "b", "--flag", "NAME"], true);
    assert_eq!(String::from_utf8(chosen.stdout).unwrap(), "b\n");
}
