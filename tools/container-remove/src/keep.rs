//! Writing down what was installed, before it is gone.

use std::path::{Path, PathBuf};

use ds01_ask::Ask;
use ds01_containers::{Mine, Packages};
use ds01_docker::Container;
use ds01_fault::Fault;
use nix::unistd::Uid;

/// Whether packages are written down.
pub enum Keep<'a> {
    Yes,
    No,
    /// Somebody at a terminal says it, where there are any.
    Ask(&'a Ask),
}

impl<'a> Keep<'a> {
    pub fn of(asked: bool, ask: &'a Ask, yes: bool) -> Self {
        match (asked, yes || !ask.can_ask()) {
            (true, _) => Self::Yes,
            (false, true) => Self::No,
            (false, false) => Self::Ask(ask),
        }
    }

    /// What would be written down.
    pub fn would(&self, mine: &Mine, container: &Container) -> Result<Option<Packages>, Fault> {
        match self {
            Self::Yes => Packages::added(mine.docker(), container).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes the lists; none where there is nothing or nobody wants them.
    pub fn write(&self, mine: &Mine, container: &Container) -> Result<Vec<PathBuf>, Fault> {
        let packages = match self {
            Self::No => return Ok(Vec::new()),
            Self::Yes => Packages::added(mine.docker(), container)?,
            // Unasked, a daemon that cannot tell is no reason to keep the container.
            Self::Ask(_) => Packages::added(mine.docker(), container).unwrap_or_default(),
        };
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let name = verbs::name(mine, container);
        if let Self::Ask(ask) = self {
            let question = format!(
                "{} installed in {name} beyond its image. Write them down with their versions?",
                match packages.count() {
                    1 => "1 package was".to_owned(),
                    count => format!("{count} packages were"),
                }
            );
            if !ask.confirm(&question, true, "--save-packages")? {
                return Ok(Vec::new());
            }
        }
        packages.save(&folder(mine, container)?, &name, container, mine.now())
    }
}

/// Where the next image looks: the container's workspace, the project of its name, or the
/// home directory.
pub fn folder(mine: &Mine, container: &Container) -> Result<PathBuf, Fault> {
    let account = &mine.person().account;
    // Root would write where a person's links lead.
    if Uid::effective().as_raw() != account.uid {
        return Err(Fault::not_permitted("packages are written down by their owner only")
            .why("the list goes into a directory of theirs")
            .todo("run this as that person, or leave --save-packages out"));
    }
    let name = mine.short(&container.name);
    let workspace = container.label("ds01.workspace").map(PathBuf::from);
    let project = account.home.join("workspace").join(name);
    let places = workspace.filter(|path| path.is_absolute()).into_iter().chain([project]);
    Ok(places.into_iter().find(|path| writable(path)).unwrap_or_else(|| account.home.clone()))
}

fn writable(path: &Path) -> bool {
    path.is_dir() && nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}
