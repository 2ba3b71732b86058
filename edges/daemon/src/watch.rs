//! Watches one turn from where it is to its end, and shows it. Whatever happens, the last frame of the turn says how it
//! ended.
use crate::{
    exit::{Exit, Failure},
    interrupt::Interrupts,
    report::Report,
    surface::Surface,
};
use domain::{Conversation, Progress};
use engine::{EndFault, Run, Told};
use frames::ErrorCode;
use store::Store;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use turn::{Answered, Turn, TurnEnd};

/// How watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The turn is over.
    Over(Exit),
    /// The person does not want to wait for it. It goes on when the home is opened again.
    Left,
}

/// One turn that is being watched.
pub(crate) struct Watch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) surface: &'a mut dyn Surface,
    pub(crate) report: Report<'a>,
    pub(crate) run: Run<Turn>,
    /// Subscribed before the turn began, if it began in this process: then nothing of it is missed.
    pub(crate) told: &'a mut Receiver<Told>,
}

impl Watch<'_> {
    /// Watches to the end. The first Ctrl-C cancels the turn, the second one leaves.
    pub(crate) async fn to_the_end(mut self, interrupts: &mut Interrupts) -> Watched {
        let started = self.report.started();
        self.surface.show(&started);
        let run = self.run.clone();
        let mut end = Box::pin(run.end());
        let mut cancelled = false;
        let end = loop {
            tokio::select! {
                biased;
                // First, so that who presses it is heard however much there is to show.
                () = interrupts.next() => {
                    if cancelled {
                        return Watched::Left;
                    }
                    cancelled = true;
                    // A journal that takes no cancel any more ends the turn in its own words.
                    let _ = self.run.cancel().await;
                }
                told = self.told.recv() => match told {
                    Ok(told) => self.hear(&told),
                    Err(RecvError::Lagged(_)) => self.report.missed(),
                    Err(RecvError::Closed) => break end.await,
                },
                end = &mut end => break end,
            }
        };
        if !cancelled {
            // Too late to cancel this turn, and not meant for what follows.
            interrupts.forget();
        }
        self.hear_the_rest();
        Watched::Over(self.ended(end).await)
    }

    /// What was told before the end but not heard yet.
    fn hear_the_rest(&mut self) {
        loop {
            match self.told.try_recv() {
                Ok(told) => self.hear(&told),
                Err(TryRecvError::Lagged(_)) => self.report.missed(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn hear(&mut self, told: &Told) {
        let progress = told.as_a::<Progress>().filter(|_| told.instance == self.run.id());
        for frame in progress.map(|progress| self.report.told(progress)).unwrap_or_default() {
            self.surface.show(&frame);
        }
    }

    async fn ended(&mut self, end: Result<TurnEnd, EndFault>) -> Exit {
        match end {
            Ok(TurnEnd::Answered(answered)) => self.answered(answered).await,
            Ok(TurnEnd::Stopped(stopped)) => {
                let (frame, exit) = self.report.stopped(stopped.cause);
                self.surface.show(&frame);
                exit
            }
            Err(fault) => self.lost(code_of(&fault), Failure::other(fault)),
        }
    }

    async fn answered(&mut self, answered: Answered) -> Exit {
        match self.store.upto(&answered.talk.session, answered.said).await {
            Ok(said) => {
                let frames = self.report.answered(&answered, &said);
                frames.iter().for_each(|frame| self.surface.show(frame));
                Exit::Answered
            }
            Err(unreadable) => self.lost(ErrorCode::Storage, Failure::other(unreadable)),
        }
    }

    fn lost(&mut self, code: ErrorCode, failure: Failure) -> Exit {
        let frame = self.report.failed(code, failure.to_string());
        self.surface.show(&frame);
        failure.exit()
    }
}

fn code_of(fault: &EndFault) -> ErrorCode {
    match fault {
        EndFault::Log(_) => ErrorCode::Storage,
        EndFault::Parked { .. } => ErrorCode::TurnFailed,
        EndFault::Refused(_) | EndFault::Closed => ErrorCode::Internal,
    }
}
