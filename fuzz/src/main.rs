//! fuzz - throws broken input at what reads people's text, for a while, and reports what breaks
//!
//! Each input is a piece of the corpus (`fuzz/corpus`, one directory a target) or what an
//! earlier round made of one, changed at random. It runs on stable Rust and knows nothing
//! of coverage; the corpus and the words of each target bring it deep enough. The seed is
//! printed, and a run with the same seed tries the same inputs.

mod door;
mod random;
mod solve;
mod targets;
mod wire;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ds01_fault::{Code, Context, Fault};
use ds01_site::Site;
use ds01_text::{Output, Table};

use random::Random;
use targets::Target;

/// An input that takes longer hangs whoever reads it. Far above what a busy machine adds.
const SLOW: Duration = Duration::from_secs(20);
/// Inputs that are kept to be changed again.
const KEPT: usize = 500;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to feed; without one, every target
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Seconds, shared by the targets
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u64,
    /// The seed of an earlier run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the corpus lies
    #[arg(long, value_name = "DIR", default_value = "fuzz/corpus")]
    corpus: PathBuf,
    /// Where inputs that break something are kept
    #[arg(long, value_name = "DIR", default_value = "target/fuzz")]
    broken: PathBuf,
}

impl cli::Tool for Args {
    const NAME: &'static str = "fuzz";
    const ABOUT: &'static str =
        "throws broken input at what reads people's text, for a while, and reports what breaks";
    const FOR: cli::For = cli::For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        if let Some(wrong) = self.targets.iter().find(|name| !all().any(|t| t.name == **name)) {
            let list: Vec<_> = all().map(|target| target.name).collect();
            return Err(Fault::usage(format!("there is no target `{wrong}`"))
                .todo(format!("name one of {}", list.join(", "))));
        }
        let chosen: Vec<&Target> = all()
            .filter(|t| self.targets.is_empty() || self.targets.iter().any(|name| t.name == name))
            .collect();
        let share = Duration::from_secs(self.seconds) / u32::try_from(chosen.len()).unwrap_or(1);
        let seed = self.seed.unwrap_or_else(|| site.now().millis().unsigned_abs());
        let mut table = Table::new(["TARGET", "INPUTS", "TAKEN"]);
        for target in chosen {
            let corpus = corpus(&self.corpus.join(target.name))?;
            let (inputs, taken) = feed(target, corpus, share, seed, &self.broken)?;
            table.row([target.name.into(), inputs.to_string(), taken.to_string()]);
        }
        Ok(Output::one(&seed).text(format!("{}seed {seed}: nothing broke", table.render())))
    }
}

/// Every target there is.
fn all() -> impl Iterator<Item = &'static Target> {
    targets::TARGETS.iter().chain(&door::TARGETS).chain(&wire::TARGETS).chain(&solve::TARGETS)
}

fn main() -> std::process::ExitCode {
    cli::main::<Args>()
}

fn corpus(directory: &Path) -> Result<Vec<Vec<u8>>, Fault> {
    let what = || format!("cannot read the corpus {}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).or_fault(Code::Failed, what)? {
        paths.push(entry.or_fault(Code::Failed, what)?.path());
    }
    // The order of a directory is nobody's seed.
    paths.sort();
    paths.iter().map(|path| fs::read(path).or_fault(Code::Failed, what)).collect()
}

/// Feeds `target` for `time`; how many inputs it got, and how many it took as right.
fn feed(
    target: &Target,
    mut pool: Vec<Vec<u8>>,
    time: Duration,
    seed: u64,
    broken: &Path,
) -> Result<(u64, u64), Fault> {
    let mut random = Random::new(seed);
    let first = pool.len();
    let words = (target.words)();
    let (mut inputs, mut taken) = (0, 0);
    // The corpus itself must pass, whatever the time.
    for input in &pool {
        taken += u64::from(one(target, input, seed, broken)?);
        inputs += 1;
    }
    let end = Instant::now() + time;
    while Instant::now() < end {
        let input = random.change(&pool, &words);
        let right = one(target, &input, seed, broken)?;
        inputs += 1;
        taken += u64::from(right);
        // What is taken is worth changing again; now and then what is not, too.
        if !pool.is_empty() && input.len() < 100_000 && (right || random.below(50) == 0) {
            if pool.len() < first + KEPT {
                pool.push(input);
            } else {
                let old = first + random.below(KEPT);
                pool[old] = input;
            }
        }
    }
    Ok((inputs, taken))
}

fn one(target: &Target, input: &[u8], seed: u64, broken: &Path) -> Result<bool, Fault> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    let why = match outcome {
        Ok(Ok(right)) if start.elapsed() < SLOW => return Ok(right),
        Ok(Ok(_)) => "it took more than 20 s".to_owned(),
        Ok(Err(why)) => why,
        Err(_) => "it panicked; the message stands above".to_owned(),
    };
    let kept = broken.join(target.name);
    let written = fs::create_dir_all(broken).and_then(|()| fs::write(&kept, input));
    Err(Fault::failed(format!("{} breaks on an input of {} bytes", target.name, input.len()))
        .why(why)
        .todo(match written {
            Ok(()) => format!("see {}; seed {seed}", kept.display()),
            Err(error) => format!("seed {seed}; the input could not be kept: {error}"),
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_well_formed() {
        cli::check::<Args>();
    }

    #[test]
    fn the_corpus_passes_and_most_of_it_is_taken() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let broken = tempfile::tempdir().unwrap();
        for target in all() {
            let pool = corpus(&root.join(target.name)).unwrap();
            let (inputs, taken) = feed(target, pool, Duration::ZERO, 1, broken.path()).unwrap();
            assert!(inputs >= 3 && taken * 2 > inputs, "{}: {taken} of {inputs}", target.name);
        }
    }

    #[test]
    fn what_breaks_is_kept_with_its_reason() {
        let target = Target {
            name: "breaks",
            read: |input| if input.is_empty() { Ok(true) } else { Err("no".into()) },
            words: Vec::new,
        };
        let directory = tempfile::tempdir().unwrap();
        let broken = directory.path().join("kept");
        let fault = one(&target, b"x", 7, &broken).unwrap_err();
        assert_eq!(fault.why, "no");
        assert_eq!(fs::read(broken.join("breaks")).unwrap(), b"x");
        assert!(one(&target, b"", 7, &broken).unwrap());
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let pool = vec![b"memory: 1g".to_vec(), b"a: [b, c]".to_vec()];
        let words = vec!["<<: *a".to_owned()];
        let make = || {
            let mut random = Random::new(9);
            (0..200).map(|_| random.change(&pool, &words)).collect::<Vec<_>>()
        };
        assert_eq!(make(), make());
    }
}
