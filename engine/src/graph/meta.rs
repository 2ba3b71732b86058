//! The table of a graph as data: for drawing, for listing, for what is checked when a journal is opened.

/// What a row waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A plain row.
    Entered,
    /// `on Event`
    On(&'static str),
    /// `after 10m`
    After(&'static str),
    /// `asks Request`
    Asks(&'static str),
    /// `asks each Request`
    AsksEach(&'static str),
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The state that it leaves.
    pub from: &'static str,
    /// What it waits for.
    pub trigger: Trigger,
    /// The states that may follow.
    pub to: &'static [&'static str],
}

/// A request that a state asks, checked when the engine opens: exactly one graph must serve it.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The name of the request.
    pub name: &'static str,
    /// Its tag.
    pub tag: u64,
    /// The state that asks.
    pub from: &'static str,
    /// The name of what comes back.
    pub outcome: &'static str,
    /// The hash of its shape.
    pub outcome_shape: u64,
}

/// A type that a journal of the graph can hold.
#[derive(Debug, Clone, Copy)]
pub struct StoredType {
    /// Its name.
    pub name: &'static str,
    /// The hash of the name.
    pub tag: u64,
    /// The hash of its shape.
    pub shape: u64,
    /// What the graph makes of it.
    pub role: Role,
    /// Decodes bytes as this type and encodes the value again; `None` where they are not of this type. For property
    /// tests and fuzzing: it hands out bytes, never a value.
    pub recode: fn(&[u8]) -> Option<Vec<u8>>,
}

/// What a graph makes of a type that it can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A state of it.
    State,
    /// An event that it waits for.
    Event,
    /// Of an older version: read, and never written.
    Old,
}

/// The table.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// The graph's name.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// Its version.
    pub version: u32,
    /// Where runs begin.
    pub start: &'static str,
    /// Where runs end.
    pub ends: &'static [&'static str],
    /// The rows, in the order of the table.
    pub edges: &'static [Edge],
    /// Where a cancelled run goes.
    pub cancel: &'static str,
    /// Where a faulted run goes.
    pub fault: &'static str,
    /// Where a run with a spent budget goes, if the table says so.
    pub exhausted: Option<&'static str>,
    /// Where the budget is refilled, if the table says so.
    pub lap: Option<&'static str>,
    /// How many moves the longest path to an end takes from a state that a stop row leads to: the reserve it runs on. Zero
    /// where stop rows lead to ends.
    pub reserve: u32,
    /// The names of the requests that the graph serves.
    pub serves: &'static [&'static str],
    /// The requests that its states ask.
    pub asks: &'static [Asked],
}
