//! What a turn is asked, and everything that can come back.
use crate::{Attachment, SessionId, TurnId, UserId};
use durable::{FactId, durable, request};

/// Answer this message.
#[request(TurnOutcome)]
#[derive(Clone, PartialEq, Debug)]
pub struct TurnRequest {
    /// For whom.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// The turn's id.
    pub turn: TurnId,
    /// The message.
    pub prompt: String,
    /// What goes with it.
    pub attachments: Vec<Attachment>,
}

/// Why a turn stopped without an answer.
#[durable]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StopCause {
    /// Somebody cancelled it.
    Cancelled,
    /// A budget is spent: which.
    Spent(String),
    /// Something failed for good.
    Failed(String),
    /// The model answered, again and again not in the form that was wanted: what was wrong last.
    Unfit(String),
}

/// What a person says of a call that may have happened or not.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoubtAnswer {
    /// It has not happened: carry it out.
    Again,
    /// It has happened: go on.
    Done,
    /// Whatever it did, leave it: the model is told that it was dropped.
    Drop,
}

/// How a turn came out.
#[durable]
#[derive(Clone, PartialEq, Debug)]
pub enum TurnOutcome {
    /// The model answered; the text is the named message.
    Answered(FactId),
    /// It stopped.
    Stopped(StopCause),
}
