//! Carries out what policy approved: contiguous reads side by side, everything else in order. What a tool returns is
//! scrubbed before anybody, the journal included, sees it.
use crate::{Asking, Bench, Intent, Talk, Tally, Turn, Uncertain};
use domain::{CallOutcome, Message, MessageSaid, Progress, Recovery};
use durable::{FactId, durable};
use engine::{Name, Ticket, prelude::*};
use futures::{StreamExt, stream};
use policy::{Approved, Evidence, Probe, Refusal, Ruling, Scrubbed};

/// So many reads run at once: enough to hide a slow disk, too few to starve other turns.
pub const READS_AT_ONCE_MAX: usize = 8;

/// So often a call that a crash cut off before it did anything is begun anew. A process that dies each time it tries
/// should not try for ever.
pub const BEGUN_ANEW_MAX: usize = 8;

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

/// What became of a call.
enum Carried {
    /// Its one result is in the session.
    Said(FactId),
    /// Nobody can tell whether it happened.
    Doubtful { doubt: String, intent: Intent },
}

/// What a probe found.
#[durable]
#[derive(Debug)]
enum Probed {
    /// The call had happened, and this is what is said of it in the session.
    Happened(FactId),
    /// It has not happened.
    NotYet,
    /// Nobody can tell.
    Unknown,
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
        // A fork inherits no approvals: what was given to another run is judged again.
        let (run, tools) = (cx.instance(), &*cx.env.tools);
        let rulings: Vec<_> = self.rulings.into_iter().map(|ruling| ruling.renewed(run, tools)).collect();
        let hands = Hands { cx: &*cx, talk: &self.talk, bench };
        let mut said = Vec::with_capacity(rulings.len());
        let mut in_doubt = None;
        'calls: for batch in batches(&rulings) {
            // Collected first: a stream over borrowed rulings is not provably `Send` inside an async fn.
            let calls: Vec<_> = batch.iter().map(|ruling| hands.answer(ruling)).collect();
            let results: Vec<_> = stream::iter(calls).buffered(READS_AT_ONCE_MAX).collect().await;
            for result in results {
                match result? {
                    Carried::Said(fact) => said.push(fact),
                    // A call that may be in doubt is a batch of its own, so nothing behind it has begun.
                    Carried::Doubtful { doubt, intent } => {
                        in_doubt = Some((doubt, intent));
                        break 'calls;
                    }
                }
            }
        }
        let (talk, tally, mut rulings) = (self.talk, self.tally, rulings);
        if let Some((doubt, intent)) = in_doubt {
            rulings.drain(..said.len());
            return go(Uncertain { talk, doubt, intent, rulings, tally });
        }
        let upto = said.into_iter().max().ok_or_else(|| Fault::fatal("nothing to act on"))?;
        go(Asking { talk, upto, tally, misfit: None })
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
    async fn answer(&self, ruling: &Ruling) -> Result<Carried, Fault> {
        match ruling {
            Ruling::Refused(refusal) => Ok(Carried::Said(self.refused(refusal))),
            Ruling::Approved(approved) => match approved.recovery() {
                Recovery::Pure | Recovery::Keyed => self.repeatable(approved).await.map(Carried::Said),
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

    /// Carries out a call that is never repeated unless a probe says that it has not happened.
    async fn once(&self, approved: &Approved) -> Result<Carried, Fault> {
        for begun in 0..=BEGUN_ANEW_MAX {
            let name = || once_name(approved, begun);
            let run = |ticket, _: &Intent| self.carry_out(approved, ticket);
            let intent = Intent::of(approved, self.evidence(approved, name()).await?);
            let intent = match self.cx.once(name(), intent, Hold::NOTHING, run).await? {
                Once::Done(said) => return Ok(Carried::Said(said)),
                Once::InDoubt(intent) => intent,
            };
            match self.probe(approved, begun, &intent).await? {
                Probed::Happened(said) => return Ok(Carried::Said(said)),
                Probed::NotYet if begun < BEGUN_ANEW_MAX => {}
                Probed::NotYet | Probed::Unknown => return Ok(self.doubtful(intent)),
            }
        }
        unreachable!("the last round returns")
    }

    /// What is seen before a call begins: once, and what was seen then counts.
    async fn evidence(&self, approved: &Approved, name: Name) -> Result<Evidence, Fault> {
        match self.cx.intent::<Intent>(name)? {
            Some(intent) => Ok(intent.evidence),
            None => Ok(self.bench.executor.evidence(approved).await),
        }
    }

    /// Asks whether a call happened before the process stopped. What was found is recorded, so that a later life, and a
    /// replay, go on from the same.
    async fn probe(&self, approved: &Approved, begun: usize, intent: &Intent) -> Result<Probed, Fault> {
        let name = format!("{}/probe", once_name(approved, begun));
        self.cx.effect(name.as_str(), Hold::NOTHING, |ticket| self.found(approved, intent, ticket)).await
    }

    async fn found(
        &self,
        approved: &Approved,
        intent: &Intent,
        ticket: Ticket,
    ) -> Result<Settled<Probed>, Fault> {
        let output = match self.bench.executor.probe(approved, &intent.evidence).await {
            Probe::Happened(output) => output,
            Probe::NotYet => return Ok(Settled::new(Probed::NotYet)),
            Probe::Unknown => return Ok(Settled::new(Probed::Unknown)),
        };
        let scrubbed = approved.found(output).scrub(&self.bench.scrubber);
        self.cx.tell(called(approved, &scrubbed));
        Ok(Settled::new(Probed::Happened(ticket.fact(0))).fact(&self.said(scrubbed.message())))
    }

    fn doubtful(&self, intent: Intent) -> Carried {
        let doubt = format!("{:032x}", self.cx.fresh(0));
        let (call, evidence) = (intent.call.clone(), intent.words());
        self.cx.tell(Progress::InDoubt { doubt: doubt.clone(), call, evidence });
        Carried::Doubtful { doubt, intent }
    }

    async fn carry_out(&self, approved: &Approved, ticket: Ticket) -> Result<Settled<FactId>, Fault> {
        let said = ticket.fact(0);
        let journalled = approved.dispatch(ticket).map_err(Fault::fatal)?;
        self.cx.tell(Progress::Calling(approved.call().clone()));
        let scrubbed = self.bench.executor.execute(journalled).await.scrub(&self.bench.scrubber);
        self.cx.tell(called(approved, &scrubbed));
        Ok(Settled::new(said).fact(&self.said(scrubbed.message())))
    }

    fn said(&self, message: Message) -> MessageSaid {
        self.talk.said(self.cx.at(), message)
    }
}

/// What a listener is told of a call that is over. Why one failed is told to the model; a person should know it too.
fn called(approved: &Approved, scrubbed: &Scrubbed) -> Progress {
    let outcome = scrubbed.outcome();
    let why = (outcome != CallOutcome::Done).then(|| scrubbed.text().to_owned());
    Progress::Called { call: approved.call().clone(), outcome, why }
}

/// Calls are named by their place: what a model wrote names nothing.
fn name(approved: &Approved) -> (&'static str, usize) {
    ("call", approved.position() as usize)
}

/// The first beginning has the call's name; one that a probe allowed is another effect, with another key.
fn once_name(approved: &Approved, begun: usize) -> Name {
    match begun {
        0 => name(approved).into(),
        anew => format!("call/{}/anew/{anew}", approved.position()).as_str().into(),
    }
}
