//! The file of a user: limits that narrow, and the user's own credentials. `runner.toml` says where it is.
use crate::{
    FileKind, Notice, Place, Problem, Sources,
    api::BUILT_IN,
    credential::{Found, Reference},
    keys::{self, TIERS, Use},
    layer::{Layer, Setting},
    load::{Gathered, Standing, is_there, notice},
    settings::amount,
    shown::Shown,
    sources::Users,
};
use domain::UserId;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What is said of whoever is served.
#[derive(Debug, Default)]
pub(crate) struct OfUser {
    /// The settings of the user who counts.
    limits: Vec<Setting>,
    /// The user's keys, by entry of the registry.
    pub(crate) credentials: BTreeMap<String, Found>,
}

/// Reads `runner.toml` and the files of users. What a user's file asks for is measured against what the files say, so that a
/// lower limit for one run is no mistake of the user's.
pub(crate) fn read(sources: &Sources, gathered: &mut Gathered) -> OfUser {
    let mut runner: BTreeMap<Vec<String>, Setting> = BTreeMap::new();
    for directory in &sources.directories {
        let is_home = sources.home.as_deref() == Some(directory.as_path());
        let layer = Layer::from_file(FileKind::Runner, &directory.join("runner.toml"));
        gathered.problems.extend(layer.problems);
        for setting in layer.settings {
            gathered.notices.extend(notice(&setting));
            match (is_home && setting.key.used == Use::Now, sources.is_home_untrusted) {
                (true, true) => gathered.leave_out(&setting),
                (_, _) => drop(runner.insert(setting.path.clone(), setting)),
            }
        }
    }
    let Some(home) = &sources.home else { return OfUser::default() };
    let (counting, all) = match &sources.users {
        Users::Nobody => return OfUser::default(),
        Users::One(user) => (user, BTreeSet::from([user.clone()])),
        Users::All(user) => (user, everybody(home, user, &runner, gathered)),
    };
    let mut found = OfUser::default();
    for user in &all {
        let Some(path) = file_of(home, user, &runner, gathered) else { continue };
        let layer = Layer::from_file(FileKind::User, &path);
        gathered.problems.extend(layer.problems);
        check(&layer.settings, &runner, gathered);
        if user == counting {
            found = of(layer.settings, sources, home, gathered);
        } else if !sources.is_home_untrusted {
            gathered.problems.extend(missing(&layer.settings, home));
        }
    }
    found
}

/// The users that `runner.toml` names, and those who have a file.
fn everybody(
    home: &Path,
    counting: &UserId,
    runner: &BTreeMap<Vec<String>, Setting>,
    gathered: &mut Gathered,
) -> BTreeSet<UserId> {
    let mut users = BTreeSet::from([counting.clone()]);
    for (path, setting) in runner.iter().filter(|(path, _)| path[0] == "users") {
        match UserId::parse(&path[1]) {
            Ok(user) => drop(users.insert(user)),
            Err(bad) => gathered.problems.push(Problem::Conflict {
                key: keys::written(path),
                place: setting.place.clone(),
                why: format!("of a user that there can be: {bad}"),
            }),
        }
    }
    let files = fs::read_dir(home.join("users")).into_iter().flatten().flatten();
    let ids = files.filter_map(|file| {
        let path = file.path();
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        path.file_stem().filter(|_| is_toml).and_then(|stem| UserId::parse(stem.to_str()?).ok())
    });
    users.extend(ids);
    users
}

/// Where the file of a user is, if there is one.
fn file_of(
    home: &Path,
    user: &UserId,
    runner: &BTreeMap<Vec<String>, Setting>,
    gathered: &mut Gathered,
) -> Option<PathBuf> {
    let own = home.join("users").join(format!("{user}.toml"));
    let key = ["users", user.as_str(), "config_path"].map(str::to_owned).to_vec();
    let Some(setting) = runner.get(&key) else { return is_there(&own).then_some(own) };
    let found = path_in(setting, home);
    if found.is_none() {
        let written = setting.value.text().unwrap_or_default();
        let why = format!("the path of a file that is there: `{written}` is not");
        let place = setting.place.clone();
        gathered.problems.push(Problem::Conflict { key: keys::written(&key), place, why });
    }
    found
}

/// The file that a `config_path` leads to, if it is there: beside `runner.toml`, or from where the home is, since people
/// write `.oxydra/users/ada.toml` in `.oxydra/runner.toml`.
pub(crate) fn path_in(setting: &Setting, home: &Path) -> Option<PathBuf> {
    let written = Path::new(
        setting.value.text().filter(|_| setting.path.last().is_some_and(|name| name == "config_path"))?,
    );
    let beside = match &setting.place {
        Place::File { path, .. } => path.parent().unwrap_or(Path::new("")),
        Place::Variable(_) | Place::Flag(_) | Place::Default => home,
    };
    let around = beside.parent().unwrap_or(Path::new(""));
    [beside, around].into_iter().map(|place| place.join(written)).find(|path| is_there(path))
}

/// Checks that a user's file narrows.
fn check(settings: &[Setting], runner: &BTreeMap<Vec<String>, Setting>, gathered: &mut Gathered) {
    for setting in settings {
        let widens = match setting.path[0].as_str() {
            "runtime" => {
                let standing = gathered.written.all().find(|known| known.path == setting.path);
                let standing = standing.filter(|known| amount(&setting.value) > amount(&known.value));
                standing.map(|known| (Shown::of(known).value, known.place.clone()))
            }
            "behavior" if setting.path[1] == "sandbox_tier" => wider_tier(setting, runner),
            _ => None,
        };
        if let Some((limit, said)) = widens {
            gathered.problems.push(Problem::Widens {
                key: keys::written(&setting.path),
                place: setting.place.clone(),
                found: Shown::of(setting).value,
                limit,
                said: Box::new(said),
            });
        }
    }
}

fn wider_tier(setting: &Setting, runner: &BTreeMap<Vec<String>, Setting>) -> Option<(String, Place)> {
    let rank = |tier: &str| TIERS.iter().position(|known| *known == tier).unwrap_or_default();
    let global = runner.get(&vec!["default_tier".to_owned()]);
    let most = global.and_then(|setting| setting.value.text()).unwrap_or(TIERS[0]);
    let asked = setting.value.text().unwrap_or(TIERS[0]);
    (rank(asked) > rank(most))
        .then(|| (format!("\"{most}\""), global.map_or(Place::Default, |setting| setting.place.clone())))
}

/// What the file of the user who counts says.
fn of(settings: Vec<Setting>, sources: &Sources, home: &Path, gathered: &mut Gathered) -> OfUser {
    let mut found = OfUser::default();
    for setting in settings {
        gathered.notices.extend(notice(&setting));
        match setting.path[0].as_str() {
            "runtime" => found.limits.push(setting),
            // A credential of a stranger's choice would be sent to a place of the stranger's choice.
            "credential_refs" if sources.is_home_untrusted => gathered.leave_out(&setting),
            "credential_refs" => {
                gathered.note_widening(&setting);
                credential(&setting, sources, home, gathered, &mut found.credentials);
            }
            _ => {}
        }
    }
    found
}

/// Credentials of somebody else that are not in the files that are said to hold them. What variables that somebody has is not
/// known here.
fn missing(settings: &[Setting], home: &Path) -> Vec<Problem> {
    let is_reference = |setting: &&Setting| setting.path[0] == "credential_refs";
    let problem = |setting: &Setting| {
        let reference = setting.value.text().and_then(Reference::parse)?;
        let why =
            matches!(reference, Reference::File(_)).then(|| reference.resolve(home, &[]).err()).flatten()?;
        let (key, place) = (keys::written(&setting.path), setting.place.clone());
        Some(Problem::NoCredential { key, place, why })
    };
    settings.iter().filter(is_reference).filter_map(problem).collect()
}

fn credential(
    setting: &Setting,
    sources: &Sources,
    home: &Path,
    gathered: &mut Gathered,
    credentials: &mut BTreeMap<String, Found>,
) {
    let (name, key, place) = (&setting.path[1], keys::written(&setting.path), setting.place.clone());
    let is_written =
        gathered.written.below(&crate::registry::REGISTRY).any(|(rest, _)| rest.first() == Some(name));
    if !is_written && !BUILT_IN.iter().any(|api| api.word() == name) {
        gathered.notices.push(Notice::NoSuchCredential { key, place });
        return;
    }
    let reference = setting.value.text().and_then(Reference::parse).expect("checked where it was read");
    match reference.resolve(home, &sources.variables) {
        Ok(found) => drop(credentials.insert(name.clone(), found)),
        Err(why) => gathered.problems.push(Problem::NoCredential { key, place, why }),
    }
}

impl OfUser {
    /// Lowers what is above the user's limits.
    pub(crate) fn narrow(&self, gathered: &mut Gathered) {
        for limit in &self.limits {
            let standing = gathered.written.all().find(|known| known.path == limit.path);
            if standing.is_none_or(|known| amount(&known.value) > amount(&limit.value)) {
                let layer = Layer { settings: vec![limit.clone()], problems: Vec::new() };
                gathered.take(layer, Standing::Owner);
            }
        }
    }
}
