//! What a turn is when it is forked: the same state in a session of its own, or begun again with another message. It copies
//! no approvals: `acting` judges again what was approved for another run.
use crate::{Acting, Asking, Correcting, Gathering, Judging, Misfitting, Talk, TurnState, Uncertain};
use domain::Attachment;
use durable::FactId;
use engine::Refused;

/// Another message, in place of the one that a turn began with.
#[derive(Debug, Clone, PartialEq)]
pub struct Instead {
    /// The message.
    pub prompt: String,
    /// What goes with it.
    pub attachments: Vec<Attachment>,
}

/// Where the message is that another one would take the place of.
#[derive(Debug, Clone, PartialEq)]
pub enum Began {
    /// It has not been said yet, and this goes with it.
    With(Vec<Attachment>),
    /// It is the last that a person said up to here.
    Said(FactId),
}

/// Returns where the message of a turn is; none in states that no other message fits.
pub fn began(state: &TurnState) -> Option<Began> {
    forkable(state, true).ok()?;
    match state {
        TurnState::Gathering(it) => Some(Began::With(it.attachments.clone())),
        TurnState::Asking(it) => Some(Began::Said(it.upto)),
        TurnState::Judging(_)
        | TurnState::Misfitting(_)
        | TurnState::Correcting(_)
        | TurnState::Acting(_)
        | TurnState::Uncertain(_)
        | TurnState::Answered(_)
        | TurnState::Stopped(_) => None,
    }
}

/// Returns the conversation of a turn that can be forked in this state; with another message, if one is wanted.
///
/// # Errors
/// When the turn has gone too far for another message, or is over.
pub fn forkable(state: &TurnState, another_message: bool) -> Result<&Talk, Refused> {
    match state {
        TurnState::Gathering(it) => Ok(&it.talk),
        TurnState::Asking(it) if !another_message || it.tally.rounds == 0 => Ok(&it.talk),
        TurnState::Judging(it) if !another_message => Ok(&it.talk),
        TurnState::Misfitting(it) if !another_message => Ok(&it.talk),
        TurnState::Correcting(it) if !another_message => Ok(&it.talk),
        TurnState::Acting(it) if !another_message => Ok(&it.talk),
        TurnState::Uncertain(it) if !another_message => Ok(&it.talk),
        TurnState::Asking(_)
        | TurnState::Judging(_)
        | TurnState::Misfitting(_)
        | TurnState::Correcting(_)
        | TurnState::Acting(_)
        | TurnState::Uncertain(_) => Err(Refused(
            "the model has answered the message of this turn: another message fits its first two states, 0 and 1".into(),
        )),
        TurnState::Answered(_) | TurnState::Stopped(_) => Err(Refused("the turn is over".into())),
    }
}

/// Puts a state of a turn into another session. With another message, the turn begins again with that instead of its own.
///
/// # Errors
/// When it is not [`forkable`].
pub fn forked(state: TurnState, talk: Talk, message: Option<Instead>) -> Result<TurnState, Refused> {
    forkable(&state, message.is_some())?;
    if let Some(Instead { prompt, attachments }) = message {
        return Ok(Gathering { talk, prompt, attachments }.into());
    }
    Ok(match state {
        TurnState::Gathering(it) => Gathering { talk, ..it }.into(),
        TurnState::Asking(it) => Asking { talk, ..it }.into(),
        TurnState::Judging(it) => Judging { talk, ..it }.into(),
        TurnState::Misfitting(it) => Misfitting { talk, ..it }.into(),
        TurnState::Correcting(it) => Correcting { talk, ..it }.into(),
        TurnState::Acting(it) => Acting { talk, ..it }.into(),
        TurnState::Uncertain(it) => Uncertain { talk, ..it }.into(),
        over @ (TurnState::Answered(_) | TurnState::Stopped(_)) => over,
    })
}
