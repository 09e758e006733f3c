//! Commands timed against each other. They take turns, so that a busy moment of the machine
//! hits them all alike, and the fastest run of each is what the machine can do.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ds01_fault::{Code, Context, Fault};
use ds01_text::Table;
use nix::sys::resource::{Usage, UsageWho, getrusage};

/// A command to time.
#[derive(Debug)]
pub struct Contender {
    pub name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    stdin: Option<PathBuf>,
    /// The exit code of a run that did its work.
    code: i32,
    /// Runs of this one for each round of the others; slow ones need fewer.
    every: usize,
    times: Vec<Duration>,
    cpu: Vec<Duration>,
}

impl Contender {
    pub fn new(name: &str, program: impl Into<OsString>) -> Self {
        let (name, program) = (name.to_owned(), program.into());
        let (times, cpu) = (Vec::new(), Vec::new());
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self { name, program, arguments, environment, stdin: None, code: 0, every: 1, times, cpu }
    }
    #[must_use]
    pub fn with<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }
    /// Its stdin is this file.
    #[must_use]
    pub fn reads(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdin = Some(file.into());
        self
    }
    /// It answers with this exit code.
    #[must_use]
    pub fn exits_with(mut self, code: i32) -> Self {
        self.code = code;
        self
    }
    /// Runs it in every `rounds`th round only.
    #[must_use]
    pub fn every(mut self, rounds: usize) -> Self {
        self.every = rounds;
        self
    }

    fn run(&mut self) -> Result<(), Fault> {
        let what = || format!("cannot run {}", self.name);
        let stdin = match &self.stdin {
            Some(path) => File::open(path).or_fault(Code::Failed, what)?.into(),
            None => Stdio::null(),
        };
        let before = children()?;
        let start = Instant::now();
        let status = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(stdin)
            .stdout(Stdio::null())
            .status()
            .or_fault(Code::Failed, what)?;
        self.times.push(start.elapsed());
        self.cpu.push(children()?.saturating_sub(before));
        // A contender that fails would be fast.
        if status.code() == Some(self.code) {
            Ok(())
        } else {
            Err(Fault::failed(what()).why(status.to_string()))
        }
    }

    pub fn fastest(&self) -> Duration {
        self.times.iter().min().copied().unwrap_or_default()
    }
    pub fn median(&self) -> Duration {
        median(&self.times)
    }
    pub fn cpu(&self) -> Duration {
        median(&self.cpu)
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// CPU time of all children that have ended.
fn children() -> Result<Duration, Fault> {
    let usage: Usage =
        getrusage(UsageWho::RUSAGE_CHILDREN).or_fault(Code::Failed, || "no getrusage".into())?;
    let time = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0),
        )
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// Runs all of them in turn, after a warm-up round.
pub fn race(contenders: &mut [Contender], rounds: usize) -> Result<(), Fault> {
    for round in 0..=rounds {
        for one in &mut *contenders {
            if round % one.every == 0 {
                one.run()?;
            }
            if round == 0 {
                one.times.clear();
                one.cpu.clear();
            }
        }
    }
    Ok(())
}

/// The table of a race; the ratio is of the fastest runs, against the contender `base`.
pub fn table(contenders: &[Contender], base: usize) -> String {
    let mut table = Table::new(["WHAT", "RUNS", "MIN ms", "MEDIAN ms", "CPU ms", "RATIO"]);
    let unit = contenders[base].fastest().as_secs_f64();
    for one in contenders {
        let millis = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1000.0);
        table.row([
            one.name.clone(),
            one.times.len().to_string(),
            millis(one.fastest()),
            millis(one.median()),
            millis(one.cpu()),
            format!("{:.2}", one.fastest().as_secs_f64() / unit),
        ]);
    }
    table.render()
}
