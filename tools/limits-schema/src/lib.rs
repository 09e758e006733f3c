//! limits-schema - the JSON Schema of the config, for editors that check while one types

use ds01_fault::Fault;
use ds01_site::Site;
use ds01_text::Output;

#[derive(clap::Args, Debug)]
pub struct Args {}

impl cli::Tool for Args {
    const NAME: &'static str = "limits-schema";
    const ABOUT: &'static str =
        "the JSON Schema of the config, for editors that check while one types";

    fn run(self, _site: &Site) -> Result<Output, Fault> {
        let schema = ds01_config::schema();
        Ok(Output::one(&schema).text(format!("{schema:#}")))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_options_are_well_formed() {
        cli::check::<super::Args>();
    }
}
