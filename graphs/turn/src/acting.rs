//! Carries out what policy approved: contiguous reads side by side, everything else in order. What a tool returns is
//! scrubbed before anybody, the journal included, sees it.
use crate::{Asking, Talk, Tally, Turn};
use domain::{CallOutcome, Message, Progress, Recovery};
use durable::{FactId, durable};
use engine::{Ticket, prelude::*};
use futures::{StreamExt, stream};
use policy::{Approved, Ruling};

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

impl Step for Acting {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let cx = &*cx;
        let mut said = Vec::with_capacity(self.rulings.len());
        for batch in batches(&self.rulings) {
            // Collected first: a stream over borrowed rulings is not provably `Send` inside an async fn.
            let calls: Vec<_> = batch.iter().map(|ruling| result(cx, &self.talk, ruling)).collect();
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

/// Gives a call its one result in the session.
async fn result(cx: &Cx<Turn>, talk: &Talk, ruling: &Ruling) -> Result<FactId, Fault> {
    match ruling {
        Ruling::Refused(refusal) => Ok(cx.record(&talk.said(cx.at(), refusal.message()))),
        Ruling::Approved(approved) => match approved.recovery() {
            Recovery::Pure | Recovery::Keyed => repeatable(cx, talk, approved).await,
            Recovery::GuestLocal | Recovery::Probeable | Recovery::Opaque => once(cx, talk, approved).await,
        },
    }
}

async fn repeatable(cx: &Cx<Turn>, talk: &Talk, approved: &Approved) -> Result<FactId, Fault> {
    let name = ("call", approved.position() as usize);
    cx.effect(name, Hold::NOTHING, |ticket| carry_out(cx, talk, approved, ticket)).await
}

async fn once(cx: &Cx<Turn>, talk: &Talk, approved: &Approved) -> Result<FactId, Fault> {
    let name = ("call", approved.position() as usize);
    let call = approved.call();
    let intent = Intent { tool: call.tool.clone(), arguments: call.arguments.clone() };
    match cx.once(name, intent, Hold::NOTHING, |ticket, _| carry_out(cx, talk, approved, ticket)).await? {
        Once::Done(said) => Ok(said),
        Once::InDoubt(_) => Ok(cx.record(&talk.said(cx.at(), in_doubt(approved)))),
    }
}

async fn carry_out(
    cx: &Cx<Turn>,
    talk: &Talk,
    approved: &Approved,
    ticket: Ticket,
) -> Result<Settled<FactId>, Fault> {
    let said = ticket.fact(0);
    let bench = cx.env.workshop.bench(&talk.user).map_err(Fault::fatal)?;
    let journalled = approved.dispatch(ticket).map_err(Fault::fatal)?;
    cx.tell(Progress::Calling(approved.call().clone()));
    let scrubbed = bench.executor.execute(journalled).await.scrub(&bench.scrubber);
    cx.tell(Progress::Called { call: approved.call().clone(), outcome: scrubbed.outcome() });
    Ok(Settled::new(said).fact(&talk.said(cx.at(), scrubbed.message())))
}

fn in_doubt(approved: &Approved) -> Message {
    Message::Tool {
        position: approved.position(),
        call: approved.call().clone(),
        outcome: CallOutcome::Failed,
        text: IN_DOUBT.to_owned(),
    }
}
