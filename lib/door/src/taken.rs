//! Names that somebody else has. Docker has one name for everybody, and two people whose
//! projects are both called `shop` would be in each other's way. So what a person makes under
//! a name that is another's gets their suffix, `shop-web-1._.bob`, and they reach it by the
//! name they typed. Nobody is given what is another's: a name that means nothing of one's own
//! is judged as it stands.
//!
//! Pure; whose something is, is asked as every other fact is.

use ds01_names::container as names;

use crate::ask::Case;
use crate::facts::{Answer, Ask, Owner, Stop};
use crate::json::Value;
use crate::who::{Role, Who};

/// What a name stands for, seen by one person.
#[derive(PartialEq)]
enum Whose {
    Nothing,
    Own,
    /// Of somebody else's.
    Taken,
    /// It has no owner.
    Open,
}

impl Case<'_> {
    /// What a person means by a name: what has that name, or else what has it with their suffix.
    pub fn meant(&self, ask: fn(String) -> Ask, name: &str) -> Result<String, Stop> {
        let Some(full) = self.suffixed(name) else { return Ok(name.to_owned()) };
        match self.whose(ask(name.to_owned()))? {
            Whose::Own | Whose::Open => Ok(name.to_owned()),
            Whose::Nothing | Whose::Taken => match self.whose(ask(full.clone()))? {
                Whose::Own => Ok(full),
                _ => Ok(name.to_owned()),
            },
        }
    }

    /// The name that something new gets.
    pub fn given(&self, ask: fn(String) -> Ask, name: &str) -> Result<String, Stop> {
        match self.suffixed(name) {
            Some(full) if self.whose(ask(name.to_owned()))? == Whose::Taken => Ok(full),
            _ => Ok(name.to_owned()),
        }
    }

    /// The name with the suffix, where there may be one. Not of what may be an id: of the
    /// beginnings of ids some are several containers'.
    fn suffixed(&self, name: &str) -> Option<String> {
        if self.who.role != Role::Ordinary || name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let name = name.strip_prefix('/').unwrap_or(name);
        names::full(name, &self.who.user, self.who.uid).ok()
    }

    fn whose(&self, ask: Ask) -> Result<Whose, Stop> {
        let of = |owner: &Owner| match owner {
            Owner::User(user) if *user == self.who.user => Whose::Own,
            Owner::User(_) => Whose::Taken,
            Owner::Nobody => Whose::Open,
        };
        match self.answer(ask) {
            Err(Stop::Missing(_)) => Ok(Whose::Nothing),
            Err(stop) => Err(stop),
            Ok(
                Answer::Container { owner, .. }
                | Answer::Network { owner, .. }
                | Answer::Volume { owner, .. },
            ) => Ok(of(owner)),
            Ok(_) => Ok(Whose::Open),
        }
    }
}

/// The name that its owner typed. Clients look for it in lists of networks.
pub fn typed<'a>(name: &'a str, who: &Who) -> &'a str {
    let own = names::suffix(&who.user, who.uid);
    name.strip_suffix(own.as_str())
        .and_then(|rest| rest.strip_suffix(names::SEPARATOR))
        .filter(|rest| who.role == Role::Ordinary && !crate::objects::PREDEFINED.contains(rest))
        .unwrap_or(name)
}

/// In networks of one's own a container is found by its name, so by the one that was typed.
pub fn alias(body: &mut Value, typed: &str) {
    let network =
        body.get("HostConfig").and_then(|host| host.get("NetworkMode")).and_then(Value::as_text);
    let network = network.unwrap_or_default().to_owned();
    let host = ["", "default", "bridge", "none", "host"].contains(&network.as_str());
    let endpoints = body.within("NetworkingConfig").within("EndpointsConfig");
    if !host && !network.starts_with("container:") && endpoints.get(&network).is_none() {
        endpoints.set(&network, Value::Object(Vec::new()));
    }
    let Value::Object(map) = endpoints else { return };
    for (_, settings) in map.iter_mut().filter(|(name, _)| name != "bridge") {
        if !matches!(settings, Value::Object(_)) {
            *settings = Value::Object(Vec::new());
        }
        let mut aliases =
            settings.get("Aliases").and_then(Value::as_list).unwrap_or_default().to_vec();
        aliases.push(Value::text(typed));
        settings.set("Aliases", Value::List(aliases));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::who::Words;

    fn bob() -> Who {
        Who { uid: 1002, gid: 1002, user: "bob".into(), role: Role::Ordinary }
    }

    fn facts(all: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (name, owner) in all {
            let answer = match *owner {
                "" => Answer::Missing(Vec::new()),
                owner => Answer::Container { id: "i".into(), owner: Owner::User(owner.to_owned()) },
            };
            facts.add(Ask::Container((*name).to_owned()), answer);
        }
        facts
    }

    #[test]
    fn a_name_that_is_anothers_is_ones_own_with_the_suffix() {
        let (who, words) = (bob(), Words::default());
        for (known, meant, given) in [
            (&[("web", "bob")][..], "web", "web"),
            (&[("web", ""), ("web._.bob", "")], "web", "web"),
            (&[("web", ""), ("web._.bob", "bob")], "web._.bob", "web"),
            (&[("web", "alice"), ("web._.bob", "bob")], "web._.bob", "web._.bob"),
            (&[("web", "alice"), ("web._.bob", "")], "web", "web._.bob"),
            // Another's suffix forged on a name gives nothing away.
            (&[("web", "alice"), ("web._.bob", "alice")], "web", "web._.bob"),
        ] {
            let facts = facts(known);
            let case = Case { who: &who, words: &words, facts: &facts };
            assert_eq!(case.meant(Ask::Container, "web").unwrap(), meant, "{known:?}");
            assert_eq!(case.given(Ask::Container, "web").unwrap(), given, "{known:?}");
        }
    }

    #[test]
    fn ids_and_full_names_are_what_they_are_and_so_is_all_that_admins_say() {
        let (who, words, facts) = (bob(), Words::default(), Facts::default());
        let case = Case { who: &who, words: &words, facts: &facts };
        for name in ["0123456789ab", "beef", "web._.alice", "no name"] {
            assert_eq!(case.meant(Ask::Container, name).unwrap(), name);
        }
        let admin = Who { role: Role::Admin, ..bob() };
        let case = Case { who: &admin, ..case };
        assert_eq!(case.given(Ask::Container, "web").unwrap(), "web");
        assert_eq!(typed("net._.bob", &admin), "net._.bob");
    }

    #[test]
    fn the_typed_name_is_shown_and_never_one_of_dockers_own() {
        assert_eq!(typed("shop_default._.bob", &bob()), "shop_default");
        assert_eq!(typed("shop_default._.alice", &bob()), "shop_default._.alice");
        assert_eq!(typed("bridge._.bob", &bob()), "bridge._.bob");
    }

    #[test]
    fn the_typed_name_is_an_alias_in_networks_of_ones_own() {
        for (body, aliased) in [
            (r#"{"HostConfig":{"NetworkMode":"n1"}}"#, r#""n1":{"Aliases":["db"]}"#),
            (
                r#"{"HostConfig":{"NetworkMode":"n1"},"NetworkingConfig":{"EndpointsConfig":{"n1":{"Aliases":["x"]}}}}"#,
                r#""n1":{"Aliases":["x","db"]}"#,
            ),
            (r#"{"HostConfig":{"NetworkMode":"default"}}"#, r#""EndpointsConfig":{}"#),
            (r#"{"HostConfig":{"NetworkMode":"container:x"}}"#, r#""EndpointsConfig":{}"#),
        ] {
            let mut body = crate::json::parse(body.as_bytes()).unwrap();
            alias(&mut body, "db");
            let written = String::from_utf8(crate::json::write(&body)).unwrap();
            assert!(written.contains(aliased), "{written}");
        }
    }
}
