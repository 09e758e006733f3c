//! bench - ours beside what people use today, in one run, with ratios
//!
//! `bench/run` builds what is needed and calls this; each subject has a module that makes
//! its own data. A new one is a module and a line in `SUBJECTS`.

mod door;
mod install;
mod ledger;
mod limits;
mod queue;
mod rivals;
mod timing;

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;

type Subject = fn(&Args) -> Result<String, Fault>;
const SUBJECTS: [(&str, Subject); 6] = [
    ("install", install::measure),
    ("limits", limits::measure),
    ("ledger", ledger::measure),
    ("queue", queue::measure),
    ("rivals", rivals::measure),
    ("door", door::measure),
];

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to measure; without one, everything
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// Runs of each command; the fewer, the noisier
    #[arg(long, value_name = "N", default_value_t = 300)]
    rounds: usize,
    /// A Python that has PyYAML
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: String,
    /// Be the stand-in for the Docker daemon at this socket
    #[arg(long, value_name = "SOCKET", hide = true)]
    standin: Option<std::path::PathBuf>,
}

impl cli::Tool for Args {
    const NAME: &'static str = "bench";
    const ABOUT: &'static str = "ours beside what people use today, in one run, with ratios";
    const FOR: cli::For = cli::For::People;

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        if let Some(socket) = &self.standin {
            door::stand_in(socket)?;
        }
        let known = || SUBJECTS.iter().map(|(name, _)| *name);
        if let Some(wrong) = self.subjects.iter().find(|name| !known().any(|one| one == *name)) {
            let list: Vec<_> = known().collect();
            return Err(Fault::usage(format!("there is no subject `{wrong}`"))
                .todo(format!("name one of {}", list.join(", "))));
        }
        let mut text = String::new();
        for (name, measure) in SUBJECTS {
            if self.subjects.is_empty() || self.subjects.iter().any(|one| one == name) {
                text += &format!("{name}\n{}\n", measure(&self)?);
            }
        }
        Ok(Output::one(&text).text(text.trim_end().to_owned()))
    }
}

fn main() -> std::process::ExitCode {
    cli::main::<Args>()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_options_are_well_formed() {
        cli::check::<super::Args>();
    }
}
