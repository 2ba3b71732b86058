//! Watches one turn from its beginning to its end and turns what it sees into frames.
use crate::{
    exit::{Exit, Failure},
    house::House,
    interrupt::Interrupts,
    surface::Surface,
};
use domain::{CallOutcome, Conversation, Finish, Message, MessageSaid, Progress, SessionId, StopCause, ToolCall, TurnId, UserId};
use engine::{EndFault, Run, Told};
use frames::{
    AssistantDelta, CallReport, CallStatus, ErrorCode, ErrorFrame, FinishReason, Frame, ProgressKind, Session,
    TurnCancelled, TurnCompleted, TurnProgress, TurnResponse, TurnStarted, TurnState, Usage,
};
use tokio::sync::broadcast::{Receiver, error::RecvError, error::TryRecvError};
use turn::{Answered, Turn, TurnEnd};

/// How watching ended.
pub(crate) enum Watched {
    /// The turn is over.
    Over(Exit),
    /// The person does not want to wait for it. It goes on when the home is opened again.
    Left,
}

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
    pub(crate) fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub(crate) fn session(&self) -> Session {
        self.session.clone()
    }
}

/// One turn that is being watched.
pub(crate) struct Watch<'a> {
    house: &'a House,
    reporter: &'a mut Reporter,
    surface: &'a mut dyn Surface,
    turn: TurnId,
    run: Run<Turn>,
    told: Receiver<Told>,
    round: u32,
    attempt: u32,
}

impl<'a> Watch<'a> {
    /// Watches a turn. `told` was subscribed before the turn began, so that nothing of it is missed.
    pub(crate) fn new(
        house: &'a House,
        reporter: &'a mut Reporter,
        surface: &'a mut dyn Surface,
        (turn, run): (TurnId, Run<Turn>),
        told: Receiver<Told>,
    ) -> Watch<'a> {
        Watch { house, reporter, surface, turn, run, told, round: 0, attempt: 0 }
    }

    /// Watches to the end. The first Ctrl-C cancels the turn, the second one leaves.
    pub(crate) async fn to_the_end(mut self, interrupts: &mut Interrupts) -> Result<Watched, Failure> {
        self.started();
        let run = self.run.clone();
        let mut end = Box::pin(run.end());
        let mut cancelled = false;
        let end = loop {
            tokio::select! {
                biased;
                told = self.told.recv() => match told {
                    Ok(told) => self.hear(&told),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break end.await,
                },
                end = &mut end => break end,
                () = interrupts.next() => {
                    if cancelled {
                        return Ok(Watched::Left);
                    }
                    cancelled = true;
                    self.run.cancel().await.map_err(Failure::other)?;
                }
            }
        };
        self.hear_the_rest();
        self.ended(end).await.map(Watched::Over)
    }

    /// What was told before the end but not heard yet.
    fn hear_the_rest(&mut self) {
        loop {
            match self.told.try_recv() {
                Ok(told) => self.hear(&told),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn started(&mut self) {
        let frame = TurnStarted {
            request_id: self.request_id(),
            session: self.reporter.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
        };
        self.surface.show(&Frame::TurnStarted(frame));
    }

    fn hear(&mut self, told: &Told) {
        if told.instance != self.run.id() {
            return;
        }
        if let Some(progress) = told.as_a::<Progress>() {
            let frame = self.frame_of(progress);
            self.surface.show(&frame);
            // A new attempt tells listeners to start over, in a frame of its own.
            if let (Progress::Asking { attempt: 2.., .. }, Frame::TurnProgress(_)) = (progress, &frame) {
                let reset = Frame::AssistantDelta(self.delta(String::new(), true));
                self.surface.show(&reset);
            }
        }
    }

    fn frame_of(&mut self, progress: &Progress) -> Frame {
        match progress {
            Progress::Asking { round, attempt } => {
                (self.round, self.attempt) = (*round, *attempt);
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                self.progress(ProgressKind::ProviderCall, format!("asking the model{again}"), None)
            }
            Progress::Text(text) => Frame::AssistantDelta(self.delta(text.clone(), false)),
            Progress::Reasoning(text) => Frame::ReasoningDelta(self.delta(text.clone(), false)),
            Progress::Calling(call) => {
                let report = report(call, CallStatus::Running);
                self.progress(ProgressKind::ToolExecution, format!("{} {}", call.tool, call.arguments), Some(report))
            }
            Progress::Called { call, outcome } => {
                let status = status(*outcome);
                let report = report(call, status.clone());
                self.progress(ProgressKind::ToolExecution, format!("{}: {status}", call.tool), Some(report))
            }
            Progress::Correcting(why) => self.progress(ProgressKind::Correction, why.clone(), None),
        }
    }

    fn delta(&mut self, delta: String, reset: bool) -> AssistantDelta {
        AssistantDelta {
            request_id: self.request_id(),
            session: self.reporter.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
            round: self.round,
            attempt: self.attempt,
            reset,
            delta,
        }
    }

    fn progress(&mut self, kind: ProgressKind, message: String, call: Option<CallReport>) -> Frame {
        let progress =
            frames::Progress { kind, message, turn: self.round, max_turns: self.reporter.max_turns, call };
        Frame::TurnProgress(TurnProgress {
            request_id: self.request_id(),
            session: self.reporter.session(),
            turn: self.turn(TurnState::Running),
            seq: self.reporter.next(),
            progress,
        })
    }

    async fn ended(&mut self, end: Result<TurnEnd, EndFault>) -> Result<Exit, Failure> {
        match end {
            Ok(TurnEnd::Answered(answered)) => self.answered(answered).await,
            Ok(TurnEnd::Stopped(stopped)) => Ok(self.stopped(stopped.cause)),
            Err(fault) => {
                self.failed(ErrorCode::Storage, fault.to_string());
                Ok(Exit::Failed)
            }
        }
    }

    async fn answered(&mut self, answered: Answered) -> Result<Exit, Failure> {
        let said = self.house.store.upto(&answered.talk.session, answered.said).await.map_err(Failure::other)?;
        let used = answered.tally.used;
        let response = TurnResponse {
            message: answer_in(&said),
            tool_calls: calls_in(&said, &self.turn),
            finish_reason: finish_reason(&answered.finish),
            usage: Some(Usage::new(used.input.0, used.output.0, used.cost.0)),
        };
        let frame = TurnCompleted {
            request_id: self.request_id(),
            session: self.reporter.session(),
            turn: self.turn(TurnState::Completed),
            seq: self.reporter.next(),
            response,
        };
        self.surface.show(&Frame::TurnCompleted(frame));
        Ok(Exit::Answered)
    }

    fn stopped(&mut self, cause: StopCause) -> Exit {
        match cause {
            StopCause::Cancelled => {
                let frame = TurnCancelled {
                    request_id: self.request_id(),
                    session: self.reporter.session(),
                    turn: self.turn(TurnState::Cancelled),
                    seq: self.reporter.next(),
                };
                self.surface.show(&Frame::TurnCancelled(frame));
                Exit::Cancelled
            }
            StopCause::Spent(what) => {
                self.failed(ErrorCode::BudgetSpent, spent(&what));
                Exit::BudgetSpent
            }
            StopCause::Failed(why) => {
                self.failed(ErrorCode::TurnFailed, why);
                Exit::Failed
            }
        }
    }

    fn failed(&mut self, code: ErrorCode, message: String) {
        let mut frame = ErrorFrame::new(code, message);
        frame.request_id = Some(self.request_id());
        frame.session = Some(self.reporter.session());
        frame.turn = Some(self.turn(TurnState::Failed));
        frame.seq = Some(self.reporter.next());
        self.surface.show(&Frame::Error(frame));
    }

    fn turn(&self, state: TurnState) -> frames::Turn {
        frames::Turn { turn_id: self.turn.to_string(), state }
    }

    /// A local client sends one request a turn: the turn's id names it.
    fn request_id(&self) -> String {
        self.turn.to_string()
    }
}

fn spent(what: &str) -> String {
    let key = match what {
        "turns" => "runtime.max_turns",
        "money" => "runtime.max_cost",
        _ => return format!("the turn's budget is spent: out of {what}"),
    };
    format!("the turn's budget is spent: out of {what}. `{key}` in agent.toml says how much a turn may use")
}

fn answer_in(said: &[MessageSaid]) -> String {
    match said.last().map(|said| &said.message) {
        Some(Message::Assistant { text, .. }) => text.clone(),
        Some(Message::User { .. } | Message::Tool { .. }) | None => String::new(),
    }
}

/// Every call of the turn with its result, in order.
fn calls_in(said: &[MessageSaid], turn: &TurnId) -> Vec<CallReport> {
    let result = |said: &MessageSaid| match &said.message {
        Message::Tool { call, outcome, .. } if said.turn == *turn => Some(report(call, status(*outcome))),
        Message::Tool { .. } | Message::User { .. } | Message::Assistant { .. } => None,
    };
    said.iter().filter_map(result).collect()
}

fn report(call: &ToolCall, status: CallStatus) -> CallReport {
    CallReport { id: call.id.clone(), name: call.tool.clone(), arguments: call.arguments.clone(), status }
}

fn status(outcome: CallOutcome) -> CallStatus {
    match outcome {
        CallOutcome::Done => CallStatus::Done,
        CallOutcome::Failed => CallStatus::Failed,
        CallOutcome::Refused => CallStatus::Refused,
    }
}

fn finish_reason(finish: &Finish) -> FinishReason {
    match finish {
        Finish::Stop => FinishReason::Stop,
        Finish::Calls => FinishReason::ToolCalls,
        Finish::Length => FinishReason::Length,
        Finish::Refused(_) => FinishReason::Refused,
    }
}
