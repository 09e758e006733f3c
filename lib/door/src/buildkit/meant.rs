//! What an image's name means in a Dockerfile that BuildKit reads past the door: one's own
//! first. BuildKit is told so by a source policy, a rule for each image of the user's own.
//! Engines before 24 know no such policies and leave it unread.

use crate::ask::Case;
use crate::buildkit::messages;
use crate::facts::{Answer, Ask, Stop};
use crate::own::{self, Reference, own_space};
use crate::proto::Parsed;

/// More images than that are found by their full names only.
const MOST: usize = 500;
/// Of BuildKit's `PolicyAction` and `MatchType`. `EXACT` matches but never converts; a name
/// holds nothing that a wildcard would take for more than itself.
const CONVERT: u64 = 2;
const WILDCARD: u64 = 0;

/// Adds the rules to a build's own policy.
pub fn own_first(case: &Case, solve: &mut Parsed) -> Result<(), Stop> {
    let Answer::Names(names) = case.answer(Ask::Images)? else { return Ok(()) };
    let rules: Vec<Parsed> =
        names.iter().filter_map(|own| rule(&typed(case, own)?, own)).take(MOST).collect();
    if rules.is_empty() {
        return Ok(());
    }
    if !solve.has("SourcePolicy") {
        let mut policy = Parsed::new(&messages::POLICY);
        policy.add_number("version", 1);
        solve.add("SourcePolicy", policy);
    }
    for policy in solve.messages_mut("SourcePolicy") {
        for rule in &rules {
            policy.add("rules", rule.clone());
        }
    }
    Ok(())
}

/// The name that means this image to its owner.
fn typed(case: &Case, own: &str) -> Option<String> {
    let cut = Reference::cut(own);
    let path = cut.path.strip_prefix(&own_space(case.who))?.strip_prefix('/')?;
    let host = cut.host.map(|host| format!("{host}/")).unwrap_or_default();
    let typed = format!("{host}{path}{}", cut.rest);
    (own::first(&typed, case.who, case.words).as_deref() == Some(own)).then_some(typed)
}

fn rule(typed: &str, own: &str) -> Option<Parsed> {
    let mut selector = Parsed::new(&messages::SELECTOR);
    selector.set("identifier", identifier(typed)?);
    selector.add_number("match_type", WILDCARD);
    let mut update = Parsed::new(&messages::SOURCE_OP);
    update.set("identifier", identifier(own)?);
    let mut rule = Parsed::new(&messages::RULE);
    rule.add_number("action", CONVERT);
    rule.add("selector", selector);
    rule.add("updates", update);
    Some(rule)
}

/// A name as BuildKit has it: in full, with its tag.
fn identifier(name: &str) -> Option<String> {
    let Reference { host, path, rest } = Reference::cut(name);
    // What has lost its tag, or is named by its digest, is nobody's `FROM`.
    let tagged = rest.starts_with(':') && !rest.contains('@');
    let library = if host.is_none() && !path.contains('/') { "library/" } else { "" };
    let host = host.unwrap_or("docker.io");
    tagged.then(|| format!("docker-image://{host}/{library}{path}{rest}"))
}
