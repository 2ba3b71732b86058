//! Flags and their values, as words: what several commands share is read here. What nobody knows is refused with the
//! nearest that somebody does.
use crate::{exit::Failure, help};
use config::nearest_of;
use domain::UserId;
use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

/// The flags that every command with a home shares.
pub(super) struct Shared {
    pub(super) home: PathBuf,
    pub(super) user: UserId,
    pub(super) json: bool,
}

impl Shared {
    pub(super) fn new() -> Result<Shared, Failure> {
        let user = UserId::parse(help::USER).map_err(Failure::usage)?;
        Ok(Shared { home: PathBuf::from(help::HOME), user, json: false })
    }

    /// Takes the flag if it is one of these.
    pub(super) fn take(&mut self, flag: &Flag, parser: &mut Parser) -> Result<bool, Failure> {
        match flag.as_str() {
            "--home" => self.home = home(parser)?,
            "--user" => self.user = UserId::parse(&text(parser, "--user")?).map_err(Failure::usage)?,
            "--json" => self.json = true,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn home(parser: &mut Parser) -> Result<PathBuf, Failure> {
    let home = parser.value().map_err(Failure::usage)?;
    if home.is_empty() {
        return Err(Failure::usage("--home is empty: name a directory, or leave it out"));
    }
    Ok(PathBuf::from(home))
}

/// A flag as it was written, with its dashes.
pub(super) struct Flag(String);

impl Flag {
    pub(super) fn of(arg: &Arg<'_>) -> Option<Flag> {
        match arg {
            Arg::Long(name) => Some(Flag(format!("--{name}"))),
            Arg::Short(name) => Some(Flag(format!("-{name}"))),
            Arg::Value(_) => None,
        }
    }
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
    pub(super) fn unexpected(&self, command: &str) -> Failure {
        let hint = meant(&self.0, help::flags_of(command));
        Failure::usage(format!("{command} does not know {}: {hint}try --help", self.0))
    }
}

/// What may have been meant, or nothing.
fn meant(word: &str, known: impl IntoIterator<Item = String>) -> String {
    // A dash alone, or one letter, is near to everything short.
    let is_long = word.trim_start_matches('-').len() > 1;
    let near = nearest_of(word, known).filter(|_| is_long);
    near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default()
}

/// Refuses a word where a command has words of its own.
pub(super) fn unknown_word(command: &str, word: &str, known: &[&str]) -> Failure {
    let hint = meant(word, known.iter().map(|word| (*word).to_owned()));
    Failure::usage(format!("`{command} {word}` is no command: {hint}there are {}", known.join(", ")))
}

/// Refuses a command.
pub(super) fn unknown_command(word: &std::ffi::OsStr) -> Failure {
    let known = help::names().map(str::to_owned);
    let hint = word.to_str().map(|word| meant(word, known)).unwrap_or_default();
    Failure::usage(format!("unknown command {word:?}: {hint}{}", help::commands()))
}

pub(super) fn next(parser: &mut Parser) -> Result<Option<Arg<'_>>, Failure> {
    parser.next().map_err(Failure::usage)
}

/// Reads the value of a flag as text.
pub(super) fn text(parser: &mut Parser, flag: &str) -> Result<String, Failure> {
    let value = parser.value().map_err(Failure::usage)?;
    value.string().map_err(|_| Failure::usage(format!("the value of {flag} is not UTF-8")))
}

pub(super) fn positional(arg: Arg<'_>) -> Result<String, Failure> {
    match arg {
        Arg::Value(value) => value.string().map_err(Failure::usage),
        Arg::Long(_) | Arg::Short(_) => Err(unexpected(&arg, "oxydra")),
    }
}

pub(super) fn unexpected(arg: &Arg<'_>, command: &str) -> Failure {
    match (Flag::of(arg), arg) {
        (Some(flag), _) => flag.unexpected(command),
        (None, Arg::Value(value)) => Failure::usage(format!("{command} does not know {value:?}: try --help")),
        (None, Arg::Long(_) | Arg::Short(_)) => Failure::usage(format!("{command}: try --help")),
    }
}
