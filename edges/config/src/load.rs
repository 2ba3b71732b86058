//! From sources to a configuration: layers in order, then what all of them must be together, then the narrowing of a user's
//! own file. It changes nothing on disk.
use crate::{
    Config, ConfigError, FileKind, Notice, Place, Problem, Sources,
    credential::Found,
    keys::{self, CURRENT, Power, Rule, Use},
    layer::{Layer, Setting},
    registry::Registry,
    selection::{Choice, fallback_problems},
    settings::amount,
    shown::Shown,
    user,
    written::Written,
};
use std::{collections::BTreeMap, path::Path};

/// The files of a directory, in the order in which they are read. They have the same keys: the second exists so that
/// credentials can be kept apart.
const FILES: [&str; 2] = ["agent.toml", "providers.toml"];

/// The two weights of a search add up to one, as near as anybody writes them.
const WEIGHT_SLACK: f64 = 1e-6;

/// A configuration, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What counts.
    pub config: Config,
    /// What its writers should know.
    pub notices: Vec<Notice>,
    /// Every value with the place that set it.
    pub values: Vec<Shown>,
    /// What the home gives that nobody else gave: the reason to ask whether it may be trusted.
    pub widened_by_home: Vec<Shown>,
    /// What is wrong with entries that nobody chose: it stops nobody, and is found by who checks all of it.
    pub unchosen: Vec<Problem>,
}

/// What is gathered while loading.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) written: Written,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notices: Vec<Notice>,
    /// What the home widens, by the place it is written at.
    widening: Vec<Setting>,
}

impl Default for Config {
    fn default() -> Config {
        Config::load(&Sources::none()).expect("a test checks that every default fits its key").config
    }
}

impl Config {
    /// Reads the sources, the weakest first, and returns what they say together.
    ///
    /// # Errors
    /// With everything that is wrong, in all sources at once: files that cannot be read or are no TOML, keys and values.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut gathered = Gathered::default();
        gathered.take(Layer::of_defaults(), Standing::Owner);
        for directory in &sources.directories {
            let is_home = sources.home.as_deref() == Some(directory.as_path());
            let standing = match (is_home, sources.is_home_untrusted) {
                (false, _) => Standing::Owner,
                (true, false) => Standing::Home,
                (true, true) => Standing::Stranger,
            };
            for file in FILES {
                gathered.take(Layer::from_file(FileKind::Agent, &directory.join(file)), standing);
            }
        }
        let of_user = user::read(sources, &mut gathered);
        gathered.take(Layer::from_variables(&sources.variables), Standing::Owner);
        gathered.take(Layer::from_flags(&sources.flags), Standing::Owner);
        gathered.cross_check();
        of_user.narrow(&mut gathered);
        gathered.finish(sources, &of_user.credentials)
    }
}

/// Whose word a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The owner's, for sure.
    Owner,
    /// The home's, which is trusted; what it widens is noted.
    Home,
    /// The home's, which is not: it may narrow.
    Stranger,
}

impl Gathered {
    /// Takes a layer of the agent's keys.
    pub(crate) fn take(&mut self, layer: Layer, standing: Standing) {
        self.problems.extend(layer.problems);
        for setting in layer.settings {
            self.notices.extend(notice(&setting));
            if standing == Standing::Owner || !self.widens(&setting) {
                self.written.put(setting);
            } else if standing == Standing::Home {
                self.widening.push(setting.clone());
                self.written.put(setting);
            } else {
                self.leave_out(&setting);
            }
        }
    }

    /// Says that a setting does not count, since its file is not trusted.
    pub(crate) fn leave_out(&mut self, setting: &Setting) {
        self.notices
            .push(Notice::Untrusted { key: keys::written(&setting.path), place: setting.place.clone() });
    }

    /// Notes what a trusted home widens.
    pub(crate) fn note_widening(&mut self, setting: &Setting) {
        self.widening.push(setting.clone());
    }

    /// Says whether a setting gives more than what stands.
    fn widens(&self, setting: &Setting) -> bool {
        let standing = self.written.all().find(|known| known.path == setting.path);
        match setting.key.power {
            // What has no effect gives nothing.
            _ if setting.key.used != Use::Now => false,
            Power::Harmless => false,
            Power::Widens => standing.is_none_or(|known| known.value != setting.value),
            // No limit stands: any limit is less.
            Power::Number => standing.is_some_and(|known| amount(&setting.value) > amount(&known.value)),
            Power::Switch => {
                setting.value.switch() == Some(true)
                    && standing.is_none_or(|known| known.value.switch() != Some(true))
            }
        }
    }

    /// What values must be beside each other.
    fn cross_check(&mut self) {
        self.conflict("reliability.backoff_base_ms", "reliability.backoff_max_ms", |base, most| {
            (base > most).then(|| format!("at most `reliability.backoff_max_ms`, which is {most}"))
        });
        self.conflict("memory.retrieval.vector_weight", "memory.retrieval.fts_weight", |vector, words| {
            let sum = vector + words;
            ((sum - 1.0).abs() > WEIGHT_SLACK)
                .then(|| format!("1 together with `memory.retrieval.fts_weight`, not {sum}"))
        });
    }

    fn conflict(&mut self, one: &str, other: &str, wrong: impl FnOnce(f64, f64) -> Option<String>) {
        let get = |key: &str| self.written.get(&key.split('.').collect::<Vec<_>>());
        let (Some(first), Some(second)) = (get(one), get(other)) else { return };
        let Some(why) = wrong(amount(&first.value), amount(&second.value)) else { return };
        // The one that somebody wrote is to be mended.
        let place = if first.place == Place::Default { &second.place } else { &first.place };
        self.problems.push(Problem::Conflict { key: one.to_owned(), place: place.clone(), why });
    }

    fn finish(
        mut self,
        sources: &Sources,
        credentials: &BTreeMap<String, Found>,
    ) -> Result<Loaded, ConfigError> {
        let home = sources.home.as_deref().unwrap_or(Path::new(""));
        let registry = Registry { written: &self.written, variables: &sources.variables, credentials, home };
        let named = |key: &[&str]| {
            let setting = self.written.get(key)?;
            Some((setting.value.text()?.to_owned(), setting.place.clone()))
        };
        let choice = Choice::of(named(&["selection", "provider"]), named(&["selection", "model"]), &registry);
        let mut rings = fallback_problems(&registry);
        let (withheld, unset) = (registry.withheld(), registry.unset());
        rings.extend(registry.misnamed());
        let choice = choice.unwrap_or_else(|problems| {
            rings.extend(problems);
            Choice::default()
        });
        let models: Vec<_> = [&choice.first].into_iter().chain(&choice.fallbacks).collect();
        rings.extend(self.written.thinking_problem(&models));
        // Whose address is wrong is taken for its API's owner here, and needs no key of the owner's.
        let wrong: Vec<String> = self.problems.iter().filter_map(Problem::key).collect();
        let follows = |problem: &Problem| {
            let Problem::NoKey { provider, .. } = problem else { return false };
            wrong.contains(&format!("providers.registry.{provider}.base_url"))
        };
        rings.retain(|problem| !follows(problem));
        for problem in rings {
            if !self.problems.contains(&problem) && !problem.follows_from(&self.problems) {
                self.problems.push(problem);
            }
        }
        if !self.problems.is_empty() {
            return Err(ConfigError { problems: self.problems });
        }
        self.notices.extend(
            withheld.into_iter().map(|(variable, provider)| Notice::KeyWithheld { variable, provider }),
        );
        let chosen: Vec<String> = models.iter().map(|model| model.provider.to_string()).collect();
        let names = registry.names().into_iter().filter(|name| !chosen.iter().any(|chosen| chosen == name));
        let unchosen = names.filter_map(|name| registry.file_problem(name)).collect();
        self.notices
            .extend(unset.into_iter().map(|(provider, place)| Notice::NoSuchVariable { provider, place }));
        let config = Config {
            selection: choice.first,
            thinking: self.written.thinking(),
            fallbacks: choice.fallbacks,
            is_chosen: choice.is_said,
            runtime: self.written.runtime(),
            reliability: self.written.reliability(),
            catalog: self.written.catalog(),
            local_servers: self.written.local_servers(),
        };
        let counts = |setting: &Setting| {
            let known = self.written.all().find(|known| known.path == setting.path);
            // Keys of other files stand nowhere here, and count.
            known.is_none_or(|known| known.place == setting.place)
        };
        let widened_by_home = self.widening.iter().filter(|setting| counts(setting)).map(Shown::of).collect();
        Ok(Loaded {
            config,
            notices: self.notices,
            values: Shown::all(&self.written),
            widened_by_home,
            unchosen,
        })
    }
}

/// What the writer of a setting should know.
pub(crate) fn notice(setting: &Setting) -> Option<Notice> {
    if setting.place == Place::Default {
        return None;
    }
    let (key, place) = (keys::written(&setting.path), setting.place.clone());
    match (setting.key.used, &setting.moved_from) {
        (_, Some(old)) => Some(Notice::Moved { key: old.clone(), place, to: key }),
        (Use::Later(until), None) => Some(Notice::Later { key, place, until }),
        (Use::Gone(why), None) => Some(Notice::Gone { key, place, why }),
        (Use::Now, None) if setting.key.rule == Rule::Version => newer(setting),
        (Use::Now | Use::Moved(_), None) => None,
    }
}

fn newer(setting: &Setting) -> Option<Notice> {
    let numbers =
        |text: &str| text.split('.').map(|number| number.parse().unwrap_or(u32::MAX)).collect::<Vec<_>>();
    let version = setting.value.text()?;
    (numbers(version) > numbers(CURRENT))
        .then(|| Notice::Newer { place: setting.place.clone(), version: version.to_owned() })
}

/// Whether a path is a file of the home's configuration that can be there.
pub(crate) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod fallbacks;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod users;
