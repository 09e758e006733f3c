//! The command line as an order: names and directories looked at, nothing made but the
//! workspace.

use std::path::{Path, PathBuf};

use ds01_ask::{Ask, Choice};
use ds01_containers::create::{WORKSPACE, directory, resident};
use ds01_containers::order::{Gpus, Order};
use ds01_containers::{Mine, image};
use ds01_fault::Fault;
use ds01_names::container::check_short;
use ds01_site::Site;
use ds01_text::printable;
use serde_json::Value;

use crate::{Args, framework};

/// Images that are offered at most.
const MOST: usize = 30;

pub fn order(args: Args, site: &Site, mine: &Mine, ask: &Ask) -> Result<Order, Fault> {
    let typed = match &args.name {
        Some(name) => name.clone(),
        None => ask.line("What is it to be called?", None, "NAME", |name| {
            check_short(name).map_err(|bad| bad.to_string())
        })?,
    };
    let container = mine.full(&typed)?;
    let name = mine.short(&container).to_owned();
    if let Some(project) = &args.project {
        check_project(project)?;
    }
    let cpu_only = args.cpu_only || args.gpus == Some(Gpus::None);
    let image = image_of(&args, site, mine, ask, &name, cpu_only)?;
    image::check(&image)?;
    let gpus = if cpu_only { Gpus::None } else { args.gpus.unwrap_or(Gpus::Count(1)) };
    let under = args.project.as_deref().unwrap_or(&name);
    let workspace = args.workspace.unwrap_or_else(|| usual(mine, under));
    let mut mounts = vec![directory(&workspace, "/workspace", !args.dry_run, WORKSPACE)?];
    for (given, target, option) in
        [(&args.data, "/data", "--data"), (&args.models, "/models", "--models")]
    {
        if let Some(given) = given {
            mounts.push(directory(given, target, false, option)?);
        }
    }
    // Without a readable config the door refuses by itself.
    let ipc_host =
        mine.config().is_ok_and(|config| config.resolve(mine.user(), mine.now()).ipc_host);
    let orchestrated = std::env::var("DS01_INTERFACE").is_ok_and(|word| word == "orchestration");
    Ok(Order {
        name,
        container,
        image,
        gpus,
        profile: args.profile,
        project: args.project,
        interface: if orchestrated { "orchestration" } else { "atomic" },
        mounts,
        ipc_host,
        resident: resident(mine),
    })
}

fn usual(mine: &Mine, under: &str) -> PathBuf {
    Path::new(&mine.person().account.home).join("workspace").join(under)
}

/// A project is the name of a directory too.
fn check_project(project: &str) -> Result<(), Fault> {
    check_short(project).map_err(|bad| {
        Fault::usage(format!("`{}` is no name for a project", printable(project)))
            .why(bad.to_string().replace("container's", "project's"))
            .todo("choose another name")
    })
}

fn image_of(
    args: &Args,
    site: &Site,
    mine: &Mine,
    ask: &Ask,
    name: &str,
    cpu_only: bool,
) -> Result<String, Fault> {
    if let Some(image) = &args.image {
        return Ok(image.clone());
    }
    if let Some(framework) = &args.framework {
        return Ok(framework::find(site, framework, args.version.as_deref(), cpu_only)?.image);
    }
    // The image that was built for this project is called as the project is.
    let account = &mine.person().account;
    let under = args.project.as_deref().unwrap_or(name);
    if let Ok(own) = ds01_names::image::full(under, &account.name, account.uid)
        && image::is_here(mine.docker(), &own)?
    {
        return Ok(own);
    }
    if !ask.can_ask() {
        return Err(Fault::usage("no image is named")
            .why(format!("you have no image of your own called {}", printable(under)))
            .todo("name one with --image, or a framework such as pytorch behind the name"));
    }
    let here = here(mine)?;
    if here.is_empty() {
        return ask.line("Which image?", None, "--image", |text| {
            image::check(text).map_err(|bad| bad.why)
        });
    }
    let at = ask.choose("Which image?", &here, None, "--image")?;
    Ok(here[at].value.clone())
}

/// What this person may see of the images here, their own first.
fn here(mine: &Mine) -> Result<Vec<Choice>, Fault> {
    let rows: Vec<Value> = mine.docker().get(&["images", "json"], &[])?;
    let tags = |row: &Value| row["RepoTags"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = rows
        .iter()
        .flat_map(tags)
        .filter_map(|tag| tag.as_str().map(str::to_owned))
        .filter(|tag| !tag.starts_with('<'))
        .collect();
    let account = &mine.person().account;
    let own = |name: &str| ds01_names::image::is_own(name, &account.name, account.uid);
    names.sort_by_key(|name| (!own(name), name.clone()));
    names.truncate(MOST);
    Ok(names
        .into_iter()
        .map(|name| {
            let about = if own(&name) { "your own" } else { "" };
            Choice::new(name, about)
        })
        .collect())
}
