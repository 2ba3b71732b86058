//! Turns what one turn tells into the frames of its session, numbered. It shows nothing and waits for nothing.
//!
//! Whoever joins the words of a round (those after the last `reset`) has the text of that round. When words were missed,
//! because they were told before anybody listened or faster than they were shown, the rest of that round is held back,
//! and an answer in it is said again as a whole behind a `reset`.
mod parts;
#[cfg(test)]
mod tests;

use crate::exit::Exit;
use domain::{MessageSaid, Progress, SessionId, StopCause, ToolCall, TurnId, UserId};
use frames::{
    AssistantDelta, CallReport, CallStatus, ErrorCode, ErrorFrame, Frame, ProgressKind, Session,
    TurnCancelled, TurnCompleted, TurnProgress, TurnResponse, TurnStarted, TurnState,
};
use parts::{
    answer_in, called_words, calls_in, failed_words, finish_reason, no_answer, report, spent, status,
    unfit_words,
};
pub(crate) use parts::{doubt_words, usage};
use turn::{Answered, Stopped};

/// Numbers the frames of one session.
pub(crate) struct Reporter {
    session: Session,
    max_turns: u32,
    seq: u64,
}

impl Reporter {
    pub(crate) fn new(user: &UserId, session: &SessionId, max_turns: u64) -> Reporter {
        let session = Session { user_id: user.to_string(), session_id: session.to_string() };
        Reporter { session, max_turns: u32::try_from(max_turns).unwrap_or(u32::MAX), seq: 0 }
    }

    /// The number of the next frame.
    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

/// The frames of one turn.
pub(crate) struct Report<'a> {
    reporter: &'a mut Reporter,
    turn: TurnId,
    round: u32,
    attempt: u32,
    /// Whether all of this round was heard so far.
    is_whole: bool,
}

impl<'a> Report<'a> {
    /// Reports a turn that has made so many round trips already.
    pub(crate) fn new(reporter: &'a mut Reporter, turn: TurnId, rounds: u32) -> Report<'a> {
        Report { reporter, turn, round: rounds, attempt: 1, is_whole: false }
    }

    pub(crate) fn started(&mut self) -> Frame {
        Frame::TurnStarted(TurnStarted {
            request_id: self.request_id(),
            session: self.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
        })
    }

    /// Some of what was told is lost.
    pub(crate) fn missed(&mut self) {
        self.is_whole = false;
    }

    /// Something was told.
    pub(crate) fn told(&mut self, progress: &Progress) -> Vec<Frame> {
        match progress {
            Progress::Asking { round, attempt } => self.asking(*round, *attempt),
            Progress::Failed { attempt, why, wait } => {
                vec![self.progress(ProgressKind::Retry, failed_words(*attempt, why, *wait), None)]
            }
            Progress::StandIn(model) => {
                vec![self.progress(ProgressKind::Retry, format!("{model} answers instead"), None)]
            }
            Progress::Text(_) | Progress::Reasoning(_) if !self.is_whole => Vec::new(),
            Progress::Text(text) => vec![Frame::AssistantDelta(self.delta(text, false))],
            Progress::Reasoning(text) => vec![Frame::ReasoningDelta(self.delta(text, false))],
            Progress::Calling(call) => {
                let report = report(call, CallStatus::Running);
                vec![self.progress(
                    ProgressKind::ToolExecution,
                    format!("{} {}", call.tool, call.arguments),
                    Some(report),
                )]
            }
            Progress::Called { call, outcome, why } => {
                let status = status(*outcome);
                let message = called_words(&call.tool, status.clone(), why.as_deref());
                vec![self.progress(ProgressKind::ToolExecution, message, Some(report(call, status)))]
            }
            Progress::InDoubt { call, evidence, .. } => {
                let report = report(call, CallStatus::InDoubt);
                vec![self.progress(ProgressKind::Uncertain, doubt_words(call, evidence), Some(report))]
            }
            // Before the correction: whoever joins the words of this round is left with none.
            Progress::Unfit(why) => {
                let taken_back = Frame::AssistantDelta(self.delta("", true));
                vec![taken_back, self.progress(ProgressKind::Correction, unfit_words(why), None)]
            }
            Progress::Correcting(why) => vec![self.progress(ProgressKind::Correction, why.clone(), None)],
        }
    }

    fn asking(&mut self, round: u32, attempt: u32) -> Vec<Frame> {
        (self.round, self.attempt, self.is_whole) = (round, attempt, true);
        if attempt == 1 {
            return vec![self.progress(ProgressKind::ProviderCall, "asking the model".to_owned(), None)];
        }
        let message = format!("asking the model, attempt {attempt}");
        let asking = self.progress(ProgressKind::ProviderCall, message, None);
        vec![asking, Frame::AssistantDelta(self.delta("", true))]
    }

    /// The turn has its answer: `said` is the session up to it.
    pub(crate) fn answered(&mut self, answered: &Answered, said: &[MessageSaid]) -> Vec<Frame> {
        let message = answer_in(said);
        self.round = answered.tally.rounds;
        let whole = (!self.is_whole).then(|| Frame::AssistantDelta(self.delta(&message, true)));
        let response = TurnResponse {
            message,
            tool_calls: calls_in(said, &self.turn),
            finish_reason: finish_reason(&answered.finish),
            usage: Some(usage(answered.tally.used)),
        };
        let completed = Frame::TurnCompleted(TurnCompleted {
            request_id: self.request_id(),
            session: self.session(),
            turn: self.turn(TurnState::Completed),
            seq: self.reporter.next(),
            response,
        });
        whole.into_iter().chain([completed]).collect()
    }

    /// The turn has stopped without an answer; it may have stood in a doubt that nobody had settled.
    pub(crate) fn stopped(&mut self, stopped: Stopped, open: Option<&ToolCall>) -> (Frame, Exit) {
        let calls = stopped.in_doubt.iter().map(|intent| &intent.call).chain(open);
        match stopped.cause {
            StopCause::Cancelled => {
                let frame = TurnCancelled {
                    request_id: self.request_id(),
                    session: self.session(),
                    turn: self.turn(TurnState::Cancelled),
                    seq: self.reporter.next(),
                    in_doubt: calls.map(|call| report(call, CallStatus::InDoubt)).collect(),
                };
                (Frame::TurnCancelled(frame), Exit::Cancelled)
            }
            StopCause::Spent(what) => (self.failed(ErrorCode::BudgetSpent, spent(&what)), Exit::BudgetSpent),
            StopCause::Unfit(why) => (self.failed(ErrorCode::AnswerUnfit, no_answer(&why)), Exit::Failed),
            StopCause::Failed(why) => (self.failed(ErrorCode::TurnFailed, why), Exit::Failed),
        }
    }

    /// Nothing further will be heard of the turn in this process.
    pub(crate) fn failed(&mut self, code: ErrorCode, message: String) -> Frame {
        self.error(code, message, TurnState::Failed)
    }

    /// The turn waits for a person, and there is none here. It is not over.
    pub(crate) fn waiting(&mut self, message: String) -> Frame {
        self.error(ErrorCode::ApprovalNeeded, message, TurnState::Running)
    }

    fn error(&mut self, code: ErrorCode, message: String, state: TurnState) -> Frame {
        let mut frame = ErrorFrame::new(code, message);
        frame.request_id = Some(self.request_id());
        frame.session = Some(self.session());
        frame.turn = Some(self.turn(state));
        frame.seq = Some(self.reporter.next());
        Frame::Error(frame)
    }

    fn delta(&mut self, delta: &str, reset: bool) -> AssistantDelta {
        AssistantDelta {
            request_id: self.request_id(),
            session: self.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
            round: self.round,
            attempt: self.attempt,
            reset,
            delta: delta.to_owned(),
        }
    }

    fn progress(&mut self, kind: ProgressKind, message: String, call: Option<CallReport>) -> Frame {
        let max_turns = self.reporter.max_turns;
        Frame::TurnProgress(TurnProgress {
            request_id: self.request_id(),
            session: self.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
            progress: frames::Progress { kind, message, turn: self.round, max_turns, call },
        })
    }

    fn session(&self) -> Session {
        self.reporter.session.clone()
    }

    fn turn(&self, state: TurnState) -> frames::Turn {
        frames::Turn { turn_id: self.turn.to_string(), state }
    }

    /// A local client sends one request a turn: the turn's id names it.
    fn request_id(&self) -> String {
        self.turn.to_string()
    }
}
