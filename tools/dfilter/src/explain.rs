//! The verdict on a request, offline: what would be asked of the daemon is answered as for
//! something that is the user's own.

use ds01_config::Config;
use ds01_door::{
    Answer, Ask, Body, Expected, Facts, Owner, Request, Stop, Target, decide, expected, json,
    routes,
};
use ds01_fault::Fault;
use ds01_people::{Accounts, Nss, find};
use ds01_site::Site;
use ds01_text::Output;
use serde_json::json;

use crate::people;

pub fn explain(
    site: &Site,
    method: &str,
    path: &str,
    body: Option<&str>,
    user: &str,
) -> Result<Output, Fault> {
    let config = Config::load(site)?;
    let accounts: &dyn Accounts = &Nss;
    let person = find(accounts, user)?;
    let name = person.account.name.clone();
    let who = people::who(&person, &config.access().admin_group, config.is_admin(&name), true);
    let words = ds01_admission::words(&config, &name, site.now());
    let malformed = |denial: ds01_door::Denial| refusal(&denial, &[]);

    let target = match Target::parse(path) {
        Ok(target) => target,
        Err(denial) => return Ok(malformed(denial)),
    };
    let route = routes::of(method, &target);
    let parsed = match (expected(route.as_ref(), who.role), body) {
        (Expected::Json(_), Some(body)) => match json::parse(body.as_bytes()) {
            Ok(body) => Some(body),
            Err(denial) => return Ok(malformed(denial)),
        },
        _ => None,
    };
    let request = Request {
        method: method.to_owned(),
        target,
        route,
        content_type: "application/json".into(),
        content_encoding: String::new(),
        user_agent: "Docker-Client/explain".into(),
        body: parsed,
    };
    let mut facts = Facts::default();
    let mut assumed = Vec::new();
    loop {
        match decide(&request, &who, &words, &facts, &site.now().to_string()) {
            Ok(forward) => {
                let body = match &forward.body {
                    Body::Json(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
                    _ => serde_json::Value::Null,
                };
                let document =
                    json!({"allow": true, "path": forward.path, "body": body, "assumed": assumed});
                let mut text = format!("allowed: {method} {}\n", forward.path);
                if !body.is_null() {
                    text += &format!("{body:#}\n");
                }
                return Ok(Output::one(&document).text(text + &assumptions(&assumed)));
            }
            Err(Stop::Deny(denial)) => return Ok(refusal(&denial, &assumed)),
            Err(Stop::Missing(_)) => {
                return Ok(Output::one(&json!({"allow": false, "status": 404})).text("not found\n"));
            }
            Err(Stop::Need(ask)) => {
                let own = Owner::User(name.clone());
                let id = || "0".repeat(64);
                let answer = match &ask {
                    Ask::Container(given) => {
                        assumed.push(format!("the container {given} is {name}'s"));
                        Answer::Container { id: id(), owner: own }
                    }
                    Ask::Exec(given) => {
                        assumed.push(format!("the exec {given} is in a container of {name}"));
                        Answer::Exec { owner: own }
                    }
                    Ask::Volume(given) => {
                        assumed.push(format!("the volume {given} is {name}'s"));
                        Answer::Volume { owner: own, users: Vec::new() }
                    }
                    Ask::Network(given) => {
                        assumed.push(format!("the network {given} is {name}'s"));
                        Answer::Network { id: id(), name: given.clone(), owner: own }
                    }
                    Ask::Image(given) => {
                        assumed.push(format!("the image {given} has no labels of ds01's"));
                        Answer::Image { id: id(), tags: vec![given.clone()], labels: Vec::new() }
                    }
                    Ask::OwnImage(given) => {
                        assumed
                            .push(format!("there is no image {given}, which would be meant first"));
                        Answer::Missing(Vec::new())
                    }
                    Ask::Subnets => {
                        assumed.push(
                            "Docker has its own address pools, and no range is in use".into(),
                        );
                        Answer::Subnets { pools: Vec::new(), routes: Vec::new() }
                    }
                    Ask::Images => {
                        assumed.push(format!("{name} has no images"));
                        Answer::Names(Vec::new())
                    }
                    Ask::Path(path) => Answer::Path(path.clone()),
                    Ask::BindsOf(_) | Ask::GpusOf(_) => Answer::Paths(Vec::new()),
                    Ask::Limits => {
                        Answer::Granted(ds01_admission::limits(&config, &name, site.now()))
                    }
                    Ask::Grant(wish) => {
                        assumed.push(format!("{name} has no other containers"));
                        if wish.gpus != ds01_door::Wanted::None {
                            assumed.push("the GPUs are free; `gpu-avail` tells".to_owned());
                        }
                        let none = ds01_admission::Standing::default();
                        match ds01_admission::grant(&config, &who, wish, &none, site.now()) {
                            Ok(mut grant) => {
                                if wish.gpus != ds01_door::Wanted::None {
                                    grant.gpus = vec!["(what the ledger leases)".to_owned()];
                                }
                                Answer::Granted(grant)
                            }
                            Err(denial) => Answer::Refused(denial),
                        }
                    }
                };
                facts.add(ask, answer);
            }
        }
    }
}

fn refusal(denial: &ds01_door::Denial, assumed: &[String]) -> Output {
    let document = json!({
        "allow": false, "status": denial.status, "code": denial.code,
        "message": denial.message(), "explain": denial.lines.explain, "assumed": assumed,
    });
    let text = format!("refused ({}, {}): {}\n", denial.status, denial.code, denial.message());
    Output::one(&document).text(text + &assumptions(assumed))
}

fn assumptions(assumed: &[String]) -> String {
    assumed.iter().map(|line| format!("assumed: {line}\n")).collect()
}
