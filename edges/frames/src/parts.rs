//! What frames are made of: who, which turn, what was said, called and used. Plain owned data, no behaviour.
use crate::{CallStatus, FinishReason, Timestamp, TurnState};
use serde::{Deserialize, Serialize};

/// Whose session, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The user's id.
    pub user_id: String,
    /// The session's id.
    pub session_id: String,
}

/// Which turn, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The turn's id, chosen by who sent the prompt.
    pub turn_id: String,
    /// How far it is.
    pub state: TurnState,
}

/// A tool call and how it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReport {
    /// The model's id for it; may repeat, may be empty.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments as the model wrote them: text that may or may not be JSON.
    pub arguments: String,
    /// How far it is, or how it came out.
    pub status: CallStatus,
}

/// What a whole turn used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read by the model.
    pub prompt_tokens: u64,
    /// Tokens written by the model.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micro_usd: u64,
}

impl Usage {
    /// Adds up what was read and written.
    pub fn new(prompt_tokens: u64, completion_tokens: u64, cost_micro_usd: u64) -> Usage {
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Usage { prompt_tokens, completion_tokens, total_tokens, cost_micro_usd }
    }
}

/// The answer to a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnResponse {
    /// What the model said last.
    pub message: String,
    /// Every call of the turn, in order.
    pub tool_calls: Vec<CallReport>,
    /// Why the model stopped writing.
    pub finish_reason: FinishReason,
    /// What the turn used; `null` when the model did not say.
    pub usage: Option<Usage>,
}

/// A session as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The session's id.
    pub session_id: String,
    /// Which agent answers in it.
    pub agent_name: String,
    /// What it is about, in a few words.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Where it was opened, such as `terminal`.
    pub channel_origin: String,
    /// When it was opened; `null` where nobody kept it.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When its last turn began.
    pub last_active_at: Timestamp,
    /// How many turns it has.
    pub turns: u64,
    /// Whether it was put away.
    pub archived: bool,
    /// What it has used up; `null` where nobody added it up.
    #[serde(default)]
    pub usage: Option<Usage>,
}
