//! What a server says. A client reads a session's frames in the order of `seq`; nothing here says how they travel.
use crate::{CallReport, ErrorCode, ProgressKind, Session, SessionRow, Turn, TurnResponse};
use serde::{Deserialize, Serialize};

/// One frame from a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub enum Frame {
    /// The client is known, and this is its session.
    HelloAck(HelloAck),
    /// A turn began.
    TurnStarted(TurnStarted),
    /// More of the answer.
    AssistantDelta(AssistantDelta),
    /// More of what the model thinks. It is no part of the answer.
    ReasoningDelta(AssistantDelta),
    /// What a turn is busy with.
    TurnProgress(TurnProgress),
    /// A turn has its answer.
    TurnCompleted(TurnCompleted),
    /// A turn was cancelled.
    TurnCancelled(TurnCancelled),
    /// Something went wrong. With a turn whose state is `failed`, it is that turn's last frame.
    Error(ErrorFrame),
    /// The sessions of a user.
    SessionList(SessionList),
}

/// The client is known, and this is its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAck {
    /// Which request it answers.
    pub request_id: String,
    /// [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION).
    pub protocol_version: u32,
    /// The session.
    pub session: Session,
    /// The turn under way in it.
    #[serde(default)]
    pub active_turn: Option<Turn>,
    /// The number of the session's newest frame; what follows is larger.
    pub seq: u64,
}

/// A turn began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// Which request it answers.
    pub request_id: String,
    /// In which session.
    pub session: Session,
    /// The turn.
    pub turn: Turn,
    /// Its place among the frames of the session.
    pub seq: u64,
}

/// More text from the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantDelta {
    /// Which request it answers.
    pub request_id: String,
    /// In which session.
    pub session: Session,
    /// The turn.
    pub turn: Turn,
    /// Its place among the frames of the session.
    pub seq: u64,
    /// Which model call of the turn, from 1.
    pub round: u32,
    /// Which attempt at that call, from 1; above, an earlier one was lost.
    pub attempt: u32,
    /// Whether the text of this round so far no longer counts: a new attempt begins.
    pub reset: bool,
    /// The text; may be empty where `reset` says all.
    pub delta: String,
}

/// What a turn is busy with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnProgress {
    /// Which request it answers.
    pub request_id: String,
    /// In which session.
    pub session: Session,
    /// The turn.
    pub turn: Turn,
    /// Its place among the frames of the session.
    pub seq: u64,
    /// What it is busy with.
    pub progress: Progress,
}

/// A step of a turn, in words and in fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What kind of step.
    pub kind: ProgressKind,
    /// The step in words, for a person.
    pub message: String,
    /// How many model calls the turn has made.
    pub turn: u32,
    /// How many it may make.
    pub max_turns: u32,
    /// The tool call, where the step is one.
    #[serde(default)]
    pub call: Option<CallReport>,
}

/// A turn has its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnCompleted {
    /// Which request it answers.
    pub request_id: String,
    /// In which session.
    pub session: Session,
    /// The turn.
    pub turn: Turn,
    /// Its place among the frames of the session.
    pub seq: u64,
    /// The answer.
    pub response: TurnResponse,
}

/// A turn was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnCancelled {
    /// Which request it answers.
    pub request_id: String,
    /// In which session.
    pub session: Session,
    /// The turn.
    pub turn: Turn,
    /// Its place among the frames of the session.
    pub seq: u64,
    /// The calls that were under way, are never repeated, and may have happened.
    #[serde(default)]
    pub in_doubt: Vec<CallReport>,
}

/// Something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// What to branch on.
    pub code: ErrorCode,
    /// What happened, for a person.
    pub message: String,
    /// Which request it answers, if one.
    #[serde(default)]
    pub request_id: Option<String>,
    /// In which session, if in one.
    #[serde(default)]
    pub session: Option<Session>,
    /// The turn, if one.
    #[serde(default)]
    pub turn: Option<Turn>,
    /// Its place among the frames of the session, if in one.
    #[serde(default)]
    pub seq: Option<u64>,
}

impl ErrorFrame {
    /// An error that belongs to no session.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ErrorFrame {
        ErrorFrame { code, message: message.into(), request_id: None, session: None, turn: None, seq: None }
    }
}

/// The sessions of a user, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// Which request it answers.
    pub request_id: String,
    /// The sessions.
    pub sessions: Vec<SessionRow>,
}
