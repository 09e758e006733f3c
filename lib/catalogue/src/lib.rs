//! The catalogue of frameworks: which image a framework in a version is, for which kind of
//! GPU. The file is AIME's `ml_images.repo`, in both of its generations: a line is
//! `Framework, version, ARCH, image`, and ARCH one word (`CUDA_ADA`) or several
//! (`[CUDA_ADA;CUDA_AMPERE]`).
//!
//! Here may live what the file says and which line is meant; no Docker and no GPU is asked.

mod arch;
mod version;

use std::path::{Path, PathBuf};

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::printable;
use serde::Serialize;

pub use arch::Arch;
use version::newer;

/// A framework's names are this alike, or none is offered.
const ALIKE: f64 = 0.6;
const OWN: &str = "ml_images.repo";
/// Where AIME's own tools keep theirs, the later generation first.
const EARLIER: &[&str] = &["opt/aime-mlc/ml_images.repo", "opt/aime-ml-containers/ml_images.repo"];

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    pub framework: String,
    pub version: String,
    pub archs: Vec<String>,
    pub image: String,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    path: PathBuf,
    offers: Vec<Offer>,
}

impl Catalogue {
    /// The machine's own: `/etc/ds01/ml_images.repo`, else AIME's.
    pub fn load(site: &Site) -> Result<Self, Fault> {
        let own = site.etc().join(OWN);
        let mut places = vec![own.clone()];
        places.extend(EARLIER.iter().map(|path| site.root().join(path)));
        for path in places {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text, &path),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Fault::unreadable(format!("cannot read {}", path.display()))
                        .why(error.to_string())
                        .todo("ask the admins"));
                }
            }
        }
        Err(Fault::not_found("there is no catalogue of frameworks on this machine")
            .why(format!("{} does not exist", own.display()))
            .todo("name an image with --image; an admin can begin with the example in share/ds01/catalogue"))
    }

    /// From the text of a file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Fault> {
        let mut offers = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim().trim_start_matches('\u{feff}');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let offer = offer(line).map_err(|why| {
                Fault::unreadable(format!(
                    "{}:{} is no line of a catalogue",
                    path.display(),
                    at + 1
                ))
                .why(why)
                .todo("write `Framework, version, ARCH, image`, with [A;B] for several ARCHs")
            })?;
            offers.push(offer);
        }
        Ok(Self { path: path.to_owned(), offers })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What there is for one of these architectures, by framework, the newest first, each
    /// version once, for the best of them.
    pub fn offers(&self, archs: &[Arch]) -> Vec<&Offer> {
        let mut found: Vec<(usize, &Offer)> =
            self.offers.iter().filter_map(|one| Some((rank(one, archs)?, one))).collect();
        found.sort_by(|(a_rank, a), (b_rank, b)| {
            a.framework
                .to_lowercase()
                .cmp(&b.framework.to_lowercase())
                .then_with(|| newer(&a.version, &b.version))
                .then_with(|| a_rank.cmp(b_rank))
        });
        found.dedup_by(|(_, b), (_, a)| same(&a.framework, &b.framework) && a.version == b.version);
        found.into_iter().map(|(_, one)| one).collect()
    }

    /// The line for a framework and a version, or its newest, on the first of these
    /// architectures that has it.
    pub fn find(
        &self,
        framework: &str,
        version: Option<&str>,
        archs: &[Arch],
    ) -> Result<&Offer, Fault> {
        let framework = meant(framework);
        let of_it: Vec<&Offer> =
            self.offers.iter().filter(|one| same(&one.framework, framework)).collect();
        if of_it.is_empty() {
            return Err(self.no_framework(framework));
        }
        let fitting: Vec<&Offer> =
            self.offers(archs).into_iter().filter(|one| same(&one.framework, framework)).collect();
        let found = match version {
            None => fitting.first().copied(),
            Some(version) => fitting.iter().find(|one| one.version == version).copied(),
        };
        found.ok_or_else(|| no_version(&of_it, &fitting, version))
    }

    fn no_framework(&self, framework: &str) -> Fault {
        let mut names: Vec<&str> = self.offers.iter().map(|one| one.framework.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let alike =
            |name: &&&str| strsim::jaro_winkler(&framework.to_lowercase(), &name.to_lowercase());
        let near = names
            .iter()
            .filter(|name| alike(name) >= ALIKE)
            .max_by(|a, b| alike(a).total_cmp(&alike(b)));
        let fault = Fault::not_found(format!(
            "no framework `{}` is in the catalogue",
            printable(framework)
        ));
        match near {
            Some(near) => fault.why(format!("did you mean {near}?")).detail("nearest", *near),
            None => fault.why(format!("{} has {}", self.path.display(), names.join(", "))),
        }
        .todo("`container-create --frameworks` lists them; --image takes any other image")
    }
}

fn no_version(of_it: &[&Offer], fitting: &[&Offer], version: Option<&str>) -> Fault {
    let name = &of_it[0].framework;
    let versions: Vec<&str> = fitting.iter().map(|one| one.version.as_str()).collect();
    let Some(version) = version else {
        return Fault::not_found(format!("the catalogue has no {name} for this machine"))
            .why("none of its lines is for this kind of GPU")
            .todo("`container-create --frameworks` lists what is; --image takes any other image");
    };
    let elsewhere = of_it.iter().any(|one| one.version == version);
    Fault::not_found(format!("there is no {name} {} for this machine", printable(version)))
        .why(match elsewhere {
            true => "the catalogue has it for other kinds of GPUs".to_owned(),
            false => "the catalogue does not have it".to_owned(),
        })
        .todo(match versions.is_empty() {
            true => "`container-create --frameworks` lists what there is".to_owned(),
            false => format!("choose one of {}", versions.join(", ")),
        })
        .detail("versions", versions)
}

fn offer(line: &str) -> Result<Offer, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [framework, version, archs, image] = fields[..] else {
        return Err(format!("it has {} fields and not 4", fields.len()));
    };
    for (name, field) in
        [("framework", framework), ("version", version), ("ARCH", archs), ("image", image)]
    {
        let odd = |c: char| c.is_control() || (c.is_whitespace() && name != "ARCH");
        if field.is_empty() || field.chars().any(odd) {
            return Err(format!("its {name} is `{}`", printable(field)));
        }
    }
    let list = match (archs.strip_prefix('['), archs.strip_suffix(']')) {
        (Some(_), Some(_)) => &archs[1..archs.len() - 1],
        (None, None) => archs,
        _ => return Err(format!("its ARCH is `{archs}`, with one bracket")),
    };
    let archs: Vec<String> = list.split(';').map(|one| one.trim().to_uppercase()).collect();
    if archs.iter().any(String::is_empty) {
        return Err("its ARCH has an empty entry".into());
    }
    Ok(Offer {
        framework: framework.to_owned(),
        version: version.to_owned(),
        archs,
        image: image.to_owned(),
    })
}

/// The best of these architectures that a line is for.
fn rank(offer: &Offer, archs: &[Arch]) -> Option<usize> {
    archs.iter().position(|arch| offer.archs.iter().any(|one| one == arch.word()))
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What people call it.
fn meant(framework: &str) -> &str {
    match framework.to_ascii_lowercase().as_str() {
        "tf" => "tensorflow",
        "torch" => "pytorch",
        _ => framework,
    }
}

#[cfg(test)]
mod tests;
