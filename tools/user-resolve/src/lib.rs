//! user-resolve - who a user is: canonical name, groups, admin or not, slice, name spaces

use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_names::{SliceName, container, image};
use ds01_people::{Accounts, Nss, Person, find, of_uid};
use ds01_site::Site;
use ds01_text::{Output, Table};
use serde::Serialize;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Names or uids, - for those on stdin; without any, whoever calls
    ///
    /// A number is taken for a name first, since accounts may be called 212345. With a plus
    /// in front, +1001, it is always a uid.
    #[arg(value_name = "USER")]
    users: Vec<String>,
}

/// What the rest of ds01 calls somebody.
#[derive(Debug, PartialEq, Serialize)]
struct Resolved {
    user: String,
    uid: u32,
    gid: u32,
    home: String,
    /// The groups of the system.
    groups: Vec<String>,
    admin: bool,
    /// The group of the config, which decides limits and slice.
    group: String,
    slice: String,
    container_suffix: String,
    image_namespace: String,
}

impl cli::Tool for Args {
    const NAME: &'static str = "user-resolve";
    const ABOUT: &'static str =
        "who a user is: canonical name, groups, admin or not, slice, name spaces";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let config = Config::load(site)?;
        let (people, unknown) = people(self.users, site, &Nss)?;
        let resolved: Vec<_> = people.iter().map(|person| resolve(person, &config)).collect();
        let output = Output::many(&resolved).text(text(&resolved));
        Ok(unknown.into_iter().fold(output, |output, fault| {
            output.note(format!("{}: {}", fault.what, fault.why)).exit(fault.code as u8)
        }))
    }
}

/// Those who are known, and why the others are not: one strange name in a list hides nobody
/// else. Alone, a strange name is the whole answer.
fn people(
    users: Vec<String>,
    site: &Site,
    nss: &dyn Accounts,
) -> Result<(Vec<Person>, Vec<Fault>), Fault> {
    if users.is_empty() {
        return Ok((vec![of_uid(nss, site.caller().uid)?], Vec::new()));
    }
    let items = cli::items(users, &["user", "owner", "name"], "user")?;
    let (mut people, mut unknown) = (Vec::new(), Vec::new());
    for item in &items {
        match find(nss, &item.name) {
            Ok(person) => people.push(person),
            Err(fault) if fault.code == Code::NotFound && items.len() > 1 => unknown.push(fault),
            Err(fault) => return Err(fault),
        }
    }
    Ok((people, unknown))
}

fn resolve(person: &Person, config: &Config) -> Resolved {
    let account = &person.account;
    let (user, uid) = (account.name.as_str(), account.uid);
    let group = config.group_of(user).name.clone();
    Resolved {
        user: user.to_owned(),
        uid,
        gid: account.gid,
        home: account.home.display().to_string(),
        groups: person.group_names(),
        admin: person.is_admin(&config.access().admin_group, config.is_admin(user)),
        slice: SliceName::user(&group, user).to_string(),
        group,
        container_suffix: container::suffix(user, uid),
        image_namespace: image::namespace(user, uid),
    }
}

fn text(resolved: &[Resolved]) -> String {
    let mut table = Table::new(["USER", "UID", "GROUP", "ADMIN", "SLICE", "CONTAINERS", "IMAGES"]);
    for one in resolved {
        table.row([
            one.user.clone(),
            one.uid.to_string(),
            one.group.clone(),
            if one.admin { "yes" } else { "no" }.to_owned(),
            one.slice.clone(),
            format!("NAME{}{}", container::SEPARATOR, one.container_suffix),
            format!("{}/NAME", one.image_namespace),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
