//! The one place that runs `systemctl`. Arguments are slice names of ours and typed
//! properties, behind `--`: no text of a user's or the config's is ever among them.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use ds01_fault::Fault;
use ds01_names::SliceName;

use crate::{Live, Property, live, unit};

/// What is asked of systemd; a test stands in for it.
pub trait Manager {
    /// The slices as they are, by name. One that systemd does not know is described too, as
    /// it would be loaded.
    fn show(&self, names: &[SliceName]) -> Result<HashMap<String, Live>, Fault>;
    /// The slices of ours that are up.
    fn running(&self) -> Result<Vec<SliceName>, Fault>;
    /// Sets limits until the next boot; the unit file has them from then on.
    fn set(&self, name: &SliceName, properties: &[Property]) -> Result<(), Fault>;
    fn start(&self, names: &[SliceName]) -> Result<(), Fault>;
    /// Stops a slice, and with it whatever runs in it.
    fn stop(&self, name: &SliceName) -> Result<(), Fault>;
}

/// The machine's own systemd.
#[derive(Clone, Copy, Debug)]
pub struct Systemctl(());

/// Names in one call: a line of arguments has an end, and no answer is worth a long one.
const AT_ONCE: usize = 200;

impl Systemctl {
    /// A fault where systemd does not run the machine, such as within a container.
    pub fn connect() -> Result<Self, Fault> {
        // What sd_booted(3) looks at.
        if !Path::new("/run/systemd/system").is_dir() {
            return Err(Fault::unreachable("systemd does not run this machine")
                .why("/run/systemd/system does not exist, so slices cannot be made")
                .todo("run it on the host; --dry-run shows the units and properties anywhere"));
        }
        Ok(Self(()))
    }
}

impl Manager for Systemctl {
    fn show(&self, names: &[SliceName]) -> Result<HashMap<String, Live>, Fault> {
        let mut all = HashMap::new();
        for names in names.chunks(AT_ONCE) {
            all.extend(live::read(&run(&["show", "--property", live::ASKED], names, &[])?));
        }
        Ok(all)
    }

    fn running(&self) -> Result<Vec<SliceName>, Fault> {
        let list = ["list-units", "--state=active", "--plain", "--no-legend", "--type=slice"];
        let shown = run(&list, &[], &["ds01*.slice".to_owned()])?;
        let first = |line: &str| SliceName::parse(line.split_whitespace().next()?);
        Ok(shown.lines().filter_map(first).collect())
    }

    fn set(&self, name: &SliceName, properties: &[Property]) -> Result<(), Fault> {
        let always = unit::ALWAYS.iter().map(|line| (*line).to_owned());
        let settings: Vec<_> = always.chain(properties.iter().map(Property::assignment)).collect();
        run(&["set-property", "--runtime"], std::slice::from_ref(name), &settings).map(drop)
    }

    fn start(&self, names: &[SliceName]) -> Result<(), Fault> {
        names.chunks(AT_ONCE).try_for_each(|names| run(&["start"], names, &[]).map(drop))
    }

    fn stop(&self, name: &SliceName) -> Result<(), Fault> {
        run(&["stop"], std::slice::from_ref(name), &[]).map(drop)
    }
}

fn run(verb: &[&str], names: &[SliceName], more: &[String]) -> Result<String, Fault> {
    let mut command = Command::new("systemctl");
    // The answers are read, so they are to be in one language, without pager or colour.
    command.env("LC_ALL", "C").env("SYSTEMD_PAGER", "").env("SYSTEMD_COLORS", "0");
    command.args(verb).arg("--no-ask-password").arg("--").args(names).args(more);
    let asked = || format!("`systemctl {}`", verb[0]);
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        Fault::unreachable(format!("cannot run {}", asked()))
            .why(error.to_string())
            .todo("install systemd, or put systemctl on the PATH")
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // Below a warning about changed unit files comes the reason.
    let reason = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let what = match names {
        [name] => format!("{} failed for {name}", asked()),
        _ => format!("{} failed", asked()),
    };
    let silent = ["Failed to connect", "Connection refused", "Transport endpoint", "timed out"];
    if silent.iter().any(|words| said.contains(words)) {
        return Err(Fault::unreachable(what)
            .why(reason)
            .todo("check that systemd and its bus answer: systemctl is-system-running"));
    }
    Err(Fault::failed(what).why(reason).todo(match names {
        [name] => format!("look at `systemctl status '{name}'` and run slice-make again"),
        _ => "look at `journalctl -b -u 'ds01*'` and run slice-make again".to_owned(),
    }))
}
