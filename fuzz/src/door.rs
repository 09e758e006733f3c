//! The Docker door: what it reads is written again so that it is read the same, and what it
//! lets through carries owner, slice and limits, whatever the request.

use ds01_door::http::Head;
use ds01_door::{
    Answer, Ask, Body, Facts, Forward, Grant, Owner, Request, Role, Stop, Target, Who, Words,
    decide, json, routes,
};
use ds01_units::{Bytes, Limit};

use crate::targets::Target as Fed;

pub const TARGETS: [Fed; 4] = [
    Fed { name: "head", read: head, words: || words(HEAD) },
    Fed { name: "target", read: target, words: || words(TARGET) },
    Fed { name: "json", read: document, words: || words(JSON) },
    Fed { name: "create", read: create, words: || words(CREATE) },
];

const HEAD: &[&str] = &[
    "\r\n",
    "\n",
    "Content-Length: 2\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close, x\r\n",
    "Upgrade: tcp\r\n",
    " HTTP/1.1\r\n",
    ": ",
    "Expect: 100-continue\r\n",
    "\r\n\r\n",
];
const TARGET: &[&str] = &[
    "/v1.41",
    "/containers",
    "/json",
    "/create",
    "?",
    "&",
    "=",
    "%2f",
    "%2e",
    "%00",
    "..",
    "//",
    "http://x",
    "#",
    ";",
    "+",
    "filters=",
    "limit=1",
    "/exec",
    "/images",
];
const JSON: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"a\"", "null", "true", "1e9", "-0", "\\u0041", "\\ud800", "é",
];
const CREATE: &[&str] = &[
    "\"Image\":\"bb\"",
    "\"HostConfig\":{",
    "}",
    ",",
    "\"Privileged\":true",
    "\"Binds\":[\"/home/alice:/h\"]",
    "\"Binds\":[\"/etc:/h\"]",
    "\"Labels\":{\"ds01.user\":\"bob\"}",
    "\"Env\":[\"NVIDIA_VISIBLE_DEVICES=all\"]",
    "\"PidMode\":\"host\"",
    "\"PidMode\":\"container:x\"",
    "\"NetworkMode\":\"host\"",
    "\"CapAdd\":[\"SYS_ADMIN\"]",
    "\"CgroupParent\":\"/\"",
    "\"Memory\":-1",
    "\"ho\\u017ftconfig\":{",
    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/\"}]",
    "\"DeviceRequests\":[{\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}]",
    "\"privileged\":true",
    "null",
    "\"NetworkingConfig\":{\"EndpointsConfig\":{\"host\":{}}}",
];

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

fn head(input: &[u8]) -> Result<bool, String> {
    let Ok(Some((head, taken))) = Head::parse(input) else { return Ok(false) };
    if taken > input.len() {
        return Err("it took more than there is".into());
    }
    let hop = ["connection", "transfer-encoding", "content-length", "upgrade", "te", "host"];
    match head.headers.iter().find(|(key, _)| hop.contains(&key.to_ascii_lowercase().as_str())) {
        Some((key, _)) => Err(format!("{key} would be sent on")),
        None => Ok(true),
    }
}

fn target(input: &[u8]) -> Result<bool, String> {
    let Ok(text) = std::str::from_utf8(input) else { return Ok(false) };
    let Ok(target) = Target::parse(text) else { return Ok(false) };
    let canonical = target.canonical();
    match Target::parse(&canonical) {
        Ok(same) if same == target => Ok(true),
        _ => Err(format!("{text:?} is sent on as {canonical:?}, which is read otherwise")),
    }
}

fn document(input: &[u8]) -> Result<bool, String> {
    let Ok(value) = json::parse(input) else { return Ok(false) };
    let written = json::write(&value);
    match json::parse(&written) {
        Ok(same) if same == value => Ok(true),
        _ => Err(format!("it is written as {}", String::from_utf8_lossy(&written))),
    }
}

/// Decides a create of alice's, with everything it names hers.
fn decided(body: json::Value) -> Result<Forward, Stop> {
    let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
    let target = Target::parse("/v1.41/containers/create?name=t1")?;
    let request = Request {
        method: "POST".into(),
        route: routes::of("POST", &target),
        target,
        content_type: String::new(),
        content_encoding: String::new(),
        user_agent: String::new(),
        body: Some(body),
    };
    let mut facts = Facts::default();
    loop {
        let ask = match decide(&request, &alice, &Words::default(), &facts, "now") {
            Err(Stop::Need(ask)) => ask,
            other => return other,
        };
        let own = Owner::User("alice".into());
        let id = "0123456789abcdef".repeat(4);
        let answer = match &ask {
            Ask::Container(_) => Answer::Container { id, owner: own },
            Ask::Exec(_) => Answer::Exec { owner: own },
            Ask::Volume(_) => Answer::Volume { owner: own, users: Vec::new() },
            Ask::Network(_) => Answer::Network { id, name: "net".into(), owner: own },
            Ask::Image(_) => Answer::Image { id, tags: Vec::new(), labels: Vec::new() },
            Ask::OwnImage(_) => Answer::Missing(Vec::new()),
            Ask::Subnets => Answer::Subnets { pools: Vec::new(), routes: Vec::new() },
            Ask::Images => Answer::Names(Vec::new()),
            Ask::Path(path) => Answer::Path(path.clone()),
            Ask::BindsOf(_) | Ask::GpusOf(_) => Answer::Paths(Vec::new()),
            Ask::Limits | Ask::Grant(_) => Answer::Granted(grant()),
        };
        facts.add(ask, answer);
    }
}

pub fn grant() -> Grant {
    Grant {
        cgroup_parent: "ds01-students-alice.slice".into(),
        cpus: Limit::Max(4.0),
        memory: Limit::Max(Bytes(1 << 30)),
        memory_swap: Limit::Max(Bytes(1 << 30)),
        pids: Limit::Max(512),
        shm: Some(Bytes(1 << 28)),
        gpus: Vec::new(),
        labels: Vec::new(),
        warnings: Vec::new(),
        name: None,
        lease: None,
    }
}

fn create(input: &[u8]) -> Result<bool, String> {
    let Ok(body) = json::parse(input) else { return Ok(false) };
    let Ok(forward) = decided(body) else { return Ok(false) };
    let Body::Json(sent) = &forward.body else { return Err("a create without a body".into()) };
    let text = String::from_utf8_lossy(sent).into_owned();
    let value: serde_json::Value = serde_json::from_slice(sent).map_err(|e| e.to_string())?;
    let host = &value["HostConfig"];
    let devices = value["Env"].as_array().map_or(0, |env| {
        env.iter()
            .filter(|e| e.as_str().is_some_and(|e| e.starts_with("NVIDIA_VISIBLE_DEVICES=")))
            .count()
    });
    let memory = host["Memory"].as_i64().unwrap_or(0);
    for (holds, what) in [
        (value["Labels"]["ds01.user"] == "alice", "not alice's"),
        (host["CgroupParent"] == "ds01-students-alice.slice", "not in her slice"),
        (host["Privileged"] != true, "privileged"),
        (devices == 1, "visible devices are not said once"),
        ((1..=1 << 30).contains(&memory), "without the memory limit"),
        (host["PidMode"] != "host" && host["NetworkMode"] != "host", "in the host's name spaces"),
        (!text.contains("\"/etc"), "with /etc"),
    ] {
        if !holds {
            return Err(format!("it passes {what}: {text}"));
        }
    }
    // What is sent on is what was decided on: deciding it again changes nothing.
    let again = json::parse(sent).map_err(|denial| denial.message())?;
    match decided(again) {
        Ok(same) if same.body == forward.body => Ok(true),
        Ok(other) => Err(format!("{text} becomes {:?} the second time", other.body)),
        Err(stop) => Err(format!("{text} is refused the second time: {stop:?}")),
    }
}
