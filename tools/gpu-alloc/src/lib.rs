//! gpu-alloc - who may use which GPU: give, keep, free, show and explain
//!
//! The ledger's command. Whatever it acknowledges is on the disk; whatever it refuses it
//! explains. Only root changes anything; everybody may look.

mod after;
mod ask;
mod follow;
mod life;
mod look;
mod reconcile;

use clap::Subcommand;
use cli::Tool;
use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Give a container its GPU slots, all of them or none
    Allocate(ask::Allocate),
    /// The container of a pending lease exists: the lease holds from now on
    Commit(life::Commit),
    /// The container of a pending lease will never exist
    Abort(life::Named),
    /// Free a container's slots
    Release(life::Release),
    /// A container has stopped: keep its slots for the hold
    MarkStopped(life::Named),
    /// A stopped container starts again: its slots are in use
    ClearStopped(life::Named),
    /// Who holds what
    Status,
    /// Check the ledger, or one container's slots; --repair mends a damaged ledger
    Validate(look::Validate),
    /// Compare ledger, Docker and board, and mend the differences with --apply
    Reconcile(reconcile::Reconcile),
    /// Apply Docker's events, one JSON line each, from stdin
    Follow,
    /// What would be granted, or every limit in the way and what would let it pass
    Explain(ask::Explain),
}

impl Tool for Args {
    const NAME: &'static str = "gpu-alloc";
    const ABOUT: &'static str = "who may use which GPU: give, keep, free, show and explain";

    fn run(self, site: &Site) -> Result<Output, Fault> {
        match self.verb {
            Verb::Allocate(verb) => verb.run(site),
            Verb::Commit(verb) => verb.run(site),
            Verb::Abort(verb) => verb.abort(site),
            Verb::Release(verb) => verb.run(site),
            Verb::MarkStopped(verb) => verb.mark_stopped(site),
            Verb::ClearStopped(verb) => verb.clear_stopped(site),
            Verb::Status => look::status(site),
            Verb::Validate(verb) => verb.run(site),
            Verb::Reconcile(verb) => verb.run(site),
            Verb::Follow => follow::run(site),
            Verb::Explain(verb) => verb.run(site),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        cli::check::<super::Args>();
    }
}
