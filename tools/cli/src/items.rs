//! Names on stdin: `idle-check | container-stop -` hands over the lines of one tool to the
//! next, whether they are JSON or plain names.

use std::io::{BufRead, IsTerminal, Read};

use ds01_fault::{Code, Context, Fault};
use serde_json::Value;

/// A name to work on, and the line it came in, when that was JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub name: String,
    pub from: Option<Value>,
}

/// No line that names something is longer; more is a wrong file on stdin.
const LONGEST_LINE: u64 = 1 << 20;

/// The names given as arguments, or those on stdin where there are none or the only one is
/// `-`. `fields` are the keys that hold the name in a JSON line, the best first.
///
/// At a terminal nobody is asked: the fault names the argument instead.
pub fn items(arguments: Vec<String>, fields: &[&str], what: &str) -> Result<Vec<Item>, Fault> {
    let from_stdin = arguments == ["-"];
    if !arguments.is_empty() && !from_stdin {
        return Ok(arguments.into_iter().map(|name| Item { name, from: None }).collect());
    }
    let stdin = std::io::stdin();
    if !from_stdin && stdin.is_terminal() {
        return Err(Fault::usage(format!("no {what} named"))
            .why("stdin is a terminal, so no names come from there")
            .todo(format!("name one as an argument, or pipe in lines that hold a {what}")));
    }
    read(stdin.lock(), fields, what)
}

fn read(mut input: impl BufRead, fields: &[&str], what: &str) -> Result<Vec<Item>, Fault> {
    let mut items = Vec::new();
    for number in 1.. {
        let mut line = String::new();
        let read = (&mut input)
            .take(LONGEST_LINE)
            .read_line(&mut line)
            .or_fault(Code::Usage, || format!("cannot read line {number} of stdin"))?;
        if read == 0 {
            break;
        }
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if !line.starts_with('{') {
            items.push(Item { name: line.to_owned(), from: None });
            continue;
        }
        let value: Value = serde_json::from_str(line)
            .or_fault(Code::Usage, || format!("line {number} of stdin is no whole JSON object"))?;
        let name = fields.iter().find_map(|field| value.get(field)?.as_str()).ok_or_else(|| {
            Fault::usage(format!("line {number} of stdin names no {what}"))
                .why(format!("none of its fields is {}", fields.join(" or ")))
        })?;
        items.push(Item { name: name.to_owned(), from: Some(value.clone()) });
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, Fault> {
        Ok(read(text.as_bytes(), &["container", "name"], "container")?
            .into_iter()
            .map(|i| i.name)
            .collect())
    }

    #[test]
    fn json_lines_and_plain_names_may_be_mixed() {
        let text = "{\"container\":\"a._.alice\",\"name\":\"a\"}\n\n  b._.bob \n{\"name\":\"c\"}";
        assert_eq!(names(text).unwrap(), ["a._.alice", "b._.bob", "c"]);
    }

    #[test]
    fn a_line_that_names_nothing_is_refused_by_its_number() {
        assert_eq!(names("a\n{\"x\":1}").unwrap_err().what, "line 2 of stdin names no container");
        assert_eq!(names("{\"x\":").unwrap_err().what, "line 1 of stdin is no whole JSON object");
    }
}
