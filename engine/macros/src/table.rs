//! A parsed table: what the author wrote, with the tokens to point at. It knows no rule; `rules` does.
use crate::near::is_near;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::{collections::BTreeSet, time::Duration};
use syn::{Attribute, Error, Ident, Path, Type, Visibility};

/// The whole of `graph! { .. }`.
pub(crate) struct Table {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) env: Option<Type>,
    pub(crate) version: u32,
    pub(crate) starts: Vec<Ident>,
    pub(crate) rows: Vec<Row>,
    pub(crate) ends: Vec<Ident>,
    pub(crate) exits: Vec<Exit>,
    pub(crate) serves: Vec<Path>,
    pub(crate) was: Vec<Was>,
    pub(crate) laps: Vec<Ident>,
    pub(crate) unread: Unread,
}

/// What could not be read as it stands.
#[derive(Default)]
pub(crate) struct Unread {
    pub(crate) errors: Vec<Error>,
    /// Whether a line is missing from the table because of them.
    pub(crate) lost: bool,
    /// What the missing lines began with: most likely states.
    pub(crate) heads: Vec<Path>,
}

/// `from .. -> to | to;`
pub(crate) struct Row {
    pub(crate) from: Ident,
    pub(crate) trigger: Trigger,
    pub(crate) to: Vec<Ident>,
}

/// What a row waits for.
pub(crate) enum Trigger {
    Entered,
    On(Path),
    After(Pause),
    Asks(Path),
    /// Several children at once.
    AsksEach(Path),
}

/// The time in an `after` row, and how the author wrote it.
pub(crate) struct Pause {
    pub(crate) when: When,
    pub(crate) text: String,
}

/// When a timer is due.
pub(crate) enum When {
    /// So long after the state was entered.
    Span(Duration),
    /// When the state says: `state`, and the way to its field or method.
    Said(TokenStream),
}

/// `stop -> to;`, `cancel -> to;` …
pub(crate) struct Exit {
    pub(crate) kind: ExitKind,
    /// The keyword, to point at.
    pub(crate) at: Ident,
    pub(crate) to: Ident,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum ExitKind {
    Stop,
    Cancel,
    Fault,
    Exhausted,
}

/// `was old => new;`
pub(crate) struct Was {
    pub(crate) old: Path,
    pub(crate) new: Path,
}

/// What an old type became.
pub(crate) enum Became<'t> {
    State(&'t Ident),
    Event(&'t Path),
    /// Another old type, of which this row says what it became.
    Older(&'t Was),
    /// Nothing that the table names.
    Unknown,
}

impl Trigger {
    /// How the row reads in the table, without state and arrow.
    pub(crate) fn text(&self) -> String {
        match self {
            Trigger::Entered => String::new(),
            Trigger::On(event) => format!("on {}", last(event)),
            Trigger::After(pause) => format!("after {}", pause.text),
            Trigger::Asks(request) => format!("asks {}", last(request)),
            Trigger::AsksEach(request) => format!("asks each {}", last(request)),
        }
    }
}

impl ExitKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            ExitKind::Stop => "stop",
            ExitKind::Cancel => "cancel",
            ExitKind::Fault => "fault",
            ExitKind::Exhausted => "exhausted",
        }
    }
}

impl Table {
    /// Every state once, in the order of the table: rows first, then ends.
    pub(crate) fn states(&self) -> Vec<&Ident> {
        let mut seen = BTreeSet::new();
        self.rows.iter().map(|row| &row.from).chain(&self.ends).filter(|state| seen.insert(*state)).collect()
    }
    /// Every name that should be a state and is none, once, in the order in which it is reported.
    pub(crate) fn unknown(&self) -> Vec<&Ident> {
        let mut known: BTreeSet<&Ident> = self.states().into_iter().collect();
        let exits = self.exits.iter().map(|exit| &exit.to);
        let lost = self.was.iter().filter(|was| matches!(self.became(was), Became::Unknown));
        let was = lost.filter_map(|was| was.new.get_ident());
        let rows = self.rows.iter().flat_map(|row| &row.to);
        rows.chain(&self.starts)
            .chain(exits)
            .chain(&self.laps)
            .chain(was)
            .filter(|name| known.insert(*name))
            .collect()
    }
    /// What the old type of this row became.
    pub(crate) fn became(&self, was: &Was) -> Became<'_> {
        let state = was.new.get_ident().and_then(|new| self.states().into_iter().find(|state| *state == new));
        let event = || self.events().into_iter().find(|event| text(event) == text(&was.new));
        let older = || self.was.iter().find(|other| text(&other.old) == text(&was.new));
        match state {
            Some(state) => Became::State(state),
            None => event().map_or_else(|| older().map_or(Became::Unknown, Became::Older), Became::Event),
        }
    }
    /// The rows from this one to the one that leads to a state or an event, and where that leads. One that leads nowhere
    /// or round is refused by the rules.
    pub(crate) fn lineage<'t>(&'t self, first: &'t Was) -> (Vec<&'t Was>, Became<'t>) {
        let mut line = vec![first];
        loop {
            match self.became(line[line.len() - 1]) {
                Became::Older(next) if line.len() <= self.was.len() => line.push(next),
                Became::Older(_) => return (line, Became::Unknown),
                end => return (line, end),
            }
        }
    }
    /// The state of which a name is likely a slip.
    pub(crate) fn meant(&self, name: &Ident) -> Option<&Ident> {
        const LETTERS_MIN: usize = 4; // shorter names are all near each other
        self.states().into_iter().find(|state| is_near(&state.to_string(), &name.to_string(), LETTERS_MIN))
    }
    /// The rows that leave a state.
    pub(crate) fn rows_of<'a>(&'a self, state: &'a Ident) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.from == *state)
    }
    /// Where a run goes that was stopped so: its own row, or that of `stop`.
    pub(crate) fn exit(&self, kind: ExitKind) -> Option<&Ident> {
        let row = |kind| self.exits.iter().find(|exit| exit.kind == kind).map(|exit| &exit.to);
        row(kind).or_else(|| row(ExitKind::Stop))
    }
    /// The states to which the exits lead, once each.
    pub(crate) fn exit_targets(&self) -> BTreeSet<&Ident> {
        let kinds = [ExitKind::Cancel, ExitKind::Fault, ExitKind::Exhausted];
        kinds.into_iter().filter_map(|kind| self.exit(kind)).collect()
    }
    /// The events of all `on` rows, once each.
    pub(crate) fn events(&self) -> Vec<&Path> {
        once(self.rows.iter().filter_map(|row| match &row.trigger {
            Trigger::On(event) => Some(event),
            Trigger::Entered | Trigger::After(_) | Trigger::Asks(_) | Trigger::AsksEach(_) => None,
        }))
    }
    /// The `asks` rows, of one child or of each.
    pub(crate) fn asks(&self) -> impl Iterator<Item = (&Row, &Path)> {
        self.rows.iter().filter_map(|row| match &row.trigger {
            Trigger::Asks(request) | Trigger::AsksEach(request) => Some((row, request)),
            Trigger::Entered | Trigger::On(_) | Trigger::After(_) => None,
        })
    }
    /// The requests of all `asks` rows, once each.
    pub(crate) fn requests(&self) -> Vec<&Path> {
        once(self.asks().map(|(_, request)| request))
    }
}

/// The last segment of a path: what the author would call it.
pub(crate) fn last(path: &Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// The path as text, to compare and to show.
pub(crate) fn text(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

fn once<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<&'a Path> {
    let mut seen = BTreeSet::new();
    paths.filter(|path| seen.insert(text(path))).collect()
}
