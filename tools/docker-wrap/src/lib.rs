//! docker-wrap: in the place of `docker`, for hosts where no door stands before the daemon.
//!
//! It adds whose a container is and in which slice it runs where one is made, and becomes
//! docker with all else as it was: terminal, signals and exit code are docker's own. It is
//! comfort and no boundary: `/usr/bin/docker`, an SDK or a flag walks around it.

mod line;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cli::{For, Tool};
use ds01_config::Config;
use ds01_fault::{Code, Fault};
use ds01_names::SliceName;
use ds01_people::{Nss, of_uid};
use ds01_site::Site;
use ds01_text::{Output, printable};
use serde_json::json;

use line::Found;

const NAME: &str = "docker-wrap";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Show the command line, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// docker's arguments; flags before its verb behind --
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true)]
    line: Vec<OsString>,
}

/// Under its own name it has options of its own; under any other, all is docker's.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let own = words.next().unwrap_or_default();
    if Path::new(&own).file_name() == Some(OsStr::new(NAME)) {
        return cli::main::<Args>();
    }
    let site = Site::from_env();
    let fault = match (Plan { line: words.collect() }).completed(&site) {
        Ok((program, line)) => become_docker(&program, &line),
        Err(fault) => fault,
    };
    cli::complain(&fault)
}

impl Tool for Args {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str =
        "docker with the owner's labels and slice, for hosts without the Docker door";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let (program, line) = Plan { line: self.line }.completed(site)?;
        if !self.dry_run {
            return Err(become_docker(&program, &line));
        }
        let line: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
        let document = json!({"program": program, "line": line, "dry_run": true});
        let words: Vec<String> = line.iter().map(|word| quoted(word)).collect();
        Ok(Output::one(&document).text(format!("{} {}", program.display(), words.join(" "))))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", printable(word).replace('\'', r"'\''"))
}

struct Plan {
    line: Vec<OsString>,
}

impl Plan {
    /// The real docker, and what it is told.
    fn completed(mut self, site: &Site) -> Result<(PathBuf, Vec<OsString>), Fault> {
        let program = real()?;
        if let Found::Create(at) = line::find(&self.line)
            && daemon_is_here()
        {
            let added = added(site)?;
            self.line.splice(at..at, added.into_iter().map(OsString::from));
        }
        Ok((program, self.line))
    }
}

/// The environment, too, may name another machine's daemon.
fn daemon_is_here() -> bool {
    let var = |name| std::env::var_os(name).unwrap_or_default();
    let context = var("DOCKER_CONTEXT");
    line::is_here(&var("DOCKER_HOST")) && (context.is_empty() || context == "default")
}

/// What a container of this person's is made with. Nothing for root itself and for a uid that
/// nobody has: theirs is nobody's.
fn added(site: &Site) -> Result<Vec<String>, Fault> {
    // Under sudo the container is the person's (pitfall 29).
    let uid = site.caller().for_records();
    let person = match of_uid(&Nss, uid) {
        Ok(person) if uid != 0 => person,
        Ok(_) => return Ok(Vec::new()),
        Err(fault) if fault.code == Code::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let user = person.account.name;
    let mut added = Vec::new();
    for (key, value) in [
        ("ds01.user", user.as_str()),
        ("ds01.uid", &uid.to_string()),
        ("ds01.managed", "true"),
        ("ds01.interface", "docker"),
    ] {
        added.push("--label".to_owned());
        added.push(format!("{key}={value}"));
    }
    match Config::load(site) {
        Ok(config) => {
            let group = config.resolve(&user, site.now()).group;
            added.push(format!("--cgroup-parent={}", SliceName::user(&group, &user)));
        }
        // Comfort fails soft: the container runs, and its user hears why it has no limits.
        Err(fault) => {
            let what = fault.what.lines().next().unwrap_or_default();
            let _ = writeln!(
                std::io::stderr(),
                "{NAME}: the container runs in no slice of yours: {}; `limits-check` says more",
                printable(what)
            );
        }
    }
    Ok(added)
}

/// The first docker on PATH that is not this file.
fn real() -> Result<PathBuf, Fault> {
    let id = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let own = id(Path::new("/proc/self/exe"));
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let is_program = |path: &PathBuf| {
        let file = std::fs::metadata(path);
        file.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .chain(["/usr/bin".into()])
        .map(|dir| dir.join("docker"))
        .find(|path| is_program(path) && id(path) != own)
        .ok_or_else(|| {
            Fault::new(Code::Unreachable, "there is no docker to run")
                .why("PATH has none but this one")
                .todo("install docker's command, or set PATH")
        })
}

/// Only comes back when it could not.
fn become_docker(program: &Path, line: &[OsString]) -> Fault {
    let error = Command::new(program).arg0("docker").args(line).exec();
    let longest = line.iter().map(|word| word.as_bytes().len()).max().unwrap_or(0);
    Fault::failed(format!("cannot run {}", program.display()))
        .why(format!("{error} ({} words, the longest of {longest} bytes)", line.len()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
