//! The command line, parsed once into what to do. It opens nothing.
use crate::{exit::Failure, help};
use domain::{SessionId, UserId};
use engine::durable::InstanceId;
use lexopt::{Arg, Parser, ValueExt};
use std::{ffi::OsString, path::PathBuf};

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help(String),
    Run(Run),
    Sessions(Listing),
    Instances(Listing),
    Instance(Instance),
    GraphList { json: bool },
    GraphDraw { name: Option<String>, format: Format },
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

/// A list of something.
#[derive(Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) home: PathBuf,
    pub(crate) user: UserId,
    pub(crate) json: bool,
}

/// One instance.
#[derive(Debug, PartialEq)]
pub(crate) struct Instance {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    pub(crate) json: bool,
}

/// The beginning of an instance id, or all of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Prefix(String);

impl Prefix {
    fn parse(text: &str) -> Result<Prefix, Failure> {
        if (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Prefix(text.to_ascii_lowercase()));
        }
        Err(Failure::usage(format!(
            "`{}` is not an instance id: 1 to 32 hexadecimal digits are expected, as `oxydra instances` prints them",
            text.chars().take(64).collect::<String>()
        )))
    }
    pub(crate) fn fits(&self, id: InstanceId) -> bool {
        id.to_string().starts_with(&self.0)
    }
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
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
            Some("sessions") => listing(parser, help::SESSIONS, Command::Sessions),
            Some("instances") => instances(parser),
            Some("graph") => graph(parser),
            Some("help") => Ok(Command::Help(help::OXYDRA.to_owned())),
            _ => Err(Failure::usage(format!("unknown command {command:?}: {}", help::COMMANDS))),
        },
        other => Err(unexpected(&other, "oxydra")),
    }
}

/// The flags that every command with a home shares.
struct Shared {
    home: PathBuf,
    user: UserId,
    json: bool,
}

impl Shared {
    fn new() -> Result<Shared, Failure> {
        let user = UserId::parse(help::USER).map_err(Failure::usage)?;
        Ok(Shared { home: PathBuf::from(help::HOME), user, json: false })
    }
    /// Takes the flag if it is one of these.
    fn take(&mut self, flag: &Flag, parser: &mut Parser) -> Result<bool, Failure> {
        match flag.0.as_str() {
            "home" => self.home = PathBuf::from(value(parser)?),
            "user" => self.user = UserId::parse(&text(parser, "--user")?).map_err(Failure::usage)?,
            "json" => self.json = true,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The name of a flag, long or short, without its dashes.
struct Flag(String);

impl Flag {
    fn of(arg: &Arg<'_>) -> Option<Flag> {
        match arg {
            Arg::Long(name) => Some(Flag((*name).to_owned())),
            Arg::Short(name) => Some(Flag(name.to_string())),
            Arg::Value(_) => None,
        }
    }
}

fn run(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let (mut session, mut input, mut model) = (Which::Latest, Input::Lines, None);
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else { return Err(unquoted(&arg)) };
        let complaint = unexpected(&arg, "oxydra run");
        if shared.take(&flag, &mut parser)? {
            continue;
        }
        match flag.0.as_str() {
            "help" | "h" => return Ok(Command::Help(help::run())),
            "help-rehearsal" => return Ok(Command::Help(help::rehearsal())),
            "p" | "prompt" => input = prompt(text(&mut parser, "-p")?),
            "session" => session = named(session, &text(&mut parser, "--session")?)?,
            "new" => session = fresh(session)?,
            "model" => model = Some(text(&mut parser, "--model")?),
            _ => return Err(complaint),
        }
    }
    let Shared { home, user, json } = shared;
    Ok(Command::Run(Run { home, user, session, input, json, model }))
}

fn prompt(text: String) -> Input {
    if text == "-" { Input::Piped } else { Input::Text(text) }
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

fn listing(mut parser: Parser, help: &str, of: fn(Listing) -> Command) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    while let Some(arg) = next(&mut parser)? {
        let complaint = unexpected(&arg, "this command");
        match Flag::of(&arg) {
            Some(flag) if flag.0 == "help" || flag.0 == "h" => return Ok(Command::Help(help.to_owned())),
            Some(flag) if shared.take(&flag, &mut parser)? => {}
            _ => return Err(complaint),
        }
    }
    let Shared { home, user, json } = shared;
    Ok(of(Listing { home, user, json }))
}

fn instances(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let mut words: Vec<String> = Vec::new();
    while let Some(arg) = next(&mut parser)? {
        let complaint = unexpected(&arg, "oxydra instances");
        match Flag::of(&arg) {
            None => words.push(positional(arg)?),
            Some(flag) if flag.0 == "help" || flag.0 == "h" => return Ok(Command::Help(help::INSTANCES.to_owned())),
            Some(flag) if shared.take(&flag, &mut parser)? => {}
            Some(_) => return Err(complaint),
        }
    }
    let Shared { home, user, json } = shared;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["list"] => Ok(Command::Instances(Listing { home, user, json })),
        ["show", id] => Ok(Command::Instance(Instance { home, id: Prefix::parse(id)?, json })),
        ["show"] => Err(Failure::usage("`oxydra instances show` needs an id: `oxydra instances` lists them")),
        _ => Err(Failure::usage(format!("`oxydra instances {}` is no command: write `show ID` or nothing", words.join(" ")))),
    }
}

fn graph(mut parser: Parser) -> Result<Command, Failure> {
    let (mut words, mut json, mut format) = (Vec::new(), false, Format::Mermaid);
    while let Some(arg) = next(&mut parser)? {
        let complaint = unexpected(&arg, "oxydra graph");
        match Flag::of(&arg).map(|flag| flag.0).as_deref() {
            None => words.push(positional(arg)?),
            Some("help" | "h") => return Ok(Command::Help(help::GRAPH.to_owned())),
            Some("json") => json = true,
            Some("format") => format = format_of(&text(&mut parser, "--format")?)?,
            Some(_) => return Err(complaint),
        }
    }
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => Ok(Command::GraphList { json }),
        ["draw"] => Ok(Command::GraphDraw { name: None, format }),
        ["draw", name] => Ok(Command::GraphDraw { name: Some(name.to_owned()), format }),
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

fn next(parser: &mut Parser) -> Result<Option<Arg<'_>>, Failure> {
    parser.next().map_err(Failure::usage)
}

fn value(parser: &mut Parser) -> Result<OsString, Failure> {
    parser.value().map_err(Failure::usage)
}

fn text(parser: &mut Parser, flag: &str) -> Result<String, Failure> {
    value(parser)?.string().map_err(|_| Failure::usage(format!("the value of {flag} is not UTF-8")))
}

fn positional(arg: Arg<'_>) -> Result<String, Failure> {
    match arg {
        Arg::Value(value) => value.string().map_err(Failure::usage),
        Arg::Long(_) | Arg::Short(_) => Err(unexpected(&arg, "oxydra")),
    }
}

fn unexpected(arg: &Arg<'_>, command: &str) -> Failure {
    let what = match arg {
        Arg::Long(name) => format!("--{name}"),
        Arg::Short(name) => format!("-{name}"),
        Arg::Value(value) => format!("{value:?}"),
    };
    Failure::usage(format!("{command} does not know {what}: try --help"))
}

fn unquoted(arg: &Arg<'_>) -> Failure {
    match arg {
        Arg::Value(value) => {
            Failure::usage(format!("a prompt is given with -p and in quotes: oxydra run -p {value:?}"))
        }
        Arg::Long(_) | Arg::Short(_) => unexpected(arg, "oxydra run"),
    }
}
