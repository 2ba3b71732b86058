//! `oxydra catalog` as words: look models up, or make another catalog.
use super::flags::{Flag, Shared, next, positional, text, unknown_word};
use crate::{args::Command, exit::Failure, help};
use lexopt::Parser;
use std::path::PathBuf;

/// Look at the catalog, or make another one.
#[derive(Debug, PartialEq)]
pub(crate) struct CatalogCommand {
    pub(crate) home: PathBuf,
    pub(crate) json: bool,
    pub(crate) doing: Doing,
}

/// What to do with it.
#[derive(Debug, PartialEq)]
pub(crate) enum Doing {
    /// Print what is known of a provider or a model, or of all.
    Show { name: Option<String> },
    /// Make one from a source.
    Fetch { is_pinned: bool, source: Option<String>, output: Option<PathBuf> },
    /// Check the one in use, against a source if one is named.
    Verify { source: Option<String> },
}

/// The words behind `oxydra catalog`.
const WORDS: [&str; 3] = ["show", "fetch", "verify"];

pub(super) fn catalog(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let (mut words, mut is_pinned, mut output) = (Vec::new(), false, None);
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else {
            words.push(positional(arg)?);
            continue;
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::CATALOG.to_owned())),
            "--pinned" => is_pinned = true,
            "--output" => output = Some(PathBuf::from(text(&mut parser, "--output")?)),
            "--user" => return Err(Failure::usage("a catalog is the same for all users: leave --user out")),
            _ if shared.take(&flag, &mut parser)? => {}
            _ => return Err(flag.unexpected("oxydra catalog")),
        }
    }
    let doing = doing(&words, is_pinned, output)?;
    Ok(Command::Catalog(CatalogCommand { home: shared.home, json: shared.json, doing }))
}

fn doing(words: &[String], is_pinned: bool, output: Option<PathBuf>) -> Result<Doing, Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let one = |rest: &[&str]| match *rest {
        [] => Ok(None),
        [one] => Ok(Some(one.to_owned())),
        [_, _, ..] => Err(Failure::usage(format!("`oxydra catalog {}` takes one name", words[0]))),
    };
    match words[..] {
        ["fetch", ref rest @ ..] => Ok(Doing::Fetch { is_pinned, source: one(rest)?, output }),
        _ if is_pinned => Err(Failure::usage("--pinned belongs to `oxydra catalog fetch`")),
        _ if output.is_some() => Err(Failure::usage("--output belongs to `oxydra catalog fetch`")),
        [] => Ok(Doing::Show { name: None }),
        ["show", ref rest @ ..] => Ok(Doing::Show { name: one(rest)? }),
        ["verify", ref rest @ ..] => Ok(Doing::Verify { source: one(rest)? }),
        [word, ..] => Err(unknown_word("oxydra catalog", word, &WORDS)),
    }
}
