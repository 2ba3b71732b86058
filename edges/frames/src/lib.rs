//! The wire protocol: what the daemon tells its clients, as JSON `{"type": snake_case, "payload": {…}}`, one frame per
//! line or message.
//!
//! It knows no domain type and sends nothing: an edge translates into these types by hand, so that a change inside
//! never changes the wire by accident. Reading is strict about what a frame is and lenient about what it carries: an
//! unknown type is refused by name, an unknown field is ignored, an unknown word of a list is kept as it is.
mod parts;
mod read;
mod server;
mod timestamp;
mod word;

pub use parts::{CallReport, Session, SessionRow, Turn, TurnResponse, Usage};
pub use read::Unreadable;
pub use server::{
    AssistantDelta, ErrorFrame, Frame, HelloAck, Progress, SessionList, TurnCancelled, TurnCompleted,
    TurnProgress, TurnStarted,
};
pub use timestamp::Timestamp;
pub use word::{CallStatus, ErrorCode, FinishReason, ProgressKind, TurnState};

/// The protocol that these frames speak. Version 1 had one session per user and no frame to name it.
pub const PROTOCOL_VERSION: u32 = 2;
