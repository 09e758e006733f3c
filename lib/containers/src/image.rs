//! An image that a container is to be made of: there, or fetched with its progress told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use ds01_docker::{Docker, Method};
use ds01_fault::{Code, Fault};
use ds01_text::printable;
use ds01_units::Bytes;
use serde::Deserialize;
use serde_json::Value;

/// A registry that says nothing for so long has gone.
const QUIET: Duration = Duration::from_secs(300);
/// Lines of progress are short; more is not from Docker.
const LONGEST_LINE: u64 = 1 << 20;
const ALIKE: f64 = 0.7;

/// Whether Docker has it here.
pub fn is_here(docker: &Docker, image: &str) -> Result<bool, Fault> {
    // The parts of a name are those of the path: an encoded slash is refused at the door.
    let path: Vec<&str> = ["images"].into_iter().chain(image.split('/')).chain(["json"]).collect();
    match docker.get::<Value>(&path, &[]) {
        Ok(_) => Ok(true),
        Err(fault) if fault.code == Code::NotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// What a person may call an image; the rest is Docker's to judge.
pub fn check(image: &str) -> Result<(), Fault> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
    let wrong_part = |part: &str| matches!(part, "" | "." | "..");
    // Tags may have capital letters, and a registry's host before the first slash too.
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => image,
    };
    let tag = last.find([':', '@']).map_or(0, |at| last.len() - at);
    let capital = |c: char| c.is_ascii_uppercase();
    if name[..name.len().saturating_sub(tag)].contains(capital) {
        return Err(Fault::usage(format!("`{}` is no name of an image", printable(image)))
            .why("an image's name has no capital letters; only its tag, behind the colon, may")
            .todo(format!("did you mean {}?", printable(&image.to_ascii_lowercase()))));
    }
    if image.len() > 512
        || image.starts_with('-')
        || image.contains(odd)
        || image.split('/').any(wrong_part)
    {
        return Err(Fault::usage(format!("`{}` is no name of an image", printable(image)))
            .why("it is empty, too long, or holds what no image's name has")
            .todo("`docker images` lists what is here; such as python:3.13"));
    }
    Ok(())
}

/// Fetches it, and tells how far it is.
pub fn pull(docker: &Docker, image: &str, tell: &dyn Fn(&str)) -> Result<(), Fault> {
    // Without a tag Docker would fetch all of them.
    let (name, tag) = match image.rsplit_once('/').map_or(image, |(_, last)| last) {
        last if last.contains('@') => (image, ""),
        last => match last.split_once(':') {
            Some((_, tag)) => (&image[..image.len() - tag.len() - 1], tag),
            None => (image, "latest"),
        },
    };
    let mut query = vec![("fromImage", name)];
    if !tag.is_empty() {
        query.push(("tag", tag));
    }
    tell(&format!("fetching {image} ..."));
    let stream = docker
        .stream_of(Method::Post, &["images", "create"], &query, Some(QUIET))
        .map_err(|fault| missing(docker, image, fault))?;
    let mut lines = BufReader::new(stream);
    let mut layers = Layers::default();
    loop {
        let mut line = String::new();
        let read = std::io::Read::take(&mut lines, LONGEST_LINE).read_line(&mut line);
        match read.map_err(|error| docker.broke(&error))? {
            0 => break,
            _ => {
                let Ok(step) = serde_json::from_str::<Step>(&line) else { continue };
                if let Some(error) = &step.error {
                    let fault = Fault::new(kind(error), format!("Docker refuses: {error}"));
                    return Err(missing(docker, image, fault));
                }
                if let Some(words) = layers.step(&step) {
                    tell(&format!("fetching {image}: {words}"));
                }
            }
        }
    }
    Ok(())
}

/// What a registry's complaint means.
fn kind(error: &str) -> Code {
    let has = |part: &str| error.contains(part);
    if has("not found") || has("does not exist") || has("manifest unknown") || has("denied") {
        Code::NotFound
    } else {
        Code::Failed
    }
}

/// Whether it was a registry that complained, not the way to it.
fn reached(error: &str) -> bool {
    let lost =
        ["dial tcp", "network is unreachable", "no such host", "i/o timeout", "Client.Timeout"];
    !lost.iter().any(|part| error.contains(part))
}

fn missing(docker: &Docker, image: &str, fault: Fault) -> Fault {
    let told = |text: &str| text.strip_prefix("Docker refuses: ").unwrap_or(text).to_owned();
    let why = told(fault.what.lines().next().unwrap_or_default());
    if why.contains("no space left") {
        return Fault::failed(format!("{image} cannot be fetched: the disk is full"))
            .why(why)
            .todo(
                "remove images that you no longer need (`docker image prune`), and tell the admins",
            );
    }
    let near = nearest(docker, image).unwrap_or_default();
    let todo = match near {
        Some(near) => {
            format!("did you mean {}? `docker images` lists what is here", printable(&near))
        }
        None => "check the name; `docker images` lists what is here".into(),
    };
    match fault.code {
        Code::Unreachable | Code::NotPermitted => fault,
        Code::NotFound => {
            Fault::not_found(format!("there is no image {image}")).why(why).todo(todo)
        }
        // Where no registry can be reached, what is not here is nowhere.
        _ if !reached(&why) => {
            Fault::not_found(format!("the image {image} is not here and cannot be fetched"))
                .why("no registry can be reached from this machine")
                .todo(todo)
                .detail("registry", why)
        }
        _ => Fault::not_found(format!("the image {image} is not here and cannot be fetched"))
            .why(why)
            .todo(todo),
    }
    .detail("image", image)
}

/// The one that is here and most alike.
fn nearest(docker: &Docker, image: &str) -> Result<Option<String>, Fault> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "RepoTags", default)]
        tags: Option<Vec<String>>,
    }
    let rows: Vec<Row> = docker.get(&["images", "json"], &[])?;
    let wanted = tagged(image);
    let alike = |tag: &String| strsim::jaro_winkler(&wanted, tag);
    Ok(rows
        .into_iter()
        .flat_map(|row| row.tags.unwrap_or_default())
        .filter(|tag| alike(tag) >= ALIKE)
        .max_by(|a, b| alike(a).total_cmp(&alike(b))))
}

fn tagged(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

/// A line of Docker's progress.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Step {
    id: String,
    status: String,
    error: Option<String>,
    #[serde(rename = "progressDetail")]
    detail: Detail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: u64,
    total: u64,
}

/// How far all layers are together.
#[derive(Debug, Default)]
struct Layers {
    of: BTreeMap<String, (u64, u64)>,
    told: u64,
}

impl Layers {
    /// Words, whenever another tenth has come.
    fn step(&mut self, step: &Step) -> Option<String> {
        if step.status != "Downloading" || step.detail.total == 0 {
            return None;
        }
        self.of.insert(step.id.clone(), (step.detail.current, step.detail.total));
        let (have, all) = self
            .of
            .values()
            .fold((0, 0), |(have, all), (current, total)| (have + current, all + total));
        let tenth = have * 10 / all;
        // More layers make it fall back; nobody wants to hear 20 % twice.
        if tenth <= self.told {
            return None;
        }
        self.told = tenth;
        Some(format!("{} of {} ({} %)", Bytes(have).words(), Bytes(all).words(), have * 100 / all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_a_tenth_at_a_time_and_never_backwards() {
        let mut layers = Layers::default();
        let mut step = |id: &str, current: u64, total: u64| {
            let detail = Detail { current, total };
            layers.step(&Step {
                id: id.into(),
                status: "Downloading".into(),
                detail,
                ..Step::default()
            })
        };
        assert!(step("a", 1, 100).is_none());
        assert!(step("a", 50, 100).unwrap().contains("50 %"));
        assert!(step("b", 0, 900).is_none());
        assert!(step("b", 0, 0).is_none());
        assert!(step("b", 900, 900).unwrap().contains("95 %"));
    }

    #[test]
    fn what_no_image_is_called_is_a_wrong_command_line() {
        for bad in ["", "-v", "a b", "a\nb", "ä", "a//b", "/a", "a/", "../x", &"x".repeat(513)] {
            assert_eq!(check(bad).unwrap_err().code as u8, 2, "{bad}");
        }
        for bad in ["UPPER", "ghcr.io/Org/app", "Lab:latest", "a/B@sha256:00"] {
            assert!(check(bad).unwrap_err().why.contains("capital"), "{bad}");
        }
        for good in ["a:V1", "REG.example/a", "localhost:5000/a/b:RC", "a", "a/b@sha256:AB"] {
            assert!(check(good).is_ok(), "{good}");
        }
        assert!(check("nvcr.io/nvidia/pytorch:24.01-py3").is_ok());
        assert_eq!(tagged("reg:5000/a"), "reg:5000/a:latest");
    }
}
