//! Commits a move with all that belongs to it in one group: the state, the consumed event, the budget, the facts, the
//! child that the new state asks, the answer to who asked, the cancel of a child that nobody waits for any more.
use crate::{
    Exhausted, Fault, Graph, InstanceId, StopWhy,
    budget::{Balance, Purse},
    core::Core,
    effect::effect_key,
    graph::Wait,
    observe::Observed,
    record::{Answer, Cancel, Credited, FactRecord, Moved, Outcome, Parent, Parked, Record, Started, Via},
    slot::Slot,
    standing::{Standing, Status},
};
use std::sync::Arc;

/// A child of a child of …: deeper than this, a graph asks itself.
const DEPTH_MAX: u16 = 16;

/// A move that a handler, or a stop, has named.
pub(crate) struct Move<S> {
    pub(crate) next: S,
    pub(crate) via: Via,
    pub(crate) facts: Vec<FactRecord>,
    /// The reserve, if this move begins the way to an end after a stop.
    pub(crate) stopping: Option<u32>,
}

/// Commits the move. It is durable when the run's next effect starts, or its end is told.
pub(crate) fn commit<G: Graph>(core: &Arc<Core>, slot: &Arc<Slot>, made: Move<G::State>) -> Result<(), Fault> {
    // Collected before the lock: a child may lock its parent, so a parent must not lock a child while it is locked.
    let abandoned = match (made.via, slot.lock().child) {
        (Via::Outcome, _) | (_, None) => None,
        (_, Some(child)) => Some(Cancel { instances: core.subtree(child), at: core.now() }),
    };
    let abandoned = abandoned.filter(|cancel| !cancel.instances.is_empty());
    let mut standing = slot.lock();
    let (balance, stopping) = after_move::<G>(&standing, &made)?;
    let ended = G::wait(&made.next) == Wait::End;
    let (balance, child) = asked::<G>(core, slot.instance, standing.seq + 1, standing.depth, balance, &made.next)?;
    let moved = Moved {
        instance: slot.instance,
        seq: standing.seq + 1,
        state: G::encode(&made.next),
        used: made.via,
        balance,
        stopping,
        ended,
        facts: made.facts,
        at: core.now(),
    };
    let answer = standing.parent.filter(|_| ended).map(|parent| {
        let answer = core.registry.answer(parent.request, &moved.state);
        (parent, answer.map_or_else(|refused| Answer::Lost(refused.0), Answer::Said))
    });
    let mut records = vec![Record::Moved(moved)];
    records.extend(child.clone().map(Record::Started));
    records.extend(abandoned.clone().map(Record::Cancel));
    match answer {
        None => drop(core.write(slot, &mut standing, &records)?),
        Some((parent, answer)) => answer_parent(core, slot, &mut standing, records, parent, answer)?,
    }
    standing.child = child.as_ref().map(|child| child.instance);
    drop(standing);
    if let Some(cancel) = abandoned {
        core.cancel(&cancel);
    }
    if let Some(child) = child {
        begin(core, slot, &child);
    }
    Ok(())
}

/// Starts a child whose `Started` is ordered.
pub(crate) fn begin(core: &Arc<Core>, parent: &Slot, started: &Started) {
    let slot = core.admit(started);
    if let Some(host) = core.registry.host(started.graph) {
        let (graph, state) = (host.meta().name, host.check(&started.state).unwrap_or("?"));
        core.observe(started.instance, Observed::Started { graph, state, parent: Some(parent.instance) });
    }
    slot.raise_barrier(parent.barrier());
    core.spawn(slot);
}

/// What the first state of a run asks, so that its child begins in the same group.
pub(crate) fn asked<G: Graph>(
    core: &Core,
    instance: InstanceId,
    seq: u64,
    depth: u16,
    balance: Balance,
    state: &G::State,
) -> Result<(Balance, Option<Started>), Fault> {
    let mut purse = Purse::of(balance);
    let Some(request) = G::ask(state, &mut purse) else { return Ok((balance, None)) };
    if depth >= DEPTH_MAX {
        return Err(Fault::fatal(format!("`{}` asks a child {DEPTH_MAX} levels down: a graph asks itself", G::name(state))));
    }
    let opened = core.registry.open(&request)?;
    let (left, share) = purse.divided();
    let child = InstanceId(effect_key(instance, seq, "child"));
    let started = Started {
        instance: child,
        graph: opened.graph,
        version: opened.version,
        state: opened.state,
        grant: share,
        parent: Some(Parent { instance, seq, request: request.tag }),
        depth: depth + 1,
        at: core.now(),
    };
    Ok((left, Some(started)))
}

/// The balance with which the run enters its next state, and what is left of the reserve.
fn after_move<G: Graph>(standing: &Standing, made: &Move<G::State>) -> Result<(Balance, Option<u32>), Fault> {
    // What a child gave back leaves the mail with the move, whatever the move was made for.
    let mut balance = match &standing.outcome {
        Some((_, refund)) => standing.balance.credit(*refund),
        None => standing.balance,
    };
    if let Some(reserve) = made.stopping {
        return Ok((balance, Some(reserve)));
    }
    match standing.stopping {
        Some(left) => {
            let left = left.checked_sub(1).ok_or_else(|| Fault::fatal("the reserve of the way to an end is spent"))?;
            Ok((balance, Some(left)))
        }
        None if const { G::META.lap }.is_some_and(|lap| lap == G::name(&made.next)) => Ok((lap(standing), None)),
        None => {
            balance.moves = balance.moves.checked_sub(1).ok_or_else(|| Exhausted { what: "moves".to_owned() })?;
            Ok((balance, None))
        }
    }
}

/// The grant once more, with the deadline as far away as it was at the start.
fn lap(standing: &Standing) -> Balance {
    let span = standing.grant.until.map(|until| until.since(standing.started));
    Balance { until: span.map(|span| standing.since.after(span)), ..standing.grant }
}

/// Tells who asked, in the same group as the end: or, if it has moved on, gives what is left to the nearest ancestor
/// that lives. Without one it is burned.
fn answer_parent(
    core: &Core,
    slot: &Slot,
    standing: &mut Standing,
    mut records: Vec<Record>,
    parent: Parent,
    answer: Answer,
) -> Result<(), Fault> {
    let Some(asker) = core.slot(parent.instance) else {
        return core.write(slot, standing, &records).map(drop);
    };
    let left = Balance { until: None, ..standing.balance };
    let mut above = asker.lock();
    let waits = above.status == Status::Live && above.seq == parent.seq && above.child == Some(slot.instance);
    if waits {
        let outcome =
            Outcome { instance: asker.instance, seq: parent.seq, child: slot.instance, answer, refund: left, at: core.now() };
        records.push(Record::Outcome(outcome));
        return ordered(core, slot, standing, &asker, &mut above, &records);
    }
    if above.status == Status::Live {
        records.push(credited(core, &asker, &above, slot.instance, left));
        return ordered(core, slot, standing, &asker, &mut above, &records);
    }
    let grandparent = above.parent;
    drop(above);
    match grandparent {
        Some(next) => answer_parent(core, slot, standing, records, Parent { seq: u64::MAX, ..next }, answer),
        None => core.write(slot, standing, &records).map(drop),
    }
}

fn credited(core: &Core, to: &Slot, standing: &Standing, from: InstanceId, left: Balance) -> Record {
    let balance = standing.balance.credit(left);
    Record::Credited(Credited { instance: to.instance, from, balance, at: core.now() })
}

/// Orders a group that changes a run and one above it.
fn ordered(
    core: &Core,
    slot: &Slot,
    standing: &mut Standing,
    above_slot: &Slot,
    above: &mut Standing,
    records: &[Record],
) -> Result<(), Fault> {
    let lsn = core.write(slot, standing, records)?;
    records.iter().filter(|record| record.subject() == Some(above_slot.instance)).for_each(|r| above.apply(r));
    above_slot.raise_barrier(lsn);
    above_slot.bell.notify_one();
    Ok(())
}

/// Sets a run aside and answers who asked.
pub(crate) fn park(core: &Arc<Core>, slot: &Arc<Slot>, why: String) -> Result<(), Fault> {
    let mut standing = slot.lock();
    let parked = Parked { instance: slot.instance, why: why.clone(), at: core.now() };
    let records = vec![Record::Parked(parked)];
    match standing.parent {
        None => core.write(slot, &mut standing, &records).map(drop),
        Some(parent) => {
            let lost = Answer::Lost(StopWhy::Fault(why).to_string());
            answer_parent(core, slot, &mut standing, records, parent, lost)
        }
    }
}
