//! At a limit, somebody at a terminal may ask for something else at once.

use ds01_ask::{Ask, Choice};
use ds01_containers::order::{Gpus, Order};
use ds01_containers::wait;
use ds01_fault::{Code, Fault};

/// What to try next.
#[derive(Debug)]
pub enum Other {
    Wait,
    Order(Box<Order>),
}

/// Whether what is in the way is about GPUs: then waiting, or less of them, may help.
pub fn is_about_gpus(fault: &Fault) -> bool {
    fault.code == Code::Limit && fault.details.get("code").is_some_and(|code| code == "limit.gpus")
}

/// Asks what to do instead; nothing where nobody can answer or gives up.
pub fn offer(ask: &Ask, order: &Order, fault: &Fault) -> Result<Option<Other>, Fault> {
    let others = others(order, fault);
    if others.is_empty() || !ask.can_ask() {
        return Ok(None);
    }
    cli::complain(fault);
    let mut choices: Vec<Choice> =
        others.iter().map(|(word, about, _)| Choice::new(word, about.as_str())).collect();
    choices.push(Choice::new("stop", "make nothing"));
    let last = choices.len() - 1;
    let at = ask.choose("What would you rather have?", &choices, Some(last), "--gpus or --wait")?;
    Ok(others.into_iter().nth(at).map(|(.., other)| other))
}

type Offered = (String, String, Other);

fn others(order: &Order, fault: &Fault) -> Vec<Offered> {
    let mut others = Vec::new();
    if !is_about_gpus(fault) || order.gpus == Gpus::None {
        return others;
    }
    let mut add = |word: &str, about: &str, other: Order| {
        others.push((word.to_owned(), about.to_owned(), Other::Order(Box::new(other))));
    };
    let advice = fault.details.get("would_pass").and_then(|all| all.as_array());
    for way in advice.into_iter().flatten().filter_map(|way| way.as_str()) {
        if let Some(profile) = way.strip_prefix("--profile ") {
            let about = format!("--profile {profile}");
            let other = Order { profile: Some(profile.to_owned()), ..order.clone() };
            add(profile, &about, other);
        }
    }
    if let Gpus::Count(count) = order.gpus
        && count > 1
    {
        let other = Order { gpus: Gpus::Count(count - 1), ..order.clone() };
        add("fewer", &format!("--gpus {}", count - 1), other);
    }
    let none = Order { gpus: Gpus::None, profile: None, ..order.clone() };
    add("cpu-only", "no GPU", none);
    if wait::helps(fault) {
        let about = "in line, until one is free".to_owned();
        others.push(("wait".into(), about, Other::Wait));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use ds01_containers::inside::Resident;
    use serde_json::json;

    fn order(gpus: Gpus) -> Order {
        Order {
            name: "t".into(),
            container: "t._.alice".into(),
            image: "i".into(),
            gpus,
            profile: None,
            project: None,
            interface: "atomic",
            mounts: vec![],
            ipc_host: false,
            resident: Resident::plain("alice", 1, 1),
        }
    }

    fn words(order: &Order, fault: &Fault) -> Vec<String> {
        others(order, fault).into_iter().map(|(word, ..)| word).collect()
    }

    #[test]
    fn what_would_pass_is_offered_with_less_and_the_line() {
        let fault = Fault::limit("x").detail("code", "limit.gpus").detail(
            "would_pass",
            json!(["--profile 1g.10gb", "container-retire a", "--wait (position 2, by then)"]),
        );
        assert_eq!(words(&order(Gpus::Count(2)), &fault), ["1g.10gb", "fewer", "cpu-only", "wait"]);
        assert_eq!(words(&order(Gpus::None), &fault), [""; 0]);
    }

    #[test]
    fn a_limit_of_containers_is_not_mended_by_fewer_gpus() {
        let fault = Fault::limit("x").detail("code", "limit.containers");
        assert_eq!(words(&order(Gpus::Count(2)), &fault), [""; 0]);
    }

    #[test]
    fn an_answer_at_the_terminal_changes_the_order() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("answers");
        let fault = Fault::limit("x").detail("code", "limit.gpus");
        let answered = |answer: &str| {
            std::fs::write(&file, answer).unwrap();
            offer(&Ask::from_file(&file), &order(Gpus::Count(2)), &fault).unwrap()
        };
        assert!(
            matches!(answered("fewer\n"), Some(Other::Order(other)) if other.gpus == Gpus::Count(1))
        );
        assert!(answered("\n").is_none());
    }
}
