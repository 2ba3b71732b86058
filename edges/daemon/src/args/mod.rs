//! The command line, parsed once into what to do. It opens nothing.
mod catalog;
mod completions;
mod config;
mod cost;
mod flags;
mod guest;
mod instances;
mod prefix;
#[cfg(test)]
mod tests;

pub(crate) use catalog::{CatalogCommand, Doing};
pub(crate) use completions::Shell;
pub(crate) use config::{Configuration, What};
pub(crate) use instances::{Act, Export, Files, Fork, Import, Instances, Life, Replay, Steer, Wait, Wanted};
pub(crate) use prefix::Prefix;

use crate::{exit::Failure, help};
use domain::{DoubtAnswer, SessionId, UserId};
use flags::{Flag, Shared, next, positional, text, unexpected, unknown_command};
use lexopt::{Arg, Parser};
use std::path::PathBuf;

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help(String),
    Run(Run),
    Sessions(Listing),
    Session(Session),
    SessionFork(SessionFork),
    SessionForget(Session),
    Instances(Instances),
    Instance(Instance),
    Steer(Steer),
    Wait(Wait),
    Replay(Replay),
    Export(Export),
    Import(Import),
    Fork(Fork),
    Answer(Answer),
    Configuration(Configuration),
    Catalog(CatalogCommand),
    Completions(Shell),
    Doctor(Listing),
    Cost(Listing),
    CostOf(Session),
    Guest(machines::Order),
    GraphList { json: bool },
    GraphDraw { name: Option<String>, format: Format },
}

impl Command {
    /// Whether a program reads what comes of it.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Command::Run(Run { json, .. })
            | Command::Sessions(Listing { json, .. })
            | Command::Session(Session { listing: Listing { json, .. }, .. })
            | Command::CostOf(Session { listing: Listing { json, .. }, .. })
            | Command::SessionFork(SessionFork { listing: Listing { json, .. }, .. })
            | Command::SessionForget(Session { listing: Listing { json, .. }, .. })
            | Command::Instances(Instances { json, .. })
            | Command::Steer(Steer { json, .. })
            | Command::Wait(Wait { json, .. })
            | Command::Replay(Replay { json, .. })
            | Command::Export(Export { json, .. })
            | Command::Import(Import { json, .. })
            | Command::Fork(Fork { json, .. })
            | Command::Instance(Instance { json, .. })
            | Command::Answer(Answer { json, .. })
            | Command::Configuration(Configuration { json, .. })
            | Command::Catalog(CatalogCommand { json, .. })
            | Command::Doctor(Listing { json, .. })
            | Command::Cost(Listing { json, .. })
            | Command::Guest(machines::Order { json, .. })
            | Command::GraphList { json } => *json,
            Command::Help(_) | Command::Completions(_) | Command::GraphDraw { .. } => false,
        }
    }
}

/// Talk to an agent.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) home: PathBuf,
    pub(crate) user: UserId,
    pub(crate) session: Which,
    pub(crate) input: Input,
    pub(crate) json: bool,
    pub(crate) model: Option<String>,
    /// How much it thinks.
    pub(crate) thinking: Option<String>,
    /// The file with the schema that answers fit.
    pub(crate) schema: Option<String>,
    /// The files that go with the prompt.
    pub(crate) attach: Vec<PathBuf>,
}

/// Which session to talk in.
#[derive(Debug, PartialEq)]
pub(crate) enum Which {
    Latest,
    New,
    Named(SessionId),
}

/// Where prompts come from.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    /// Line by line from standard input.
    Lines,
    /// One, from the command line.
    Text(String),
    /// One, all of standard input.
    Piped,
}

/// What a user has.
#[derive(Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) home: PathBuf,
    pub(crate) user: UserId,
    pub(crate) json: bool,
}

/// One session.
#[derive(Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) listing: Listing,
    pub(crate) session: SessionId,
}

/// A session that goes on from a message of another one.
#[derive(Debug, PartialEq)]
pub(crate) struct SessionFork {
    pub(crate) listing: Listing,
    pub(crate) session: SessionId,
    /// Which message, from 1.
    pub(crate) at: usize,
}

/// One instance.
#[derive(Debug, PartialEq)]
pub(crate) struct Instance {
    pub(crate) home: PathBuf,
    /// The latest, if none is named.
    pub(crate) id: Option<Prefix>,
    pub(crate) json: bool,
}

/// What became of a call in doubt.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) home: PathBuf,
    pub(crate) user: UserId,
    pub(crate) id: Prefix,
    pub(crate) how: DoubtAnswer,
    pub(crate) json: bool,
}

/// The language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Mermaid,
    Dot,
}

pub(crate) fn parse(mut parser: Parser) -> Result<Command, Failure> {
    let Some(arg) = next(&mut parser)? else {
        return Err(Failure::usage("what should it do? Try `oxydra run`, or `oxydra --help`"));
    };
    match arg {
        Arg::Long("help") | Arg::Short('h') => Ok(Command::Help(help::OXYDRA.to_owned())),
        Arg::Long("version") | Arg::Short('V') => Ok(Command::Help(help::version())),
        Arg::Value(command) => match command.to_str() {
            Some("run") => run(parser),
            Some("sessions") => sessions(parser),
            Some("instances") => instances::instances(parser),
            Some("graph") => graph(parser),
            Some("guest") => guest::guest(parser),
            Some("config") => config::config(parser),
            Some("catalog") => catalog::catalog(parser),
            Some("completions") => completions::completions(parser),
            Some("doctor") => {
                listing(parser, "doctor").map(|of| of.map_or_else(Command::Help, Command::Doctor))
            }
            Some("cost") => cost::cost(parser),
            Some("help") => help_on(parser),
            Some(_) | None => Err(unknown_command(&command)),
        },
        other => Err(unexpected(&other, "oxydra")),
    }
}

fn run(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let (mut session, mut input) = (Which::Latest, Input::Lines);
    let (mut model, mut thinking, mut schema) = (None, None, None);
    let mut attach = Vec::new();
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else { return Err(unquoted(&arg)) };
        if shared.take(&flag, &mut parser)? {
            continue;
        }
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::run())),
            "--help-rehearsal" => return Ok(Command::Help(help::rehearsal())),
            "-p" | "--prompt" => input = prompt(input, text(&mut parser, flag.as_str())?)?,
            "--session" => session = named(session, &text(&mut parser, "--session")?)?,
            "--new" => session = fresh(session)?,
            "--model" => once(&mut model, "--model", &mut parser)?,
            "--thinking" => once(&mut thinking, "--thinking", &mut parser)?,
            "--attach" => attach.push(file(&mut parser)?),
            "--json-schema" => once(&mut schema, "--json-schema", &mut parser)?,
            _ => return Err(flag.unexpected("oxydra run")),
        }
    }
    if !attach.is_empty() && matches!(input, Input::Lines) {
        return Err(Failure::usage("--attach goes with one prompt: add -p TEXT"));
    }
    let Shared { home, user, json } = shared;
    Ok(Command::Run(Run { home, user, session, input, json, model, thinking, schema, attach }))
}

/// The value of a flag that says one thing: of two nobody knows which is meant.
fn once(value: &mut Option<String>, flag: &str, parser: &mut Parser) -> Result<(), Failure> {
    let text = text(parser, flag)?;
    if value.is_some() {
        return Err(Failure::usage(format!("{flag} is given twice")));
    }
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("{flag} is blank: say something, or leave it out")));
    }
    *value = Some(text);
    Ok(())
}

/// A file to attach.
fn file(parser: &mut Parser) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(parser.value().map_err(Failure::usage)?);
    if path.as_os_str().is_empty() {
        return Err(Failure::usage("--attach names no file: it is blank"));
    }
    Ok(path)
}

fn prompt(before: Input, text: String) -> Result<Input, Failure> {
    match before {
        Input::Lines if text == "-" => Ok(Input::Piped),
        Input::Lines => Ok(Input::Text(text)),
        Input::Text(_) | Input::Piped => {
            Err(Failure::usage("-p is given twice: one prompt at a time, or one per line without -p"))
        }
    }
}

fn named(before: Which, id: &str) -> Result<Which, Failure> {
    match before {
        Which::New => Err(Failure::usage("--new and --session exclude each other")),
        Which::Latest | Which::Named(_) => SessionId::parse(id).map(Which::Named).map_err(Failure::usage),
    }
}

fn fresh(before: Which) -> Result<Which, Failure> {
    match before {
        Which::Named(_) => Err(Failure::usage("--new and --session exclude each other")),
        Which::Latest | Which::New => Ok(Which::New),
    }
}

fn sessions(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let (mut words, mut at) = (Vec::new(), None);
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else {
            words.push(positional(arg)?);
            continue;
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::SESSIONS.to_owned())),
            "--at" => at = Some(text(&mut parser, "--at")?),
            _ if shared.take(&flag, &mut parser)? => {}
            _ => return Err(flag.unexpected("oxydra sessions")),
        }
    }
    let Shared { home, user, json } = shared;
    let listing = Listing { home, user, json };
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let session = |id: &str| SessionId::parse(id).map_err(Failure::usage);
    match (&words[..], at) {
        ([] | ["list"], None) => Ok(Command::Sessions(listing)),
        (["show", id], None) => Ok(Command::Session(Session { listing, session: session(id)? })),
        (["forget", id], None) => Ok(Command::SessionForget(Session { listing, session: session(id)? })),
        (["fork", id], Some(at)) => {
            let wrong = |_| Failure::usage(format!("--at is the number of a message, not `{at}`"));
            let at = at.parse().map_err(wrong)?;
            Ok(Command::SessionFork(SessionFork { listing, session: session(id)?, at }))
        }
        (["fork", ..], None) => Err(Failure::usage(
            "say where: `oxydra sessions fork ID --at N`; `oxydra sessions show ID` numbers its messages",
        )),
        (_, Some(_)) => Err(Failure::usage("--at belongs to `oxydra sessions fork ID`")),
        (_, None) => Err(Failure::usage(format!(
            "`oxydra sessions {}` is no command: write `show ID`, `fork ID --at N`, `forget ID` or nothing",
            words.join(" ")
        ))),
    }
}

/// A command with a home and a user and nothing else; `Err` inside is its help.
fn listing(mut parser: Parser, name: &str) -> Result<Result<Listing, String>, Failure> {
    let mut shared = Shared::new()?;
    let command = format!("oxydra {name}");
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else { return Err(unexpected(&arg, &command)) };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Err(help::on(name).unwrap_or_default())),
            _ if shared.take(&flag, &mut parser)? => {}
            _ => return Err(flag.unexpected(&command)),
        }
    }
    let Shared { home, user, json } = shared;
    Ok(Ok(Listing { home, user, json }))
}

fn graph(mut parser: Parser) -> Result<Command, Failure> {
    let (mut words, mut json, mut format) = (Vec::new(), false, None);
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else {
            words.push(positional(arg)?);
            continue;
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::GRAPH.to_owned())),
            "--json" => json = true,
            "--format" => format = Some(format_of(&text(&mut parser, "--format")?)?),
            _ => return Err(flag.unexpected("oxydra graph")),
        }
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match (&words[..], format) {
        (["list"], None) => Ok(Command::GraphList { json }),
        (["list"], Some(_)) => Err(Failure::usage("--format belongs to `oxydra graph draw`")),
        (["draw", ..], _) if json => Err(Failure::usage("--json belongs to `oxydra graph list`")),
        (["draw"], format) => {
            Ok(Command::GraphDraw { name: None, format: format.unwrap_or(Format::Mermaid) })
        }
        (["draw", name], format) => Ok(Command::GraphDraw {
            name: Some((*name).to_owned()),
            format: format.unwrap_or(Format::Mermaid),
        }),
        _ => Err(Failure::usage("write `oxydra graph list` or `oxydra graph draw [NAME]`")),
    }
}

fn format_of(text: &str) -> Result<Format, Failure> {
    match text {
        "mermaid" => Ok(Format::Mermaid),
        "dot" => Ok(Format::Dot),
        _ => Err(Failure::usage(format!("--format is `mermaid` or `dot`, not `{text}`"))),
    }
}

fn help_on(mut parser: Parser) -> Result<Command, Failure> {
    let Some(arg) = next(&mut parser)? else { return Ok(Command::Help(help::OXYDRA.to_owned())) };
    let Arg::Value(about) = &arg else { return Err(unexpected(&arg, "oxydra help")) };
    let text = about.to_str().and_then(help::on);
    let text = text.ok_or_else(|| Failure::usage(format!("no help on {about:?}: {}", help::commands())))?;
    Ok(Command::Help(text))
}

fn unquoted(arg: &Arg<'_>) -> Failure {
    match arg {
        Arg::Value(value) => {
            Failure::usage(format!("a prompt is given with -p and in quotes: oxydra run -p {value:?}"))
        }
        Arg::Long(_) | Arg::Short(_) => unexpected(arg, "oxydra run"),
    }
}
