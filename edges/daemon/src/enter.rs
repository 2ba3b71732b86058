//! From the command line into the house: configuration, home, log, then everything else, with a word to the user where
//! one is due.
use crate::{
    exit::Failure,
    here,
    house::{Going, House},
    known,
    surface::Surface,
    trust,
    trust::Trust,
};
use config::{Home, Loaded, Sources};
use domain::UserId;
use engine::Told;
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};
use telemetry::{Guard, Level};
use tokio::sync::broadcast::Receiver;

/// What the command line says of the model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chosen<'a> {
    /// Which one.
    pub(crate) model: Option<&'a str>,
    /// How much it thinks.
    pub(crate) thinking: Option<&'a str>,
    /// The file with the schema that answers fit.
    pub(crate) schema: Option<&'a str>,
}

/// Refuses a clock that cannot be: what is written down would stand before all that is, and libraries count from 1970.
pub(crate) fn clock(now: SystemTime) -> Result<(), Failure> {
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::other(
            "the clock of this machine stands before 1970: set it, with `date -s` or a time server, and start again",
        )),
    }
}

/// Opens the house of a home, and hears what is told in it from the start. The guard writes what is left of the log when it is dropped.
pub(crate) async fn enter(
    root: &Path,
    user: &UserId,
    chosen: Chosen<'_>,
    surface: &mut dyn Surface,
    going: Going,
) -> Result<(House, Receiver<Told>, Guard), Failure> {
    clock(SystemTime::now())?;
    let sources = Sources::usual(root, std::env::vars_os()).user(user);
    let sources = chosen.model.into_iter().fold(sources, |sources, model| sources.model(model));
    let think = |sources: Sources, word: &str| sources.flag("--thinking", "selection.thinking", word);
    let sources = chosen.thinking.into_iter().fold(sources, think);
    // What is typed begins where it is typed; what is configured, at the home.
    let schema = chosen.schema.map(|path| std::path::absolute(path).map_err(Failure::usage)).transpose()?;
    let fit = |sources: Sources, path: PathBuf| {
        sources.flag("--json-schema", "runtime.answer_schema", path.to_string_lossy())
    };
    let sources = schema.into_iter().fold(sources, fit);
    let mut loaded = trust::load(root, &sources, surface.is_for_a_person())?;
    let trust = Trust::of(root, &sources);
    let remarks = known::prepare(&mut loaded, root, &trust).map_err(Failure::configuration)?;
    remarks.iter().for_each(|remark| surface.notice(remark));
    let found = here::settle(&mut loaded.config).await;
    found.iter().for_each(|remark| surface.notice(remark));
    let form = known::fits(&loaded, root).map_err(Failure::configuration)?;
    known::unsure(&loaded.config).iter().for_each(|remark| surface.notice(remark));
    if form.is_wanted() {
        surface.only_answers();
    }
    let Loaded { config, notices, .. } = loaded;
    notices.iter().for_each(|notice| surface.notice(&notice.to_string()));
    let home = Home::create(root).map_err(Failure::storage)?;
    trust::begun(root, &sources);
    let (log, guard) = telemetry::start(&home.logs(), Level::Info).map_err(Failure::storage)?;
    let (house, told, notice) = House::open(&home, user, config, form, &log, going)?;
    notice.iter().for_each(|notice| surface.notice(notice));
    Ok((house, told, guard))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_before_all_clocks_is_refused() {
        assert!(clock(SystemTime::UNIX_EPOCH).is_ok());
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(86_400);
        assert!(clock(before).is_err_and(|why| why.to_string().contains("before 1970: set it")));
    }
}
