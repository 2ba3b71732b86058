//! `oxydra config` as words: which part of the configuration is looked at, and what for.
use super::flags::{Flag, Shared, next, positional, unknown_word};
use crate::{args::Command, exit::Failure, help};
use config::FileKind;
use domain::UserId;
use lexopt::Parser;
use std::path::PathBuf;

/// Look at the configuration, or say that it may be trusted.
#[derive(Debug, PartialEq)]
pub(crate) struct Configuration {
    pub(crate) home: PathBuf,
    pub(crate) user: UserId,
    pub(crate) json: bool,
    pub(crate) what: What,
}

/// What for.
#[derive(Debug, PartialEq)]
pub(crate) enum What {
    /// Say everything that is wrong.
    Check,
    /// Print values: all, or those whose key begins so.
    Show { keys: Vec<String>, with_origin: bool },
    /// List the keys there are.
    Keys { keys: Vec<String> },
    /// Print the JSON schema of a file.
    Schema(FileKind),
    /// Trust the home as it is.
    Trust,
    /// Rewrite files of an older version.
    Migrate { is_dry: bool },
}

/// The words behind `oxydra config`.
const WORDS: [&str; 6] = ["check", "show", "keys", "schema", "trust", "migrate"];

pub(super) fn config(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let (mut words, mut with_origin, mut is_dry) = (Vec::new(), false, false);
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else {
            words.push(positional(arg)?);
            continue;
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::CONFIG.to_owned())),
            "--origin" => with_origin = true,
            "--dry-run" => is_dry = true,
            _ if shared.take(&flag, &mut parser)? => {}
            _ => return Err(flag.unexpected("oxydra config")),
        }
    }
    let what = what(&words, with_origin, is_dry)?;
    let Shared { home, user, json } = shared;
    Ok(Command::Configuration(Configuration { home, user, json, what }))
}

fn what(words: &[String], with_origin: bool, is_dry: bool) -> Result<What, Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rest = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    match words[..] {
        ["migrate"] if !with_origin => Ok(What::Migrate { is_dry }),
        _ if is_dry => Err(Failure::usage("--dry-run belongs to `oxydra config migrate`")),
        ["show", ref keys @ ..] => Ok(What::Show { keys: rest(keys), with_origin }),
        _ if with_origin => Err(Failure::usage("--origin belongs to `oxydra config show`")),
        ["trust"] => Ok(What::Trust),
        [] | ["check"] => Ok(What::Check),
        ["keys", ref keys @ ..] => Ok(What::Keys { keys: rest(keys) }),
        ["schema"] => Ok(What::Schema(FileKind::Agent)),
        ["schema", word] => {
            FileKind::ALL.into_iter().find(|kind| kind.word() == word).map(What::Schema).ok_or_else(|| {
                Failure::usage(format!("`oxydra config schema` is of agent, runner or user, not of `{word}`"))
            })
        }
        [word, ..] => Err(unknown_word("oxydra config", word, &WORDS)),
    }
}
