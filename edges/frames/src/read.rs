//! Frames to and from text. What is no frame is refused with the reason and with what would have been one.
use crate::Frame;
use serde_json::Value;

/// The names of all frames, in the order of [`Frame`].
const TYPES: [&str; 9] = [
    "hello_ack",
    "turn_started",
    "assistant_delta",
    "reasoning_delta",
    "turn_progress",
    "turn_completed",
    "turn_cancelled",
    "error",
    "session_list",
];

/// The text is no frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error("a frame is one JSON object")]
    NotJson(#[source] serde_json::Error),
    /// It does not say which frame it is.
    #[error("a frame has a `type`, a string, and a `payload`, an object")]
    NoType,
    /// Nobody knows that frame.
    #[error("unknown frame type `{found}`; known are {}", TYPES.join(", "))]
    UnknownType {
        /// The type it claims.
        found: String,
    },
    /// It says which frame it is, and is none.
    #[error("`{frame}` has a payload that does not fit")]
    Payload {
        /// The type it claims.
        frame: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

impl Frame {
    /// Returns the frame as one line of JSON, without the line's end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self)
            .expect("frames are strings, numbers and lists: nothing in them can fail to print")
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When the text is no frame of this protocol.
    pub fn parse(text: &str) -> Result<Frame, Unreadable> {
        let value: Value = serde_json::from_str(text).map_err(Unreadable::NotJson)?;
        let frame = match value.get("type").and_then(Value::as_str) {
            None => return Err(Unreadable::NoType),
            Some(name) if TYPES.contains(&name) => name.to_owned(),
            Some(name) => return Err(Unreadable::UnknownType { found: shortened(name) }),
        };
        serde_json::from_value(value).map_err(|source| Unreadable::Payload { frame, source })
    }
}

/// What a stranger calls a type may be as long as a book; a message about it is not.
const NAME_CHARS_MAX: usize = 40;

fn shortened(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AssistantDelta, CallReport, CallStatus, ErrorCode, ErrorFrame, FinishReason, HelloAck,
        PROTOCOL_VERSION, Progress, ProgressKind, Session, SessionList, SessionRow, Timestamp, Turn,
        TurnCancelled, TurnCompleted, TurnProgress, TurnResponse, TurnStarted, TurnState, Usage,
    };
    use expect_test::{Expect, expect};
    use std::error::Error;

    fn session() -> Session {
        Session { user_id: "alice".into(), session_id: "s-1".into() }
    }
    fn turn(state: TurnState) -> Turn {
        Turn { turn_id: "t-1".into(), state }
    }
    fn call(status: CallStatus) -> CallReport {
        CallReport { id: "c-1".into(), name: "file_list".into(), arguments: "{}".into(), status }
    }
    fn delta(attempt: u32, reset: bool, text: &str) -> AssistantDelta {
        AssistantDelta {
            request_id: "r-1".into(),
            session: session(),
            turn: turn(TurnState::Running),
            seq: 3,
            round: 1,
            attempt,
            reset,
            delta: text.into(),
        }
    }

    /// A frame prints as expected and reads back as itself.
    fn check(frame: Frame, line: Expect) {
        let printed = frame.to_line();
        line.assert_eq(&printed);
        assert_eq!(Frame::parse(&printed).expect("it reads back"), frame);
        assert!(!printed.contains('\n'), "one line");
    }

    #[test]
    fn a_session_is_opened_and_listed() {
        let hello = HelloAck {
            request_id: "r-1".into(),
            protocol_version: PROTOCOL_VERSION,
            session: session(),
            active_turn: None,
            seq: 0,
        };
        check(
            Frame::HelloAck(hello),
            expect![[
                r#"{"type":"hello_ack","payload":{"request_id":"r-1","protocol_version":2,"session":{"user_id":"alice","session_id":"s-1"},"active_turn":null,"seq":0}}"#
            ]],
        );
        let row = SessionRow {
            session_id: "s-1".into(),
            agent_name: "default".into(),
            display_name: Some("list the files".into()),
            channel_origin: "terminal".into(),
            created_at: Some(Timestamp(0)),
            last_active_at: Timestamp(1_500),
            turns: 2,
            archived: false,
            usage: None,
        };
        check(
            Frame::SessionList(SessionList { request_id: "r-2".into(), sessions: vec![row] }),
            expect![[
                r#"{"type":"session_list","payload":{"request_id":"r-2","sessions":[{"session_id":"s-1","agent_name":"default","display_name":"list the files","channel_origin":"terminal","created_at":"1970-01-01T00:00:00Z","last_active_at":"1970-01-01T00:00:01.5Z","turns":2,"archived":false,"usage":null}]}}"#
            ]],
        );
    }

    #[test]
    fn a_turn_streams_and_completes() {
        let started = TurnStarted {
            request_id: "r-1".into(),
            session: session(),
            turn: turn(TurnState::Running),
            seq: 1,
        };
        check(
            Frame::TurnStarted(started),
            expect![[
                r#"{"type":"turn_started","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"running"},"seq":1}}"#
            ]],
        );
        check(
            Frame::AssistantDelta(delta(1, false, "a\nb")),
            expect![[
                r#"{"type":"assistant_delta","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"running"},"seq":3,"round":1,"attempt":1,"reset":false,"delta":"a\nb"}}"#
            ]],
        );
        check(
            Frame::ReasoningDelta(delta(2, true, "")),
            expect![[
                r#"{"type":"reasoning_delta","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"running"},"seq":3,"round":1,"attempt":2,"reset":true,"delta":""}}"#
            ]],
        );
        let progress = Progress {
            kind: ProgressKind::ToolExecution,
            message: "file_list".into(),
            turn: 1,
            max_turns: 8,
            call: Some(call(CallStatus::Running)),
        };
        let progress = TurnProgress {
            request_id: "r-1".into(),
            session: session(),
            turn: turn(TurnState::Running),
            seq: 4,
            progress,
        };
        check(
            Frame::TurnProgress(progress),
            expect![[
                r#"{"type":"turn_progress","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"running"},"seq":4,"progress":{"kind":"tool_execution","message":"file_list","turn":1,"max_turns":8,"call":{"id":"c-1","name":"file_list","arguments":"{}","status":"running"}}}}"#
            ]],
        );
        let response = TurnResponse {
            message: "three files".into(),
            tool_calls: vec![call(CallStatus::Done)],
            finish_reason: FinishReason::Stop,
            usage: Some(Usage::new(120, 30, 0)),
        };
        let completed = TurnCompleted {
            request_id: "r-1".into(),
            session: session(),
            turn: turn(TurnState::Completed),
            seq: 5,
            response,
        };
        check(
            Frame::TurnCompleted(completed),
            expect![[
                r#"{"type":"turn_completed","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"completed"},"seq":5,"response":{"message":"three files","tool_calls":[{"id":"c-1","name":"file_list","arguments":"{}","status":"done"}],"finish_reason":"stop","usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,"cost_micro_usd":0}}}}"#
            ]],
        );
    }

    #[test]
    fn a_turn_ends_without_an_answer() {
        let cancelled = TurnCancelled {
            in_doubt: vec![],
            request_id: "r-1".into(),
            session: session(),
            turn: turn(TurnState::Cancelled),
            seq: 5,
        };
        check(
            Frame::TurnCancelled(cancelled),
            expect![[
                r#"{"type":"turn_cancelled","payload":{"request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"cancelled"},"seq":5,"in_doubt":[]}}"#
            ]],
        );
        let failed = ErrorFrame {
            request_id: Some("r-1".into()),
            session: Some(session()),
            turn: Some(turn(TurnState::Failed)),
            seq: Some(5),
            ..ErrorFrame::new(ErrorCode::BudgetSpent, "out of turns")
        };
        check(
            Frame::Error(failed),
            expect![[
                r#"{"type":"error","payload":{"code":"budget_spent","message":"out of turns","request_id":"r-1","session":{"user_id":"alice","session_id":"s-1"},"turn":{"turn_id":"t-1","state":"failed"},"seq":5}}"#
            ]],
        );
    }

    fn refused(text: &str) -> String {
        let error = Frame::parse(text).expect_err("it is no frame");
        error.source().map_or(error.to_string(), |cause| format!("{error}: {cause}"))
    }

    #[test]
    fn what_is_no_frame_is_refused_with_the_reason() {
        expect!["a frame is one JSON object: expected ident at line 1 column 2"]
            .assert_eq(&refused("nonsense"));
        expect!["a frame has a `type`, a string, and a `payload`, an object"].assert_eq(&refused("[1]"));
        expect!["a frame has a `type`, a string, and a `payload`, an object"]
            .assert_eq(&refused(r#"{"type":7}"#));
        expect!["unknown frame type `turn_paused`; known are hello_ack, turn_started, assistant_delta, reasoning_delta, turn_progress, turn_completed, turn_cancelled, error, session_list"]
            .assert_eq(&refused(r#"{"type":"turn_paused","payload":{}}"#));
        expect!["`error` has a payload that does not fit: missing field `code`"]
            .assert_eq(&refused(r#"{"type":"error","payload":{"message":"x"}}"#));
        expect!["`error` has a payload that does not fit: missing field `payload`"]
            .assert_eq(&refused(r#"{"type":"error"}"#));
    }

    #[test]
    fn fields_of_a_later_version_are_ignored() {
        let text =
            r#"{"type":"error","trace":1,"payload":{"code":"moved","message":"x","retry_at":"never"}}"#;
        let expected = Frame::Error(ErrorFrame::new(ErrorCode::Other("moved".into()), "x"));
        assert_eq!(Frame::parse(text).expect("it reads"), expected);
    }
}
