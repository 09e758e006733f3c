//! Asking the Docker door to run one of ds01's tools for the caller: `POST /ds01/<tool>`.
//!
//! What belongs to root (the ledger, the event log) is changed and read by a tool that the
//! door runs as root and for nobody but whoever asked. Here lives the client of that: what is
//! sent, what comes back. Which tools there are and with which arguments, and who is asking,
//! the door decides.

use std::path::PathBuf;
use std::time::Duration;

use ds01_docker::{Answer, Docker};
use ds01_fault::{Code, Fault};
use ds01_site::Site;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longer than the door lets a tool run, so that its word on that comes first.
const PATIENCE: Duration = Duration::from_secs(45);

/// A tool that has run: its exit code and all that it wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    pub exit: u8,
    pub stdout: String,
    pub stderr: String,
}

/// Where the door is: what `DOCKER_HOST` names, else the usual socket. Never the daemon's own,
/// which root would reach: there is no door in it.
fn door(site: &Site) -> Result<Docker, Fault> {
    if std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty()) {
        return Docker::from_env();
    }
    Ok(Docker::at(socket(site)))
}

fn socket(site: &Site) -> PathBuf {
    site.root().join("var/run/docker.sock")
}

/// Runs a tool at the door, as the person that this process belongs to.
///
/// A tool that ran and failed is no fault: see [`Ran::ok`]. Without a door, or where the door
/// does not run this for this person, it is one.
pub fn run(site: &Site, tool: &str, args: &[&str], stdin: Option<&str>) -> Result<Ran, Fault> {
    at(&door(site)?.patience(PATIENCE), tool, args, stdin)
}

fn at(door: &Docker, tool: &str, args: &[&str], stdin: Option<&str>) -> Result<Ran, Fault> {
    let mut body = json!({"args": args});
    if let Some(stdin) = stdin {
        body["stdin"] = json!(stdin);
    }
    let answer = door.post_beside(&["ds01", tool], &body).map_err(|fault| no_door(fault, tool))?;
    read(&answer, tool)
}

fn read(answer: &Answer, tool: &str) -> Result<Ran, Fault> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        return serde_json::from_value(said).map_err(|error| {
            Fault::unreachable(format!("the Docker door's answer for {tool} cannot be read"))
                .why(error.to_string())
                .todo("see who listens on the socket: `ss -xlp`")
        });
    }
    // A refusal of the door names its reason; a daemon without a door knows no such page.
    let (Some(code), Some(message)) = (said["code"].as_str(), said["message"].as_str()) else {
        let fault = Fault::unreachable("a Docker daemon answers there, without ds01's door")
            .why(format!("its answer for /ds01/{tool} was {}", answer.status));
        return Err(no_door(fault, tool));
    };
    let kind = match answer.status {
        400 | 413 | 415 => Code::Usage,
        403 => Code::NotPermitted,
        404 => Code::NotFound,
        429 => Code::Limit,
        502..=504 => Code::Unreachable,
        _ => Code::Failed,
    };
    let mut lines = message.split('\n');
    let mut fault = Fault::new(kind, lines.next().unwrap_or_default()).detail("code", code);
    for line in lines.map(str::trim) {
        if let Some(why) = line.strip_prefix("why: ") {
            why.clone_into(&mut fault.why);
        } else if let Some(todo) = line.strip_prefix("do: ") {
            todo.clone_into(&mut fault.todo);
        }
    }
    Err(fault)
}

fn no_door(fault: Fault, tool: &str) -> Fault {
    let why = match fault.why.is_empty() {
        true => fault.what.clone(),
        false => format!("{}: {}", fault.what, fault.why),
    };
    Fault::new(fault.code, format!("{tool} needs the Docker door to do this for you"))
        .why(why)
        .todo(format!("ask an admin, who can do it as root: sudo {tool} ..."))
}

impl Ran {
    /// Itself where the tool did what was asked, else the fault that it told, as far as it
    /// told one in JSON: ask with `-o json`.
    pub fn ok(self, tool: &str) -> Result<Self, Fault> {
        if self.exit == 0 { Ok(self) } else { Err(self.fault(tool)) }
    }

    /// The answer of a tool that was asked with `-o json` and writes one document.
    pub fn json<T: DeserializeOwned>(&self, tool: &str) -> Result<T, Fault> {
        serde_json::from_str(&self.stdout).map_err(|error| unreadable(tool, &error))
    }

    /// The same of one that writes a document a line.
    pub fn lines<T: DeserializeOwned>(&self, tool: &str) -> Result<Vec<T>, Fault> {
        let lines = self.stdout.lines().filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).map_err(|e| unreadable(tool, &e))).collect()
    }

    fn fault(&self, tool: &str) -> Fault {
        let code = [
            Code::Usage,
            Code::Limit,
            Code::NotFound,
            Code::NotPermitted,
            Code::Unreachable,
            Code::Unreadable,
            Code::Interrupted,
        ];
        let code = code.into_iter().find(|code| *code as u8 == self.exit).unwrap_or(Code::Failed);
        let text = self.stderr.trim();
        let Ok(Value::Object(mut said)) = serde_json::from_str(text) else {
            return Fault::new(code, format!("{tool} ended with exit code {}", self.exit))
                .why(text);
        };
        let mut take = |key: &str| match said.remove(key) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (what, why, todo) = (take("message"), take("why"), take("todo"));
        take("error");
        said.remove("exit_code");
        let mut fault = Fault::new(code, what).why(why).todo(todo);
        fault.details.extend(said);
        fault
    }
}

fn unreadable(tool: &str, error: &serde_json::Error) -> Fault {
    Fault::failed(format!("the answer of {tool} is not as documented")).why(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_tools_fault_comes_back_as_it_was() {
        let fault = Fault::limit("the line is full").why("16 wait").todo("later").detail("n", 16);
        let ran = Ran { exit: 3, stdout: String::new(), stderr: format!("{}\n", fault.json()) };
        assert_eq!(ran.ok("gpu-queue").unwrap_err(), fault);
    }

    #[test]
    fn a_tool_that_told_no_json_is_quoted() {
        let ran = Ran { exit: 5, stdout: String::new(), stderr: "error: no\n".into() };
        let fault = ran.ok("gpu-queue").unwrap_err();
        assert_eq!((fault.code, fault.why.as_str()), (Code::NotPermitted, "error: no"));
    }

    /// A door that gives one answer; what it was asked comes back.
    fn asked(status: u16, answer: &str) -> (Result<Ran, Fault>, String) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("var/run")).unwrap();
        let socket = root.path().join("var/run/docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let length = answer.len();
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{answer}");
        let door = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            while !seen.ends_with(b"}") {
                let count = stream.read(&mut piece).unwrap();
                seen.extend_from_slice(&piece[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(seen).unwrap()
        });
        let ran = at(&Docker::at(socket), "gpu-queue", &["join", "--gpus", "2"], None);
        (ran, door.join().unwrap())
    }

    #[test]
    fn the_door_is_asked_beside_dockers_api_and_what_the_tool_said_comes_back() {
        let (ran, seen) = asked(200, r#"{"exit": 3, "stdout": "o", "stderr": "e"}"#);
        let wanted = Ran { exit: 3, stdout: "o".into(), stderr: "e".into() };
        assert_eq!(ran, Ok(wanted));
        assert!(seen.starts_with("POST /ds01/gpu-queue HTTP/1.1\r\n"), "{seen}");
        assert!(seen.ends_with(r#"{"args":["join","--gpus","2"]}"#), "{seen}");
    }

    #[test]
    fn a_refusal_keeps_its_three_lines_and_its_kind() {
        let body = r#"{"message": "no\n  why: because\n  do: ask", "code": "gate.argument"}"#;
        let fault = asked(403, body).0.unwrap_err();
        let lines = (fault.what.as_str(), fault.why.as_str(), fault.todo.as_str());
        assert_eq!((fault.code, lines), (Code::NotPermitted, ("no", "because", "ask")));
        let busy = asked(429, r#"{"message": "wait", "code": "gate.busy"}"#).0.unwrap_err();
        assert_eq!(busy.code, Code::Limit);
    }

    #[test]
    fn a_daemon_without_a_door_is_told_from_a_refusal() {
        for (status, answer) in [(404, r#"{"message":"page not found"}"#), (404, ""), (200, "{}")] {
            let fault = asked(status, answer).0.unwrap_err();
            assert_eq!(fault.code, Code::Unreachable, "{answer}");
        }
    }

    #[test]
    fn where_no_door_is_an_admin_is_named() {
        let root = tempfile::tempdir().unwrap();
        let door = Docker::at(socket(&Site::at(root.path())));
        let fault = at(&door, "gpu-queue", &["join"], None).unwrap_err();
        assert_eq!(fault.code, Code::Unreachable);
        assert!(fault.why.contains("docker.sock"), "{fault}");
        assert!(fault.todo.contains("sudo gpu-queue"), "{fault}");
    }
}
