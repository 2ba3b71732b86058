//! Where a configuration comes from, as values. Nothing here reads the environment or the disk.
use domain::UserId;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What every machine has, below what its users have.
const SYSTEM_DIR: &str = "/etc/oxydra";

/// Everything a configuration is read from. Later beats earlier: directories in order, then the environment, then flags.
/// A user's own file comes last and can only narrow.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub(crate) directories: Vec<PathBuf>,
    /// The last of the directories, when it is a home: the only one that may come from somebody else.
    pub(crate) home: Option<PathBuf>,
    /// Whether what the home writes may only narrow.
    pub(crate) is_home_untrusted: bool,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) users: Users,
}

/// Whose files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Users {
    /// Nobody's.
    #[default]
    Nobody,
    /// One user's, which counts.
    One(UserId),
    /// Everybody's, to be checked; that of one user counts.
    All(UserId),
}

/// A value from the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub(crate) flag: &'static str,
    pub(crate) key: &'static str,
    pub(crate) text: String,
}

impl Sources {
    /// Names nothing: the defaults alone.
    pub fn none() -> Sources {
        Sources::default()
    }

    /// Names the usual places: `/etc/oxydra`, `~/.config/oxydra` (the variables say where that is), the home; then the
    /// variables themselves.
    pub fn usual(home: &Path, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Sources {
        let variables: Vec<_> = variables.into_iter().collect();
        let directory = |name: &str| {
            let found = variables.iter().find(|(key, _)| key == name).map(|(_, value)| PathBuf::from(value));
            found.filter(|path| path.is_absolute())
        };
        let config =
            directory("XDG_CONFIG_HOME").or_else(|| directory("HOME").map(|home| home.join(".config")));
        let users_own = config.map(|config| config.join("oxydra"));
        let directories = [Some(PathBuf::from(SYSTEM_DIR)), users_own, Some(home.to_owned())];
        Sources {
            directories: directories.into_iter().flatten().collect(),
            home: Some(home.to_owned()),
            variables,
            ..Sources::default()
        }
    }

    /// Lets what the home writes only narrow: nobody said that it may be trusted.
    pub fn untrusted(mut self) -> Sources {
        self.is_home_untrusted = true;
        self
    }

    /// Adds the file of a user: `users/<id>.toml`, or where `runner.toml` says that it is.
    pub fn user(mut self, user: &UserId) -> Sources {
        self.users = Users::One(user.clone());
        self
    }

    /// Checks the files of all users that there are; that of `user` counts.
    pub fn all_users(mut self, user: &UserId) -> Sources {
        self.users = Users::All(user.clone());
        self
    }

    /// The value of a variable, if it is text.
    pub fn variable_text(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name)?.1.to_str()
    }

    /// Adds a directory that beats those before it. `agent.toml` and `providers.toml` in it are read if they are there.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Sources {
        self.directories.push(path.into());
        self
    }

    /// Adds a variable. Only names that begin with `OXYDRA__` are looked at.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Sources {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Adds the value of a flag for one key.
    pub fn flag(mut self, flag: &'static str, key: &'static str, value: impl Into<String>) -> Sources {
        self.flags.push(Flag { flag, key, text: value.into() });
        self
    }

    /// Adds what `--model` asks for: `provider/model`, a model of the selected provider, or `rehearsal`, which is both.
    pub fn model(self, asked: &str) -> Sources {
        const FLAG: &str = "--model";
        match asked.split_once('/') {
            Some((provider, model)) => {
                self.flag(FLAG, "selection.provider", provider).flag(FLAG, "selection.model", model)
            }
            None if asked == "rehearsal" => {
                self.flag(FLAG, "selection.provider", asked).flag(FLAG, "selection.model", asked)
            }
            None => self.flag(FLAG, "selection.model", asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directories(variables: &[(&str, &str)]) -> Vec<PathBuf> {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Sources::usual(Path::new(".oxydra"), variables).directories
    }

    #[test]
    fn the_usual_places_follow_the_users_directories() {
        let usual = |users: &str| [SYSTEM_DIR, users, ".oxydra"].map(PathBuf::from).to_vec();
        assert_eq!(directories(&[("HOME", "/home/a")]), usual("/home/a/.config/oxydra"));
        assert_eq!(directories(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/c")]), usual("/c/oxydra"));
        assert_eq!(
            directories(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "")]),
            usual("/home/a/.config/oxydra")
        );
        assert_eq!(directories(&[]), [SYSTEM_DIR, ".oxydra"].map(PathBuf::from));
    }
}
