//! Carries out what policy approved: contiguous reads side by side, everything else in order. What a tool returns is
//! scrubbed before anybody, the journal included, sees it.
use crate::{Asking, Bench, Talk, Tally, Turn};
use domain::{CallOutcome, Message, MessageSaid, Progress, Recovery};
use durable::{FactId, durable};
use engine::{Ticket, prelude::*};
use futures::{StreamExt, stream};
use policy::{Approved, Refusal, Ruling};

/// So many reads run at once: enough to hide a slow disk, too few to starve other turns.
pub const READS_AT_ONCE_MAX: usize = 8;

/// What a model is told of a call that a crash, a cancel or a fault left open.
const IN_DOUBT: &str = "the process stopped while this call was under way: it may have happened or not. \
                        Look before you do it again.";

/// Calls are being carried out.
#[state]
#[derive(Debug)]
pub struct Acting {
    /// Which conversation.
    pub talk: Talk,
    /// What policy said of each call, in order.
    pub rulings: Vec<Ruling>,
    /// How far the turn has come.
    pub tally: Tally,
}

/// What is recorded before a call that is never repeated, so that a human or the model can look.
#[durable]
struct Intent {
    tool: String,
    arguments: String,
}

/// What every call of the batch is carried out with.
struct Hands<'a> {
    cx: &'a Cx<Turn>,
    talk: &'a Talk,
    bench: Bench,
}

impl Step for Acting {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        // Asked for before any call begins: without a workspace nothing is carried out, and nothing is in doubt.
        let bench = cx.env.workshop.bench(&self.talk.user).map_err(Fault::fatal)?;
        let hands = Hands { cx: &*cx, talk: &self.talk, bench };
        let mut said = Vec::with_capacity(self.rulings.len());
        for batch in batches(&self.rulings) {
            // Collected first: a stream over borrowed rulings is not provably `Send` inside an async fn.
            let calls: Vec<_> = batch.iter().map(|ruling| hands.answer(ruling)).collect();
            let results: Vec<_> = stream::iter(calls).buffered(READS_AT_ONCE_MAX).collect().await;
            for result in results {
                said.push(result?);
            }
        }
        let upto = said.into_iter().max().ok_or_else(|| Fault::fatal("nothing to act on"))?;
        go(Asking { talk: self.talk, upto, tally: self.tally })
    }
}

/// Cuts the calls into runs of reads, which may go side by side, and single others.
fn batches(rulings: &[Ruling]) -> Vec<&[Ruling]> {
    let reads = |ruling: &Ruling| match ruling {
        Ruling::Approved(approved) => approved.is_read_only(),
        Ruling::Refused(_) => true,
    };
    rulings.chunk_by(|a, b| reads(a) && reads(b)).collect()
}

impl Hands<'_> {
    /// Gives a call its one result in the session.
    async fn answer(&self, ruling: &Ruling) -> Result<FactId, Fault> {
        match ruling {
            Ruling::Refused(refusal) => Ok(self.refused(refusal)),
            Ruling::Approved(approved) => match approved.recovery() {
                Recovery::Pure | Recovery::Keyed => self.repeatable(approved).await,
                Recovery::GuestLocal | Recovery::Probeable | Recovery::Opaque => self.once(approved).await,
            },
        }
    }

    fn refused(&self, refusal: &Refusal) -> FactId {
        self.cx.tell(Progress::Correcting(refusal.words()));
        self.cx.record(&self.said(refusal.message()))
    }

    async fn repeatable(&self, approved: &Approved) -> Result<FactId, Fault> {
        self.cx.effect(name(approved), Hold::NOTHING, |ticket| self.carry_out(approved, ticket)).await
    }

    async fn once(&self, approved: &Approved) -> Result<FactId, Fault> {
        let call = approved.call();
        let intent = Intent { tool: call.tool.clone(), arguments: call.arguments.clone() };
        let run = |ticket, _: &Intent| self.carry_out(approved, ticket);
        match self.cx.once(name(approved), intent, Hold::NOTHING, run).await? {
            Once::Done(said) => Ok(said),
            Once::InDoubt(_) => Ok(self.in_doubt(approved)),
        }
    }

    async fn carry_out(&self, approved: &Approved, ticket: Ticket) -> Result<Settled<FactId>, Fault> {
        let said = ticket.fact(0);
        let journalled = approved.dispatch(ticket).map_err(Fault::fatal)?;
        self.cx.tell(Progress::Calling(approved.call().clone()));
        let scrubbed = self.bench.executor.execute(journalled).await.scrub(&self.bench.scrubber);
        self.cx.tell(Progress::Called { call: approved.call().clone(), outcome: scrubbed.outcome() });
        Ok(Settled::new(said).fact(&self.said(scrubbed.message())))
    }

    fn in_doubt(&self, approved: &Approved) -> FactId {
        let (position, call, outcome) = (approved.position(), approved.call().clone(), CallOutcome::Failed);
        self.cx.tell(Progress::Called { call: call.clone(), outcome });
        self.cx.record(&self.said(Message::Tool { position, call, outcome, text: IN_DOUBT.to_owned() }))
    }

    fn said(&self, message: Message) -> MessageSaid {
        self.talk.said(self.cx.at(), message)
    }
}

/// Calls are named by their place: what a model wrote names nothing.
fn name(approved: &Approved) -> (&'static str, usize) {
    ("call", approved.position() as usize)
}
