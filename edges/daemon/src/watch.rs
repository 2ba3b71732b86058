//! Watches one turn from where it is to its end, and shows it. Whatever happens, the last frame of the turn says how it
//! ended.
use crate::{
    exit::{Exit, Failure},
    interrupt::Interrupts,
    person::{ANSWERS, Person, Says},
    report::{self, Report},
    surface::Surface,
};
use domain::{Conversation, DoubtAnswer, Progress, ToolCall};
use engine::{EndFault, Run, Told};
use frames::ErrorCode;
use store::Store;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use turn::{Answered, DoubtSettled, Turn, TurnEnd};

/// How watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The turn is over.
    Over(Exit),
    /// The person does not want to wait for it. It goes on when the home is opened again.
    Left,
    /// It waits for a person's answer, and there is nobody to ask.
    Waiting,
}

impl Watched {
    /// What the process ends with if nothing comes after it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Watched::Over(exit) => exit,
            Watched::Left => Exit::Cancelled,
            Watched::Waiting => Exit::ApprovalNeeded,
        }
    }
}

/// One turn that is being watched.
pub(crate) struct Watch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) surface: &'a mut dyn Surface,
    pub(crate) report: Report<'a>,
    pub(crate) run: Run<Turn>,
    /// Subscribed before the turn began, if it began in this process: then nothing of it is missed.
    pub(crate) told: &'a mut Receiver<Told>,
    /// Who can be asked about a call in doubt.
    pub(crate) person: Person<'a>,
    /// The doubt that was shown last: one that is found, and told too, is shown once.
    pub(crate) asked: Option<String>,
}

/// A call that may have happened or not.
struct Doubt {
    /// What an answer names it by.
    id: String,
    call: ToolCall,
    words: String,
}

impl Watch<'_> {
    /// Watches to the end. The first Ctrl-C cancels the turn, the second one leaves.
    pub(crate) async fn until_it_ends(mut self, interrupts: &mut Interrupts) -> Watched {
        let started = self.report.started();
        self.surface.show(&started);
        let run = self.run.clone();
        let mut end = Box::pin(run.end());
        let mut cancelled = false;
        let mut doubt = self.open_doubt();
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
                    Ok(told) => doubt = self.hear(&told).or(doubt),
                    Err(RecvError::Lagged(_)) => {
                        self.report.missed();
                        doubt = self.open_doubt().or(doubt);
                    }
                    Err(RecvError::Closed) => break end.await,
                },
                end = &mut end => break end,
                says = self.person.says(), if doubt.is_some() => match (says, doubt.take()) {
                    (Says::Answer(how), Some(open)) => self.settle(open, how).await,
                    (Says::Unclear, open) => {
                        self.surface.notice(&format!("answer {ANSWERS}"));
                        doubt = open;
                    }
                    (Says::Gone, Some(open)) => return self.nobody(&open),
                    (Says::Answer(_) | Says::Gone, None) => {}
                },
            }
        };
        if !cancelled {
            // Too late to cancel this turn, and not meant for what follows.
            interrupts.forget();
        }
        self.hear_the_rest();
        Watched::Over(self.ended(end, doubt).await)
    }

    /// What was told before the end but not heard yet.
    fn hear_the_rest(&mut self) {
        loop {
            match self.told.try_recv() {
                Ok(told) => drop(self.hear(&told)),
                Err(TryRecvError::Lagged(_)) => self.report.missed(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Shows what was told, and returns the doubt that it opens, if it does.
    fn hear(&mut self, told: &Told) -> Option<Doubt> {
        let progress = told.as_a::<Progress>().filter(|_| told.instance == self.run.id())?;
        if matches!(progress, Progress::InDoubt { doubt, .. } if self.asked.as_ref() == Some(doubt)) {
            return None;
        }
        for frame in self.report.told(progress) {
            self.surface.show(&frame);
        }
        let Progress::InDoubt { doubt, call, evidence } = progress else { return None };
        let words = report::doubt_words(call, evidence);
        self.ask(doubt);
        Some(Doubt { id: doubt.clone(), call: call.clone(), words })
    }

    /// The doubt in which the turn stands already: an earlier process may have left it there.
    fn open_doubt(&mut self) -> Option<Doubt> {
        let open = self.run.look(|state| {
            turn::doubt(state).map(|it| (it.doubt.clone(), it.intent.call.clone(), it.intent.words()))
        });
        let (doubt, call, evidence) = open.ok().flatten()?;
        if self.asked.as_ref() == Some(&doubt) {
            return None;
        }
        let words = report::doubt_words(&call, &evidence);
        let told = Progress::InDoubt { doubt: doubt.clone(), call: call.clone(), evidence };
        for frame in self.report.told(&told) {
            self.surface.show(&frame);
        }
        self.ask(&doubt);
        Some(Doubt { id: doubt, call, words })
    }

    fn ask(&mut self, doubt: &str) {
        self.asked = Some(doubt.to_owned());
        if matches!(self.person, Person::Types(_)) {
            self.surface.notice(&format!("look whether it happened, then answer {ANSWERS}"));
        }
    }

    async fn settle(&mut self, doubt: Doubt, how: DoubtAnswer) {
        // Under the doubt's own id, so that an answer given twice counts once. A turn that is over takes none.
        let event = DoubtSettled { doubt: doubt.id.clone(), how };
        let _ = self.run.send_as(&doubt.id, event).await;
    }

    /// The turn waits in the journal until somebody answers.
    fn nobody(&mut self, doubt: &Doubt) -> Watched {
        let id = self.run.id();
        let message =
            format!("{}. Look, then say: oxydra instances answer {id} again|done|drop", doubt.words);
        let frame = self.report.waiting(message);
        self.surface.show(&frame);
        Watched::Waiting
    }

    /// Shows the end. Who cancels a turn that stands in a doubt has not settled it.
    async fn ended(&mut self, end: Result<TurnEnd, EndFault>, open: Option<Doubt>) -> Exit {
        match end {
            Ok(TurnEnd::Answered(answered)) => self.answered(answered).await,
            Ok(TurnEnd::Stopped(stopped)) => {
                let (frame, exit) = self.report.stopped(stopped, open.as_ref().map(|doubt| &doubt.call));
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
