//! From the command line into the house: configuration, home, log, then everything else, with a word to the user where
//! one is due.
use crate::{
    exit::Failure,
    house::{Going, House},
    surface::Surface,
    trust,
};
use config::{Home, Loaded, Sources};
use domain::UserId;
use engine::Told;
use std::path::Path;
use telemetry::{Guard, Level};
use tokio::sync::broadcast::Receiver;

/// Opens the house of a home, and hears what is told in it from the start. The guard writes what is left of the log when it is dropped.
pub(crate) fn enter(
    root: &Path,
    user: &UserId,
    model: Option<&str>,
    surface: &mut dyn Surface,
    going: Going,
) -> Result<(House, Receiver<Told>, Guard), Failure> {
    let sources = Sources::usual(root, std::env::vars_os()).user(user);
    let sources = model.into_iter().fold(sources, |sources, model| sources.model(model));
    let Loaded { config, notices, .. } = trust::load(root, &sources, surface.is_for_a_person())?;
    notices.iter().for_each(|notice| surface.notice(&notice.to_string()));
    let home = Home::create(root).map_err(Failure::storage)?;
    let (log, guard) = telemetry::start(&home.logs(), Level::Info).map_err(Failure::storage)?;
    let (house, told, notice) = House::open(&home, user, config, &log, going)?;
    notice.iter().for_each(|notice| surface.notice(notice));
    Ok((house, told, guard))
}
