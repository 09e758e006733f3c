//! The only place that writes to stdout and stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use ds01_fault::{Code, Context, Fault};
use ds01_gate::Ran;
use ds01_text::{Output, Parts, pick, printable};
use serde_json::Value;

use crate::args::{Common, Form};

/// Plain text on stdout.
pub(crate) fn text(text: &str) -> ExitCode {
    finish(io::stdout().lock().write_all(text.as_bytes()).map_err(into_fault), 0, false)
}

/// Words beside the answer, on stderr; with that gone nobody wants them.
pub(crate) fn aside(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// What a tool has said that ran at the door.
pub(crate) fn ran(ran: &Ran) -> ExitCode {
    let _ = io::stderr().lock().write_all(ran.stderr.as_bytes());
    let mut out = io::stdout().lock();
    let written = out.write_all(ran.stdout.as_bytes()).and_then(|()| out.flush());
    finish(written.map_err(into_fault), ran.exit, false)
}

/// A tool's answer in the form asked for.
pub(crate) fn output(mut output: Output, common: &Common, form: &Form) -> ExitCode {
    let code = output.code();
    if !common.quiet {
        for note in output.notes() {
            let _ = writeln!(io::stderr().lock(), "{note}");
        }
    }
    if *form == Form::Text {
        output.make_text();
    }
    let written = match output.take_stream() {
        Some(source) => {
            let mut out = io::stdout().lock();
            source(&mut |value, words| {
                let line = line_of(&value, words, form)?;
                out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(into_fault)
            })
        }
        None => whole(&output, form).and_then(|text| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(into_fault)
        }),
    };
    for failed in output.faults() {
        fault(failed, common.asked_json());
    }
    output.take_after().into_iter().for_each(|work| work());
    finish(written, code, common.asked_json())
}

fn whole(output: &Output, form: &Form) -> Result<String, Fault> {
    if let Form::Fields(name) = form
        && let Some(text) = output.named(name)
    {
        return Ok(with_newline(text.to_owned()));
    }
    match (form, output.parts()) {
        (Form::Text, _) => Ok(with_newline(output.words().to_owned())),
        (Form::Json, Parts::One(value)) => Ok(format!("{value:#}\n")),
        (Form::Json, Parts::Ready(text)) => Ok(format!("{text}\n")),
        (Form::Fields(fields), Parts::Ready(text)) => {
            let value = serde_json::from_str(text)
                .or_fault(Code::Failed, || "cannot find fields in the answer".into())?;
            Ok(format!("{}\n", pick(&value, fields)?))
        }
        (Form::Json, Parts::Many(items)) => {
            Ok(items.iter().map(|item| format!("{item}\n")).collect())
        }
        (Form::Fields(fields), Parts::One(value)) => Ok(format!("{}\n", pick(value, fields)?)),
        (Form::Fields(fields), Parts::Many(items)) => {
            items.iter().map(|item| Ok(format!("{}\n", pick(item, fields)?))).collect()
        }
    }
}

fn line_of(value: &Value, words: &str, form: &Form) -> Result<String, Fault> {
    match form {
        Form::Text => Ok(with_newline(words.to_owned())),
        Form::Json => Ok(format!("{value}\n")),
        Form::Fields(fields) => Ok(format!("{}\n", pick(value, fields)?)),
    }
}

fn with_newline(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A line about a step that takes a while, for whoever watches.
pub(crate) fn progress(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = writeln!(stderr, "{}", printable(text));
    }
}

/// A fault on stderr, as lines or as an object.
pub(crate) fn fault(fault: &Fault, json: bool) -> ExitCode {
    let text = if json { fault.json().to_string() } else { lines(fault) };
    // With stderr gone there is nobody left to tell; the exit code still says it.
    let _ = writeln!(io::stderr().lock(), "{text}");
    ExitCode::from(fault.code as u8)
}

fn lines(fault: &Fault) -> String {
    let mut text = format!("error: {}", printable(&fault.what));
    if !fault.why.is_empty() {
        text += &format!("\n  why: {}", printable(&fault.why));
    }
    if !fault.shown.is_empty() {
        text += "\n";
        text += fault.shown.trim_end();
    }
    if !fault.todo.is_empty() {
        text += &format!("\n   do: {}", printable(&fault.todo));
    }
    text
}

/// A reader that has seen enough (`| head -1`) closes the pipe: that is no failure.
fn into_fault(error: io::Error) -> Fault {
    match error.kind() {
        ErrorKind::BrokenPipe => Fault::new(Code::Interrupted, CLOSED),
        _ => Fault::failed("cannot write to stdout").why(error.to_string()),
    }
}

const CLOSED: &str = "the reader closed the pipe";

fn finish(written: Result<(), Fault>, code: u8, json: bool) -> ExitCode {
    match written {
        Ok(()) => ExitCode::from(code),
        Err(closed) if closed.code == Code::Interrupted && closed.what == CLOSED => {
            ExitCode::from(code)
        }
        Err(other) => fault(&other, json),
    }
}
