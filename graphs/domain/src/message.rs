//! What is said in a session.
use crate::{SessionId, TurnId};
use durable::{Fact, Owner, Time, durable, fact};

/// A call as the model wrote it. Nobody has checked it.
#[durable]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolCall {
    /// The model's id for it: may repeat, may be empty.
    pub id: String,
    /// The name of the tool.
    pub tool: String,
    /// The arguments, as text that may or may not be JSON.
    pub arguments: String,
}

/// How a call came out.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// It did what it was asked.
    Done,
    /// It ran and failed.
    Failed,
    /// It was not run.
    Refused,
}

/// One message.
#[durable]
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// From the person, or from who stands in for one.
    User {
        /// What they said.
        text: String,
    },
    /// From the model.
    Assistant {
        /// What it said; may be empty when it only calls.
        text: String,
        /// What it wants to call, in order.
        calls: Vec<ToolCall>,
    },
    /// From a tool, scrubbed.
    Tool {
        /// Which of the calls before it, counted from zero. Ids of models are not unique.
        position: u32,
        /// The call it answers.
        call: ToolCall,
        /// How it came out.
        outcome: CallOutcome,
        /// What the model is told.
        text: String,
    },
}

/// A message became part of a session.
#[fact("message")]
#[derive(Clone, PartialEq, Debug)]
pub struct MessageSaid {
    /// Where.
    pub session: SessionId,
    /// In which turn.
    pub turn: TurnId,
    /// When.
    pub at: Time,
    /// What.
    pub message: Message,
}

impl Fact for MessageSaid {
    fn owner(&self) -> Owner {
        self.session.owner()
    }
}

impl SessionId {
    /// Whose facts the messages of a session are.
    pub fn owner(&self) -> Owner {
        Owner(format!("session:{self}"))
    }
}
