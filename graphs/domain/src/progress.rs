//! What a turn tells those who watch. It is lost with the process; what counts is in the facts.
use crate::{CallOutcome, ToolCall};
use std::time::Duration;

/// Something happened that a watcher wants to see at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A model call begins. Text of an earlier attempt of the same call no longer counts.
    Asking {
        /// Which round trip of the turn, from 1.
        round: u32,
        /// Which attempt at it, from 1.
        attempt: u32,
    },
    /// An attempt at a model call came to nothing.
    Failed {
        /// Which attempt at it, from 1.
        attempt: u32,
        /// What happened, in words.
        why: String,
        /// How long it takes until the next attempt, if that is known.
        wait: Option<Duration>,
    },
    /// Another model answers than the one that was asked.
    StandIn(String),
    /// More of the answer.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A call begins.
    Calling(ToolCall),
    /// A call came out.
    Called {
        /// Which.
        call: ToolCall,
        /// How.
        outcome: CallOutcome,
        /// What its result says, unless it was done.
        why: Option<String>,
    },
    /// A call may have happened or not, and a person has to say which.
    InDoubt {
        /// What an answer names it by.
        doubt: String,
        /// Which.
        call: ToolCall,
        /// What is known about it, in words.
        evidence: String,
    },
    /// The model wrote what cannot be used and is asked again.
    Correcting(String),
    /// The model answered, and not in the form that was wanted: the answer does not count. What is wrong with it, and what
    /// follows.
    Unfit(String),
}
