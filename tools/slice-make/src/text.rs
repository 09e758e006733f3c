//! The answer for people: what changes, and in a dry run the units in full.

use ds01_slices::{Action, Outcome};
use ds01_text::printable;

pub(crate) fn of(outcomes: &[Outcome], dry_run: bool) -> String {
    let mut text = String::new();
    let (mut kept, mut changed) = (0, 0);
    for outcome in outcomes {
        changed += usize::from(!matches!(outcome.action, Action::Keep | Action::InUse));
        if outcome.action == Action::Keep {
            kept += 1;
            if !dry_run {
                continue;
            }
        }
        text += &line(outcome);
        if dry_run && outcome.action != Action::Keep {
            text += &unit(outcome);
        }
    }
    if changed == 0 {
        text += &format!("nothing to change: {} as the config says\n", slices(kept));
    } else if dry_run {
        text +=
            &format!("dry run: nothing was changed; {} would be, {kept} kept\n", slices(changed));
    }
    text
}

fn line(outcome: &Outcome) -> String {
    let verb = match outcome.action {
        Action::Create => "create",
        Action::Change => "change",
        Action::Keep => "keep",
        Action::Remove => "remove",
        Action::InUse => "in use",
    };
    let mut line = format!("{verb:6}  {}", outcome.slice);
    if !outcome.changes.is_empty() {
        line += &format!(": {}", outcome.changes.join(", "));
    }
    // Most often one line of the config sets them all.
    let mut sources: Vec<_> = outcome.sources.values().map(|source| printable(source)).collect();
    sources.sort_unstable();
    sources.dedup();
    if !sources.is_empty() {
        line += &format!("  [{}]", sources.join("; "));
    }
    line.push('\n');
    line
}

/// The unit file, and the command that sets the same in the running slice.
fn unit(outcome: &Outcome) -> String {
    let Some(unit) = &outcome.unit else { return String::new() };
    let mut text = format!("        {}\n", outcome.unit_file.display());
    for line in unit.lines() {
        text += format!("          {line}").trim_end();
        text.push('\n');
    }
    // Names hold backslashes, which a shell would take away.
    text += &format!(
        "        systemctl set-property --runtime '{}' {}\n",
        outcome.slice,
        outcome.properties.join(" ")
    );
    text
}

fn slices(count: usize) -> String {
    if count == 1 { "1 slice".to_owned() } else { format!("{count} slices") }
}
