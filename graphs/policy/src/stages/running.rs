//! The stages that live inside the effect only: a call on its way to its tool, and what came back unscrubbed.
use super::approved::Approved;
use super::scrubbed::Scrubbed;
use crate::Scrubber;
use domain::{CallOutcome, Json, ToolCall};
use durable::durable;
use engine::Ticket;
use futures::future::BoxFuture;
use std::fmt;

/// Runs calls. It can be given nothing but a call whose beginning is on disk.
pub trait Executor: Send + Sync {
    /// Runs the call to its end. A tool that fails is a value; dropping the future stops it.
    fn execute<'a>(&'a self, call: Journalled<'a>) -> BoxFuture<'a, Executed>;

    /// Looks at what a call that is never repeated is going to change. It changes nothing itself.
    fn evidence<'a>(&'a self, call: &'a Approved) -> BoxFuture<'a, Evidence>;

    /// Says whether a call that was cut off has happened, from what was seen before it began. It changes nothing.
    fn probe<'a>(&'a self, call: &'a Approved, evidence: &'a Evidence) -> BoxFuture<'a, Probe>;
}

/// What was seen before a call that is never repeated. It is recorded with the call's beginning, so that a restart, or a
/// person, can tell whether the call happened.
#[durable]
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Evidence {
    /// A fingerprint of what the call changes, as it was; `None` where nothing could be seen.
    pub before: Option<String>,
    /// The fingerprint that the call leaves behind when it happens; `None` where nobody can know.
    pub after: Option<String>,
}

/// Whether a call that was cut off has happened.
#[derive(Debug)]
pub enum Probe {
    /// It has, and this is what its tool would have said.
    Happened(RawOutput),
    /// It has not: it may be carried out now.
    NotYet,
    /// Nobody can tell from what is there.
    Unknown,
}

/// An approved call whose beginning is on disk.
#[derive(Debug)]
pub struct Journalled<'a> {
    approved: &'a Approved,
    ticket: Ticket,
}

impl<'a> Journalled<'a> {
    pub(super) fn new(approved: &'a Approved, ticket: Ticket) -> Journalled<'a> {
        Journalled { approved, ticket }
    }

    /// Returns the tool's name.
    pub fn tool(&self) -> &'a str {
        self.approved.tool()
    }

    /// Returns the arguments, which fit the tool.
    pub fn arguments(&self) -> &'a Json {
        self.approved.arguments()
    }

    /// Returns the key that all attempts at this call share.
    pub fn key(&self) -> String {
        self.ticket.key()
    }

    /// Returns the number of this attempt, from 1. Above one, an earlier attempt may have done the work.
    pub fn attempt(&self) -> u32 {
        self.ticket.attempt()
    }

    /// Ends the call with what its tool returned.
    pub fn ran(self, output: RawOutput) -> Executed {
        Executed::new(self.approved, output)
    }
}

/// What a tool returned. It goes in and does not come out before it is scrubbed.
pub struct RawOutput {
    outcome: CallOutcome,
    text: String,
}

impl RawOutput {
    /// The tool did what it was asked.
    pub fn done(text: impl Into<String>) -> RawOutput {
        RawOutput { outcome: CallOutcome::Done, text: text.into() }
    }

    /// The tool ran and failed, in words that help a model to go on.
    pub fn failed(text: impl Into<String>) -> RawOutput {
        RawOutput { outcome: CallOutcome::Failed, text: text.into() }
    }
}

impl fmt::Debug for RawOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawOutput({:?}, {} bytes)", self.outcome, self.text.len())
    }
}

/// A call that ran, with its raw output. It can only be scrubbed.
#[derive(Debug)]
pub struct Executed {
    position: u32,
    call: ToolCall,
    output: RawOutput,
}

impl Executed {
    pub(super) fn new(approved: &Approved, output: RawOutput) -> Executed {
        Executed { position: approved.position(), call: approved.call().clone(), output }
    }

    /// Removes secrets and host paths from the output.
    pub fn scrub(self, scrubber: &Scrubber) -> Scrubbed {
        Scrubbed {
            position: self.position,
            call: self.call,
            outcome: self.output.outcome,
            text: scrubber.scrub(&self.output.text),
        }
    }
}
