//! What can be said of instances, read from the command line.
use super::{
    Answer, Command, Instance, Prefix,
    flags::{Flag, Shared, next, positional, text},
};
use crate::{exit::Failure, help, person};
use domain::{DoubtAnswer, SessionId, UserId};
use lexopt::Parser;
use std::{path::PathBuf, time::Duration};

/// Which instances to list: each condition that is given must hold.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Wanted {
    pub(crate) graph: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) life: Option<Life>,
    pub(crate) user: Option<UserId>,
    pub(crate) session: Option<SessionId>,
    /// Begun longer ago than this.
    pub(crate) older: Option<Duration>,
    /// Begun since then.
    pub(crate) newer: Option<Duration>,
}

/// List instances.
#[derive(Debug, PartialEq)]
pub(crate) struct Instances {
    pub(crate) home: PathBuf,
    pub(crate) wanted: Wanted,
    pub(crate) json: bool,
}

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    Waiting,
    Stopping,
    InDoubt,
    Parked,
    Ended,
}

impl Life {
    const ALL: [Life; 6] =
        [Life::Running, Life::Waiting, Life::Stopping, Life::InDoubt, Life::Parked, Life::Ended];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Life::Running => "running",
            Life::Waiting => "waiting",
            Life::Stopping => "stopping",
            Life::InDoubt => "in-doubt",
            Life::Parked => "parked",
            Life::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Life, Failure> {
        Life::ALL.into_iter().find(|life| life.word() == text).ok_or_else(|| {
            let words: Vec<_> = Life::ALL.iter().map(|life| life.word()).collect();
            Failure::usage(format!("--life is one of {}, not `{text}`", words.join(", ")))
        })
    }
}

/// Do something to one instance.
#[derive(Debug, PartialEq)]
pub(crate) struct Steer {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    pub(crate) act: Act,
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Act {
    Park { why: String },
    Unpark,
    Cancel,
}

/// Wait for one instance.
#[derive(Debug, PartialEq)]
pub(crate) struct Wait {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    pub(crate) json: bool,
}

/// Run the handlers of one instance again, on what was recorded.
#[derive(Debug, PartialEq)]
pub(crate) struct Replay {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    pub(crate) json: bool,
}

/// Put one instance into a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Export {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    pub(crate) file: PathBuf,
    pub(crate) json: bool,
}

/// Take one instance from a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) home: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) json: bool,
}

/// Let another instance go on from a state that this one has been in.
#[derive(Debug, PartialEq)]
pub(crate) struct Fork {
    pub(crate) home: PathBuf,
    pub(crate) id: Prefix,
    /// How many moves it had made.
    pub(crate) at: u64,
    pub(crate) prompt: Option<String>,
    /// What goes with the prompt.
    pub(crate) files: Files,
    pub(crate) answer: Option<DoubtAnswer>,
    pub(crate) model: Option<String>,
    pub(crate) json: bool,
}

/// What goes with a message that takes the place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Files {
    /// What went with that one.
    Kept,
    /// These, none perhaps.
    These(Vec<PathBuf>),
}

/// The flags of `oxydra instances`, as they were given.
#[derive(Default)]
struct Given {
    words: Vec<String>,
    /// Those of them that a command has to take, with their values.
    flags: Vec<(String, String)>,
    /// Files, as often as they are given.
    attach: Vec<PathBuf>,
    no_attach: bool,
}

impl Given {
    fn take(&mut self, flag: &str) -> Option<String> {
        let at = self.flags.iter().position(|(name, _)| name == flag)?;
        Some(self.flags.remove(at).1)
    }

    /// Refuses what the command has not taken.
    fn nothing_left(&self, command: &str) -> Result<(), Failure> {
        let files = [("--attach", !self.attach.is_empty()), ("--no-attach", self.no_attach)];
        let file = files.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag);
        match self.flags.first().map(|(flag, _)| flag.as_str()).or(file) {
            None => Ok(()),
            Some(flag) => Err(Failure::usage(format!("`{command}` does not take {flag}: try --help"))),
        }
    }
}

/// The flags that some of the commands take.
const FLAGS: [&str; 12] = [
    "--graph",
    "--state",
    "--life",
    "--user",
    "--session",
    "--older",
    "--newer",
    "--why",
    "--at",
    "--prompt",
    "--answer",
    "--model",
];

pub(super) fn instances(mut parser: Parser) -> Result<Command, Failure> {
    let mut shared = Shared::new()?;
    let mut given = Given::default();
    while let Some(arg) = next(&mut parser)? {
        let Some(flag) = Flag::of(&arg) else {
            given.words.push(positional(arg)?);
            continue;
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help(help::INSTANCES.to_owned())),
            "--attach" => given.attach.push(super::file(&mut parser)?),
            "--no-attach" => given.no_attach = true,
            known if FLAGS.contains(&known) => {
                let value = text(&mut parser, known)?;
                if given.flags.iter().any(|(name, _)| name == known) {
                    return Err(Failure::usage(format!("{known} is given twice")));
                }
                given.flags.push((known.to_owned(), value));
            }
            _ if shared.take(&flag, &mut parser)? => {}
            _ => return Err(flag.unexpected("oxydra instances")),
        }
    }
    let words = std::mem::take(&mut given.words);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let command = match words[..] {
        [] | ["list"] => list(&shared, &mut given)?,
        [command, ..] => {
            if given.flags.iter().any(|(flag, _)| flag == "--user") {
                // A run belongs to a graph, not to a user: some graphs run for nobody in particular.
                let text =
                    format!("`oxydra instances {command}` finds the runs of all users: leave --user out");
                return Err(Failure::usage(text));
            }
            one(&words, &shared, &mut given)?
        }
    };
    given.nothing_left(&format!("oxydra instances {}", words.join(" ")))?;
    Ok(command)
}

fn list(shared: &Shared, given: &mut Given) -> Result<Command, Failure> {
    let wanted = Wanted {
        graph: given.take("--graph"),
        state: given.take("--state"),
        life: given.take("--life").map(|life| Life::parse(&life)).transpose()?,
        user: given.take("--user").map(|user| UserId::parse(&user)).transpose().map_err(Failure::usage)?,
        session: given
            .take("--session")
            .map(|id| SessionId::parse(&id))
            .transpose()
            .map_err(Failure::usage)?,
        older: given.take("--older").map(|span| span_of("--older", &span)).transpose()?,
        newer: given.take("--newer").map(|span| span_of("--newer", &span)).transpose()?,
    };
    Ok(Command::Instances(Instances { home: shared.home.clone(), wanted, json: shared.json }))
}

fn one(words: &[&str], shared: &Shared, given: &mut Given) -> Result<Command, Failure> {
    let (home, json) = (shared.home.clone(), shared.json);
    let steer = |id: &str, act| {
        let id = Prefix::parse(id)?;
        Ok(Command::Steer(Steer { home: shared.home.clone(), id, act, json }))
    };
    match words {
        ["show", id] => Ok(Command::Instance(Instance { home, id: Some(Prefix::parse(id)?), json })),
        ["show"] => Ok(Command::Instance(Instance { home, id: None, json })),
        ["answer", id, how] => {
            let (id, how) = (Prefix::parse(id)?, answer_of(how)?);
            Ok(Command::Answer(Answer { home, user: shared.user.clone(), id, how, json }))
        }
        ["answer", ..] => {
            Err(Failure::usage(format!("write `oxydra instances answer ID` and {}", person::ANSWERS)))
        }
        ["park", id] => {
            let why = given.take("--why").unwrap_or_else(|| "an operator parked it".to_owned());
            steer(id, Act::Park { why })
        }
        ["unpark", id] => steer(id, Act::Unpark),
        ["cancel", id] => steer(id, Act::Cancel),
        ["wait", id] => Ok(Command::Wait(Wait { home, id: Prefix::parse(id)?, json })),
        ["replay", id] => Ok(Command::Replay(Replay { home, id: Prefix::parse(id)?, json })),
        ["export", id, file] => {
            Ok(Command::Export(Export { home, id: Prefix::parse(id)?, file: file.into(), json }))
        }
        ["import", file] => Ok(Command::Import(Import { home, file: file.into(), json })),
        ["export", ..] => Err(Failure::usage("write `oxydra instances export ID FILE`")),
        ["import", ..] => Err(Failure::usage("write `oxydra instances import FILE`")),
        ["fork", id] => Ok(Command::Fork(fork(id, shared, given)?)),
        [command @ ("park" | "unpark" | "cancel" | "wait" | "replay" | "fork"), ..] => {
            Err(Failure::usage(format!("write `oxydra instances {command} ID`: one id, or its beginning")))
        }
        _ => Err(Failure::usage(format!(
            "`oxydra instances {}` is no command: write `show ID`, `answer ID HOW`, `park ID`, `unpark ID`, `cancel ID`, `wait ID`, `fork ID --at N`, `replay ID`, `export ID FILE`, `import FILE` or nothing",
            words.join(" ")
        ))),
    }
}

fn fork(id: &str, shared: &Shared, given: &mut Given) -> Result<Fork, Failure> {
    let at = given.take("--at").ok_or_else(|| {
        Failure::usage(
            "say where: `--at N`, after how many moves; `oxydra instances show ID` numbers its states",
        )
    })?;
    let at = at.parse().map_err(|_| Failure::usage(format!("--at is a number of moves, not `{at}`")))?;
    let answer = given.take("--answer").map(|how| answer_of(&how)).transpose()?;
    let prompt = given.take("--prompt").map(crate::prompt::checked).transpose()?;
    if answer.is_some() && prompt.is_some() {
        return Err(Failure::usage(
            "--prompt begins the turn again, --answer settles a doubt in it: give one",
        ));
    }
    let files = files(given)?;
    if files != Files::Kept && prompt.is_none() {
        return Err(Failure::usage("--attach and --no-attach go with another message: add --prompt TEXT"));
    }
    let model = given.take("--model");
    Ok(Fork {
        home: shared.home.clone(),
        id: Prefix::parse(id)?,
        at,
        prompt,
        files,
        answer,
        model,
        json: shared.json,
    })
}

fn files(given: &mut Given) -> Result<Files, Failure> {
    match (std::mem::take(&mut given.attach), std::mem::take(&mut given.no_attach)) {
        (attach, false) if attach.is_empty() => Ok(Files::Kept),
        (attach, is_none) if is_none != attach.is_empty() => {
            Err(Failure::usage("--attach and --no-attach exclude each other"))
        }
        (attach, _) => Ok(Files::These(attach)),
    }
}

fn answer_of(how: &str) -> Result<DoubtAnswer, Failure> {
    person::parse(how)
        .ok_or_else(|| Failure::usage(format!("`{how}` is no answer: write {}", person::ANSWERS)))
}

/// A span of time such as `90s`, `10m`, `12h` or `7d`.
fn span_of(flag: &str, text: &str) -> Result<Duration, Failure> {
    let refused = || Failure::usage(format!("{flag} is a time such as 90s, 10m, 12h or 7d, not `{text}`"));
    let (number, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        Some((at, 'd')) => (&text[..at], 24 * 60 * 60),
        Some(_) | None => return Err(refused()),
    };
    let number: u64 = number.parse().map_err(|_| refused())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(refused)
}
