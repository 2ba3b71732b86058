//! `oxydra config trust`: its owner says that a home which came with a checkout may be trusted as it is.
use crate::{
    args::Configuration,
    commands::print,
    exit::{Exit, Failure},
    trust::{Trust, listed},
};
use config::{Config, Sources};

pub(super) fn trust(of: &Configuration) -> Result<Exit, Failure> {
    let sources = Sources::usual(&of.home, std::env::vars_os()).all_users(&of.user);
    // What is wrong with it is said before anybody trusts it.
    let loaded = Config::load(&sources).map_err(Failure::configuration)?;
    let trust = Trust::of(&of.home, &sources);
    let home = of.home.display();
    if !trust.is_missing() {
        return print(&format!("the home {home} is trusted already, or did not come with a checkout\n"));
    }
    trust.give(&of.home)?;
    print(&format!(
        "the home {home} is trusted as it is now; when its files change you are asked again\n{}",
        listed(&loaded.widened_by_home, trust.waiting())
    ))
}
