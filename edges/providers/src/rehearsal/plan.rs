//! What a request comes to: steps, in order. It holds what the words said and nothing about how far a turn has come.
use super::matcher::Target;
use std::fmt;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Look what files there are.
    List { folder: Option<Target> },
    /// Look into files.
    Read { files: Vec<Target>, lines: Option<Lines> },
    /// Look into what may be a file or a folder.
    Look { at: Target },
    /// Refuse to copy or move a file onto itself.
    SameName { file: Target },
    /// Make a file, or let one grow.
    Write { file: Target, content: Content, how: How },
    /// Change a text within a file, wherever it stands.
    Replace { file: Target, old: String, new: String },
    /// Remove files, or one folder with all in it.
    Delete { files: Vec<Target>, what: Deleted },
    /// Look for a text.
    Search { text: String, place: Option<Target>, want: Want },
    /// Count what a file or folder holds.
    Count { unit: Unit, of: Option<Target> },
    /// Count what an earlier step found.
    CountFound,
    /// Say a text, or what an earlier step found.
    Tell(Content),
    /// Answer from what was said before.
    Recall(Recall),
    /// Speak for itself.
    Talk(Talk),
    /// Let something go wrong, or take long.
    Rehearse(Rehearsed),
}

/// Which lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines {
    /// The first, counted from 1.
    pub(super) from: u64,
    pub(super) count: u64,
}

/// What is written or said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A text of the request.
    Text(String),
    /// Nothing: an empty file.
    Empty,
    /// What the latest step brought that brought something.
    Found,
    /// The names the latest step brought that brought names.
    Names,
}

/// What happens to what the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Replace,
    Append,
    /// Where nothing is yet.
    New,
}

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    Files,
    Folder,
}

/// What a search is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Lines,
    Files,
    Number,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Files,
    Lines,
    Words,
    Characters,
    Letters,
}

/// What is asked about the conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Recall {
    /// What the person said first.
    First,
    /// What the person said last, before this request.
    Last,
    /// What the model answered last.
    Answer,
    /// How many messages there are.
    Number,
    /// What happened so far.
    Summary,
    /// Keep this in mind.
    Keep(String),
    /// Everything that was to be kept in mind.
    Kept,
    /// `my … is …`.
    Mine { what: String, is: String },
    /// `what is my …`.
    Which(String),
}

/// What it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    Hello,
    Welcome,
    Bye,
    WhoAmI,
    NoFolders,
}

/// What is tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rehearsed {
    SlowAnswer(u64),
    MalformedCall,
    UnknownTool,
    CutAnswer,
    Unavailable,
    /// A call that nobody can ask whether it happened, after so many seconds.
    Bell(u64),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::List { folder } => write!(f, "list{}", within(folder.as_ref())),
            Step::Read { files, lines: None } => write!(f, "read {}", all(files)),
            Step::Read { files, lines: Some(Lines { from, count }) } => {
                write!(f, "read {count} from line {from} of {}", all(files))
            }
            Step::Look { at } => write!(f, "look into {at}"),
            Step::SameName { file } => write!(f, "refuse two names of {file}"),
            Step::Write { file, content, how: How::New } => write!(f, "write new {file} ← {content}"),
            Step::Write { file, content, how: How::Replace } => write!(f, "write {file} ← {content}"),
            Step::Write { file, content, how: How::Append } => write!(f, "append {file} ← {content}"),
            Step::Replace { file, old, new } => write!(f, "replace {file}: {old:?} → {new:?}"),
            Step::Delete { files, what: Deleted::Files } => write!(f, "delete {}", all(files)),
            Step::Delete { files, what: Deleted::Folder } => write!(f, "delete folder {}", all(files)),
            Step::Search { text, place, want } => {
                write!(f, "search {text:?}{} for {want:?}", within(place.as_ref()))
            }
            Step::Count { unit, of } => write!(f, "count {unit:?}{}", within(of.as_ref())),
            Step::CountFound => f.write_str("count found"),
            Step::Tell(content) => write!(f, "tell {content}"),
            Step::Recall(recall) => write!(f, "recall {recall:?}"),
            Step::Talk(talk) => write!(f, "talk {talk:?}"),
            Step::Rehearse(rehearsed) => write!(f, "rehearse {rehearsed:?}"),
        }
    }
}

fn within(place: Option<&Target>) -> String {
    place.map(|place| format!(" in {place}")).unwrap_or_default()
}

fn all(files: &[Target]) -> String {
    files.iter().map(Target::to_string).collect::<Vec<_>>().join(" + ")
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Named(name) => f.write_str(name),
            Target::It => f.write_str("<it>"),
            Target::Them => f.write_str("<them>"),
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Text(text) => write!(f, "{text:?}"),
            Content::Empty => f.write_str("nothing"),
            Content::Found => f.write_str("<found>"),
            Content::Names => f.write_str("<names>"),
        }
    }
}
