//! The nouns and ports that graphs and edges share. No I/O, no engine, no policy; it stays light, since everything
//! recompiles with it.
//!
//! A type lives here only when two packages need it. A port is a trait that an edge implements and a graph calls.
mod answer;
mod budget;
mod conversation;
mod id;
mod json;
mod message;
mod model;
mod progress;
mod session;
mod tool;
mod turn;
mod usage;

pub use answer::{ANSWER_BYTES_MAX, Answer, CALLS_MAX, Collector, Finish, Fragment, Malformed, Shape};
pub use budget::{METER_NAMES, MONEY, MicroUsd, TOKENS, TURNS, Tokens, Turns};
pub use conversation::{Conversation, Unreadable, whole};
pub use id::{BadId, SessionId, TurnId, UserId};
pub use json::{Json, NotJson};
pub use message::{Attachment, CallOutcome, Message, MessageSaid, ProviderState, ToolCall};
pub use model::{AnswerForm, AnyForm, Effort, Gauge, Model, ModelFault, ModelLimits, Question, Thinking};
pub use progress::Progress;
pub use session::{SessionForked, SessionTouched, TITLE_CHARS_MAX, title_of};
pub use tool::{Recovery, Tier, ToolSpec, Toolbox};
pub use turn::{DoubtAnswer, StopCause, TurnOutcome, TurnRequest};
pub use usage::{Prices, Tariff, Usage, UsageSpent};
