//! A call that is not run, and the words in which the model is told.
use super::approved::Approved;
use crate::gate;
use domain::{CallOutcome, Message, Tier, ToolCall, Toolbox};
use engine::{InstanceId, sealed};

/// A call that was turned down.
#[sealed]
#[derive(Debug)]
pub struct Refusal {
    pub(super) position: u32,
    pub(super) call: ToolCall,
    pub(super) cause: Box<Cause>,
}

/// Why a call was turned down.
#[sealed]
#[derive(Debug)]
pub(super) enum Cause {
    /// There is no such tool.
    Unknown { near: Option<String>, known: Vec<String> },
    /// The arguments do not fit.
    Misfit(String),
    /// Its tier is not admitted.
    NotAllowed(Tier),
}

impl Refusal {
    /// Returns the call's place among the calls of its answer.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Returns the call as the model wrote it.
    pub fn call(&self) -> &ToolCall {
        &self.call
    }

    /// Says whether the model can put it right by writing the call again.
    pub fn is_malformed(&self) -> bool {
        match *self.cause {
            Cause::Unknown { .. } | Cause::Misfit(_) => true,
            Cause::NotAllowed(_) => false,
        }
    }

    /// Returns the message that answers the call.
    pub fn message(&self) -> Message {
        Message::Tool {
            position: self.position,
            call: self.call.clone(),
            outcome: CallOutcome::Refused,
            text: self.words(),
        }
    }

    /// Says what was wrong and what to do instead.
    pub fn words(&self) -> String {
        let tool = &self.call.tool;
        match &*self.cause {
            Cause::Unknown { near: Some(near), .. } => {
                format!("not run: there is no tool `{tool}`. Did you mean `{near}`? Write the call again.")
            }
            Cause::Unknown { near: None, known } if known.is_empty() => {
                format!("not run: there is no tool `{tool}`, and there are no others. Answer without tools.")
            }
            Cause::Unknown { near: None, known } => {
                format!("not run: there is no tool `{tool}`. The tools are: {}.", known.join(", "))
            }
            Cause::Misfit(why) => {
                format!("not run: the arguments of `{tool}` do not fit: {why}. Write the call again.")
            }
            Cause::NotAllowed(tier) => match gate::admits(*tier) {
                Ok(()) => {
                    format!("not run: `{tool}` was not allowed when it was judged. Write the call again.")
                }
                Err(why) => format!("not run: `{tool}` {why}. Go on without it, or say what you would need."),
            },
        }
    }
}

/// What became of a call: it may run, or it is answered with a refusal.
#[sealed]
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a batch holds a handful, and most are approved")]
pub enum Ruling {
    /// It may run.
    Approved(Approved),
    /// It may not.
    Refused(Refusal),
}

impl Ruling {
    /// Judges an approved call again if the approval was given to another run: a fork inherits none.
    pub fn renewed(self, instance: InstanceId, tools: &dyn Toolbox) -> Ruling {
        match self {
            Ruling::Approved(approved) => approved.renewed(instance, tools).into(),
            Ruling::Refused(refusal) => Ruling::Refused(refusal),
        }
    }

    /// Returns the call's place among the calls of its answer.
    pub fn position(&self) -> u32 {
        match self {
            Ruling::Approved(approved) => approved.position(),
            Ruling::Refused(refusal) => refusal.position(),
        }
    }
}

impl From<Result<Approved, Refusal>> for Ruling {
    fn from(ruling: Result<Approved, Refusal>) -> Ruling {
        ruling.map_or_else(Ruling::Refused, Ruling::Approved)
    }
}
