//! slice-usage - what each group and user consumes now: CPU, memory, tasks, pressure, OOM kills

mod row;
mod text;

use std::path::PathBuf;
use std::time::Instant;

use ds01_cgroup::Tree;
use ds01_fault::Fault;
use ds01_names::{Place, SliceName};
use ds01_site::Site;
use ds01_text::Output;
use ds01_units::Span;

use row::Row;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Users to show, - for those on stdin; without any, all slices
    #[arg(value_name = "USER")]
    users: Vec<String>,
    /// Watch the CPU for this long (such as 2s) and show its use in percent
    #[arg(long, value_name = "TIME")]
    interval: Option<Span>,
    /// Where the cgroup tree is mounted
    #[arg(long, value_name = "DIR", default_value = ds01_cgroup::ROOT)]
    cgroup_root: PathBuf,
}

/// Longer than this is a service, not a look.
const LONGEST: Span = Span::hours(1);

impl cli::Tool for Args {
    const NAME: &'static str = "slice-usage";
    const ABOUT: &'static str =
        "what each group and user consumes now: CPU, memory, tasks, pressure, OOM kills";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        let interval = self.interval.filter(|interval| *interval > Span::ZERO);
        if interval.is_some_and(|interval| interval > LONGEST) {
            return Err(Fault::usage("--interval is longer than an hour")
                .todo("give a shorter time, such as 2s"));
        }
        let users = match self.users.is_empty() {
            true => Vec::new(),
            false => cli::items(self.users, &["user", "owner", "name"], "user")?,
        };
        let users: Vec<_> = users.into_iter().map(|item| item.name).collect();
        let tree = Tree::at(&self.cgroup_root)?;
        let slices = chosen(slices(&tree), &users)?;
        let rows = match interval {
            None => slices.iter().map(|name| Row::of(&tree, name)).collect(),
            Some(interval) => watched(&tree, &slices, interval),
        };
        let output = Output::many(&rows).text(text::of(&rows));
        Ok(if rows.is_empty() {
            output.note("there is no ds01.slice: no container has run, and slice-make has not")
        } else {
            output
        })
    }
}

/// Every slice of ours that has a cgroup, each after the one it lies in.
fn slices(tree: &Tree) -> Vec<SliceName> {
    fn below(tree: &Tree, name: &SliceName, found: &mut Vec<SliceName>) {
        found.push(name.clone());
        let children = tree.children(&name.cgroup());
        for child in children.iter().filter_map(|child| SliceName::parse(child)) {
            if child.parent().as_ref() == Some(name) {
                below(tree, &child, found);
            }
        }
    }
    let mut found = Vec::new();
    if tree.has(SliceName::root().as_str()) {
        below(tree, &SliceName::root(), &mut found);
    }
    found
}

/// Those of the users asked for; all if none is.
fn chosen(slices: Vec<SliceName>, users: &[String]) -> Result<Vec<SliceName>, Fault> {
    if users.is_empty() {
        return Ok(slices);
    }
    let mut chosen = Vec::new();
    for user in users {
        let own = slices.iter().filter(|name| is_of(name, user));
        let before = chosen.len();
        chosen.extend(own.cloned());
        if chosen.len() == before {
            return Err(Fault::not_found(format!("{user} has no slice"))
                .why("a slice comes with the first container, and no cgroup is named so")
                .todo("check the name with user-resolve; slice-usage alone shows what there is")
                .detail("user", user.as_str()));
        }
    }
    Ok(chosen)
}

/// By writing the user's slice rather than reading the name: one that is too long to be kept
/// can still be written.
fn is_of(name: &SliceName, user: &str) -> bool {
    match name.place() {
        Place::User { group: Some(group), .. } => SliceName::user(&group, user) == *name,
        _ => false,
    }
}

fn watched(tree: &Tree, slices: &[SliceName], interval: Span) -> Vec<Row> {
    let begin = Instant::now();
    let first: Vec<_> = slices.iter().map(|name| tree.usage(&name.cgroup()).cpu_usec).collect();
    std::thread::sleep(interval.into());
    let mut rows: Vec<_> = slices.iter().map(|name| Row::of(tree, name)).collect();
    // What it took, not what was asked: a busy machine wakes sleepers late.
    let took = begin.elapsed();
    for (row, first) in rows.iter_mut().zip(first) {
        row.watch(first, took);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<Args>();
    }
}
