//! admit: the policy of the Docker door as a program, a request in on stdin and the
//! decision out on stdout. It makes the same calls as the door does.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use cli::Tool;
use ds01_config::Config;
use ds01_door::{Body, Denial, Request, Target, json, routes};
use ds01_fault::{Code, Context, Fault};
use ds01_people::{Nss, Person, find, of_uid};
use ds01_site::Site;
use ds01_text::Output;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// No request is longer: the door reads no larger body.
const LONGEST: u64 = 8 << 20;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Socket of the Docker daemon, asked whose things are, in place of /var/run/docker-real.sock
    #[arg(long, value_name = "SOCKET")]
    upstream: Option<PathBuf>,
    /// Lease nothing
    #[arg(long)]
    dry_run: bool,
}

/// What comes in.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Asked {
    op: Op,
    /// Absent: whoever calls.
    #[serde(default)]
    who: Option<Named>,
    /// `name` for a create; `id` is the container of a start.
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    id: Option<String>,
    /// Kept as it was written: the door's own strict reader takes it from there.
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Op {
    Create,
    Start,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    uid: Option<u32>,
    /// False for somebody who asks from within a container: there nobody is an admin.
    #[serde(default = "yes")]
    may_be_admin: bool,
    // What else the door knows of a peer, which decides nothing here.
    #[serde(default)]
    #[allow(dead_code)]
    gid: Option<u32>,
    #[serde(default)]
    #[allow(dead_code)]
    pid: Option<i32>,
}

fn yes() -> bool {
    true
}

impl Tool for Args {
    const NAME: &'static str = "admit";
    const ABOUT: &'static str = "may this person create or start this container, and with what";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let mut text = String::new();
        std::io::stdin()
            .take(LONGEST)
            .read_to_string(&mut text)
            .or_fault(Code::Usage, || "cannot read the request on stdin".into())?;
        let asked: Asked = serde_json::from_str(&text).map_err(|error| {
            Fault::usage("stdin holds no request")
                .why(error.to_string())
                .todo(r#"write {"op": "create", "who": {"user": "alice"}, "query": {"name": "x"}, "body": {…}}"#)
        })?;
        let config = Config::load(site)?;
        let person = person(site, asked.who.as_ref())?;
        let named = config.is_admin(&person.account.name);
        let may_be_admin =
            site.caller().may_be_admin && asked.who.as_ref().is_none_or(|named| named.may_be_admin);
        let who = dfilter::who(&person, &config.access().admin_group, named, may_be_admin);
        let request = match request(&asked)? {
            Ok(request) => request,
            Err(denial) => return Ok(refused(&denial)),
        };
        let upstream = self.upstream.unwrap_or_else(|| dfilter::upstream(site));
        let decided = dfilter::once(site, upstream, Arc::new(Nss), &request, &who, self.dry_run)?;
        Ok(match decided {
            Ok(forward) => {
                let body: Value = match &forward.body {
                    Body::Json(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
                    _ => Value::Null,
                };
                let grant = forward.grant.as_ref();
                let mut document = json!({
                    "allow": true, "path": forward.path, "body": body,
                    "warnings": grant.map(|grant| grant.warnings.clone()).unwrap_or_default(),
                    "lease": grant.and_then(|grant| grant.lease.clone()),
                    "volumes": forward.volumes,
                });
                if self.dry_run {
                    document["dry_run"] = json!(true);
                }
                Output::one(&document).text(format!("allowed: {}\n", forward.path))
            }
            Err(denial) => refused(&denial),
        })
    }
}

/// A refusal is an answer, not a fault: the exit code is that of a decision made.
fn refused(denial: &Denial) -> Output {
    let document = json!({
        "allow": false, "status": denial.status, "code": denial.code,
        "message": denial.message(), "explain": denial.lines.explain,
    });
    Output::one(&document).text(format!("refused ({}): {}\n", denial.code, denial.message()))
}

/// Whom it is decided for. Only root may name somebody else.
fn person(site: &Site, named: Option<&Named>) -> Result<Person, Fault> {
    let caller = site.caller();
    let person = match named {
        None => of_uid(&Nss, caller.uid)?,
        Some(Named { user: Some(user), .. }) => find(&Nss, user)?,
        Some(Named { uid: Some(uid), .. }) => of_uid(&Nss, *uid)?,
        Some(_) => {
            return Err(Fault::usage("`who` names nobody").todo("give it a user or a uid"));
        }
    };
    if caller.is_root() || person.account.uid == caller.uid {
        return Ok(person);
    }
    Err(Fault::not_permitted(format!("only root decides for {}", person.account.name))
        .why(format!("you are uid {}", caller.uid))
        .todo("leave `who` out to ask for yourself"))
}

fn request(asked: &Asked) -> Result<Result<Request, Denial>, Fault> {
    let raw = match (asked.op, &asked.id) {
        (Op::Create, _) => "/containers/create".to_owned(),
        (Op::Start, Some(id)) => format!("/containers/{id}/start"),
        (Op::Start, None) => {
            return Err(Fault::usage("a start names no container").todo("give its `id` or name"));
        }
    };
    // Behind either the rest would be no path any more.
    if raw.contains(['?', '%']) {
        return Err(Fault::usage("the `id` is no container's")
            .todo("give the name or the id as `docker ps` shows it"));
    }
    let mut target = match Target::parse(&raw) {
        Ok(target) => target,
        Err(denial) => return Ok(Err(denial)),
    };
    for (key, value) in &asked.query {
        target.query.set(key, value);
    }
    let body = match (asked.op, &asked.body) {
        (Op::Start, _) | (_, None) => None,
        (Op::Create, Some(body)) => match json::parse(body.get().as_bytes()) {
            Ok(body) => Some(body),
            Err(denial) => return Ok(Err(denial)),
        },
    };
    let route = routes::of("POST", &target);
    Ok(Ok(Request {
        method: "POST".into(),
        target,
        route,
        content_type: "application/json".into(),
        content_encoding: String::new(),
        user_agent: String::new(),
        body,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn a_request_becomes_what_the_door_would_read() {
        let asked: Asked = serde_json::from_str(
            r#"{"op":"create","who":{"uid":1,"gid":2},"query":{"name":"x y"},"body":{"Image":"bb"}}"#,
        )
        .unwrap();
        let request = request(&asked).unwrap().unwrap();
        assert_eq!(request.target.canonical(), "/containers/create?name=x%20y");
        assert_eq!(request.body.unwrap().get("Image").unwrap().as_text(), Some("bb"));
        let start: Asked = serde_json::from_str(r#"{"op":"start","id":"../x"}"#).unwrap();
        assert!(super::request(&start).unwrap().is_err());
        for id in ["x?y=", "x%2f.."] {
            let start = format!(r#"{{"op":"start","id":"{id}"}}"#);
            assert!(super::request(&serde_json::from_str(&start).unwrap()).is_err());
        }
    }
}
