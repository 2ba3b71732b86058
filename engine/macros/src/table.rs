//! A parsed table: what the author wrote, with the tokens to point at. It knows no rule; `rules` does.
use quote::ToTokens;
use std::{collections::BTreeSet, time::Duration};
use syn::{Attribute, Ident, Path, Type, Visibility};

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
}

/// The time in an `after` row, and how the author wrote it.
pub(crate) struct Pause {
    pub(crate) span: Duration,
    pub(crate) text: String,
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
    pub(crate) new: Ident,
}

impl Trigger {
    /// How the row reads in the table, without state and arrow.
    pub(crate) fn text(&self) -> String {
        match self {
            Trigger::Entered => String::new(),
            Trigger::On(event) => format!("on {}", last(event)),
            Trigger::After(pause) => format!("after {}", pause.text),
            Trigger::Asks(request) => format!("asks {}", last(request)),
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
            Trigger::Entered | Trigger::After(_) | Trigger::Asks(_) => None,
        }))
    }
    /// The `asks` rows.
    pub(crate) fn asks(&self) -> impl Iterator<Item = (&Row, &Path)> {
        self.rows.iter().filter_map(|row| match &row.trigger {
            Trigger::Asks(request) => Some((row, request)),
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
