//! ask - a question at the terminal, for scripts: a yes, one of a list, a line
//!
//! The question goes to the terminal and the answer to stdout, so `name=$(ask line …)` works.
//! Where nobody can be asked it fails with the name of the option that would answer.

use cli::For;
use ds01_ask::{Ask, Choice};
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;
use serde_json::json;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// A yes (exit code 0) or a no (exit code 1)
    Confirm {
        #[arg(value_name = "QUESTION")]
        question: String,
        /// What an empty answer means
        #[arg(long, value_name = "yes|no", default_value = "no", value_parser = ["yes", "no"])]
        default: String,
        /// The option of the calling script that says yes, for its error message
        #[arg(long, value_name = "OPTION", default_value = "--yes", allow_hyphen_values = true)]
        flag: String,
    },
    /// One of a list, by number or by name
    Choose {
        #[arg(value_name = "QUESTION")]
        question: String,
        /// What there is to choose from; words behind a tab explain one
        #[arg(value_name = "CHOICE", required = true)]
        choices: Vec<String>,
        /// The one that an empty answer means
        #[arg(long, value_name = "CHOICE")]
        default: Option<String>,
        /// The option or argument of the calling script that names one
        #[arg(long, value_name = "OPTION", required = true, allow_hyphen_values = true)]
        flag: String,
    },
    /// A line of text
    Line {
        #[arg(value_name = "QUESTION")]
        question: String,
        /// What an empty answer means
        #[arg(long, value_name = "TEXT")]
        default: Option<String>,
        /// The option or argument of the calling script that gives it
        #[arg(long, value_name = "OPTION", required = true, allow_hyphen_values = true)]
        flag: String,
    },
}

impl cli::Tool for Args {
    const NAME: &'static str = "ask";
    const ABOUT: &'static str =
        "a question at the terminal, for scripts: a yes, one of a list, a line";
    const FOR: For = For::People;

    fn run(self, site: &Site) -> Result<Output, Fault> {
        let ask = Ask::at(site);
        match self.verb {
            Verb::Confirm { question, default, flag } => {
                let yes = ask.confirm(&question, default == "yes", &flag)?;
                // The exit code is the answer; stdout has it only where JSON is asked for.
                Ok(Output::one(&json!({ "answer": yes })).exit(u8::from(!yes)))
            }
            Verb::Choose { question, choices, default, flag } => {
                let choices: Vec<_> = choices.iter().map(|words| choice(words)).collect();
                let usual = default
                    .map(|default| {
                        choices.iter().position(|choice| choice.value == default).ok_or_else(|| {
                            Fault::usage(format!("`{default}` is none of the choices"))
                        })
                    })
                    .transpose()?;
                let at = ask.choose(&question, &choices, usual, &flag)?;
                Ok(answer(&choices[at].value))
            }
            Verb::Line { question, default, flag } => {
                let line = ask.line(&question, default.as_deref(), &flag, |_| Ok(()))?;
                Ok(answer(&line))
            }
        }
    }
}

fn choice(words: &str) -> Choice {
    let (value, about) = words.split_once('\t').unwrap_or((words, ""));
    Choice::new(value, about)
}

fn answer(text: &str) -> Output {
    Output::one(&json!({ "answer": text })).text(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn its_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
