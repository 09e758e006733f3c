//! Questions to a person: a yes, one of a list, a line of text.
//!
//! Somebody is asked only where stdin is a terminal, and then on the terminal itself, so that
//! stdout stays the answer alone. Everywhere else a question is a fault (exit code 2) that
//! names the option which answers it, so nothing ever waits for an answer that cannot come
//! (pitfall 36). In a try-out (`DS01_ROOT`) a file may answer, a line a question
//! (`DS01_ANSWERS`): that is how wizards are tested.
//!
//! Here may live how one asks; what is asked is the commands' own.

mod file;
mod terminal;

use std::io::IsTerminal;
use std::path::PathBuf;

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::printable;

use crate::file::Answers;
use crate::terminal::Terminal;

/// Who answers.
#[derive(Debug)]
pub struct Ask {
    from: Source,
}

#[derive(Debug)]
enum Source {
    Person,
    File(PathBuf),
    Nobody,
}

/// One of a list.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What may be typed instead of the number.
    pub value: String,
    /// A few words beside it; may be empty.
    pub about: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), about: about.into() }
    }
}

/// Where answers come from and questions go to.
trait Talk {
    fn show(&mut self, text: &str) -> Result<(), Fault>;
    /// The next line, without its end.
    fn read(&mut self) -> Result<String, Fault>;
}

impl Ask {
    /// The person at the terminal, if stdin is one.
    pub fn at(site: &Site) -> Self {
        // On the machine itself nobody's environment answers for them.
        let file = std::env::var_os("DS01_ANSWERS").filter(|_| !site.is_real());
        let from = match file {
            Some(file) => Source::File(file.into()),
            None if std::io::stdin().is_terminal() => Source::Person,
            None => Source::Nobody,
        };
        Self { from }
    }

    /// Answers from a file, a line each; a line is gone once it is used.
    pub fn from_file(file: impl Into<PathBuf>) -> Self {
        Self { from: Source::File(file.into()) }
    }

    /// Whether a question would reach anybody; a chooser is offered only then.
    pub fn can_ask(&self) -> bool {
        !matches!(self.from, Source::Nobody)
    }

    /// Yes or no; an empty answer is `usual`. `flag` is the option that says yes.
    pub fn confirm(&self, question: &str, usual: bool, flag: &str) -> Result<bool, Fault> {
        let hint = if usual { "[Y/n]" } else { "[y/N]" };
        self.until(question, flag, &format!("{question} {hint} "), |answer| {
            match answer.to_lowercase().as_str() {
                "" => Ok(usual),
                "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err("Please answer y or n.".to_owned()),
            }
        })
    }

    /// The place in `choices` of the one that is chosen, by its number or its value; an empty
    /// answer is `usual`. `flag` is the option or argument that names one.
    pub fn choose(
        &self,
        question: &str,
        choices: &[Choice],
        usual: Option<usize>,
        flag: &str,
    ) -> Result<usize, Fault> {
        let usual = usual.filter(|at| *at < choices.len());
        self.until(question, flag, &menu(question, choices, usual), |answer| {
            if answer.is_empty() {
                return usual.ok_or_else(|| "Please type one of the numbers.".to_owned());
            }
            chosen(choices, answer).ok_or_else(|| {
                format!("\"{answer}\" is none of them; type a number from 1 to {}.", choices.len())
            })
        })
    }

    /// A line of text that `check` agrees to; an empty answer is `usual`. `flag` is the option
    /// or argument that gives it.
    pub fn line(
        &self,
        question: &str,
        usual: Option<&str>,
        flag: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Fault> {
        let hint = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
        self.until(question, flag, &format!("{question}{hint}: "), |answer| {
            let answer = match usual {
                Some(usual) if answer.is_empty() => usual,
                _ => answer,
            };
            if answer.is_empty() {
                return Err("Please type something.".to_owned());
            }
            check(answer).map(|()| answer.to_owned())
        })
    }

    /// Asks until `understood` takes the answer; what it says otherwise is shown.
    fn until<T>(
        &self,
        question: &str,
        flag: &str,
        shown: &str,
        understood: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let mut talk: Box<dyn Talk> = match &self.from {
            Source::Nobody => return Err(nobody(question, flag, "stdin is no terminal")),
            Source::File(file) => Box::new(Answers::of(file)),
            Source::Person => Box::new(Terminal::open().map_err(|error| {
                nobody(question, flag, &format!("the terminal cannot be opened: {error}"))
            })?),
        };
        loop {
            talk.show(&plain(shown))?;
            let answer = talk.read()?;
            let answer = answer.trim();
            // Backspaces and arrow keys that the terminal passed on, never part of an answer.
            let result = if answer.chars().any(char::is_control) {
                Err("That holds keys which are no text; please type it again.".to_owned())
            } else {
                understood(answer)
            };
            match result {
                Ok(value) => return Ok(value),
                Err(why) => talk.show(&format!("{}\n", plain(&why)))?,
            }
        }
    }
}

fn nobody(question: &str, flag: &str, why: &str) -> Fault {
    Fault::usage(format!("nobody is here to answer: {}", printable(question)))
        .why(why.to_owned())
        .todo(format!("give the answer with `{flag}`"))
}

fn menu(question: &str, choices: &[Choice], usual: Option<usize>) -> String {
    let number = choices.len().to_string().len();
    let value = choices.iter().map(|choice| ds01_text::width(&choice.value)).max().unwrap_or(0);
    let mut text = format!("{question}\n");
    for (at, choice) in choices.iter().enumerate() {
        let line = format!("  {:>number$}  {:value$}  {}", at + 1, choice.value, choice.about);
        text += line.trim_end();
        text.push('\n');
    }
    match usual {
        Some(at) => text + &format!("Number or name [{}]: ", at + 1),
        None => text + "Number or name: ",
    }
}

/// By value first: a container may be called `2`.
fn chosen(choices: &[Choice], answer: &str) -> Option<usize> {
    choices.iter().position(|choice| choice.value == answer).or_else(|| {
        let number: usize = answer.parse().ok()?;
        (1..=choices.len()).contains(&number).then(|| number - 1)
    })
}

/// Names in a question are other people's text; its lines are ours.
fn plain(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(text: &str) -> (tempfile::TempDir, Ask) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("answers");
        std::fs::write(&file, text).unwrap();
        let ask = Ask::from_file(file);
        (dir, ask)
    }

    fn three() -> [Choice; 3] {
        [Choice::new("a", "first"), Choice::new("3", ""), Choice::new("c", "last")]
    }

    #[test]
    fn a_yes_is_a_yes_and_nothing_is_what_is_usual() {
        let (_dir, ask) = answers("YES\nn\n\n\n");
        let said: Vec<_> = [false, true, true, false]
            .map(|usual| ask.confirm("Remove it?", usual, "--yes").unwrap())
            .to_vec();
        assert_eq!(said, [true, false, true, false]);
    }

    #[test]
    fn a_wrong_answer_is_asked_again_and_the_last_line_is_not_repeated() {
        let (_dir, ask) = answers("perhaps\ny\n");
        assert!(ask.confirm("Go on?", false, "--yes").unwrap());
        let fault = ask.confirm("Go on?", false, "--yes").unwrap_err();
        assert!(fault.what.contains("no answer is left"), "{fault}");
    }

    #[test]
    fn a_choice_goes_by_value_before_number() {
        let (_dir, ask) = answers("3\n1\n4\n\nc\n");
        let choose = |usual| ask.choose("Which?", &three(), usual, "NAME").unwrap();
        assert_eq!((choose(None), choose(None)), (1, 0));
        assert_eq!(choose(Some(2)), 2, "4 is none of three, and then nothing is the usual one");
        assert_eq!(choose(None), 2);
    }

    #[test]
    fn a_line_is_checked_and_keys_are_no_text() {
        let (_dir, ask) = answers("a\x1b[D\nx y\n\nname\n\n");
        let check = |text: &str| {
            if text.contains(' ') { Err("no spaces".to_owned()) } else { Ok(()) }
        };
        assert_eq!(ask.line("Name", None, "NAME", check).unwrap(), "name");
        assert_eq!(ask.line("Name", Some("usual"), "NAME", check).unwrap(), "usual");
    }

    #[test]
    fn nobody_there_is_a_fault_that_names_the_option() {
        let ask = Ask { from: Source::Nobody };
        assert!(!ask.can_ask());
        let fault = ask.confirm("Remove\x1b it?", false, "--yes").unwrap_err();
        assert_eq!(fault.code as u8, 2);
        assert!(fault.todo.contains("--yes") && !fault.what.contains('\x1b'), "{fault}");
    }
}
