//! gpu-avail - could this user get a GPU now, and if not, what is in the way
//!
//! Asks the ledger's own rule and changes nothing: exit 0 with the slots, or exit 3 with
//! every limit in the way.

use cli::Tool;
use ds01_fault::{Code, Fault};
use ds01_ledger::decide::{Denied, Request, decide};
use ds01_ledger::facts::Facts;
use ds01_ledger::types::Want;
use ds01_site::Site;
use ds01_text::Output;
use serde_json::{Value, json};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose limits count
    user: String,
    /// How many slots
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u32,
    /// full, mig (any instance), any, or a MIG profile such as 2g.20gb
    #[arg(long, value_name = "PROFILE", default_value = "any", value_parser = want)]
    profile: Want,
}

fn want(text: &str) -> Result<Want, String> {
    text.parse()
}

impl Tool for Args {
    const NAME: &'static str = "gpu-avail";
    const ABOUT: &'static str = "could this user get a GPU now, and if not, what is in the way";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let (facts, now) = (Facts::gather(site)?, site.now());
        let state = ds01_ledger::view::state(site)?;
        let limits = facts.limits(&self.user, now);
        let request = Request {
            // No container bears such a name, so no lease is taken for its own.
            container: "?".into(),
            user: self.user,
            count: self.count,
            want: self.profile,
            ..Request::default()
        };
        let ahead = facts.ahead(&request, &state, now);
        match decide(&request, &facts.grounds(&limits, &state, &ahead, now)) {
            Ok(grant) => {
                let lease = grant.lease();
                let document = json!({"available": true, "user": lease.user,
                    "gpu_id": lease.gpu_id(), "slots": lease.slots});
                let text = format!("{} could get {} now", lease.user, lease.gpu_id());
                Ok(Output::one(&document).text(text))
            }
            Err(Denied::Bad(fault)) => Err(fault),
            Err(Denied::Refused(refusal)) => {
                let mut document = json!({"available": false, "user": request.user});
                if let (Value::Object(all), Ok(Value::Object(why))) =
                    (&mut document, serde_json::to_value(&*refusal))
                {
                    all.extend(why);
                }
                let text = refusal.fault().to_string();
                Ok(Output::one(&document).text(text).exit(Code::Limit as u8))
            }
        }
    }

    fn at_the_door(&self, site: &Site) -> bool {
        site.config_is_closed()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
