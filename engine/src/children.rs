//! Children: what a state asks of another graph becomes a run of that graph, begun in the same group as the move that
//! enters the state. It ends no child and answers nobody: that is a child's own move.
use crate::{
    Fault, Graph, InstanceId,
    budget::{Balance, Purse},
    core::Core,
    effect::effect_key,
    log::Lsn,
    observe::Observed,
    record::{Parent, Started},
    slot::Slot,
};
use std::sync::Arc;

/// A child of a child of …: deeper than this, a graph asks itself.
const DEPTH_MAX: u16 = 16;

/// Who enters a state that may ask.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) instance: InstanceId,
    /// How many moves it has made when it is in the state.
    pub(crate) seq: u64,
    pub(crate) depth: u16,
}

/// What begins below a run when it enters a state: the child that the state asks, the child that the first state of
/// that child asks, and so on. Returns what is left to the run as well.
pub(crate) fn asked<G: Graph>(
    core: &Core,
    asker: Asker,
    balance: Balance,
    state: &G::State,
) -> Result<(Balance, Vec<Started>), Fault> {
    let mut purse = Purse::of(balance);
    let Some(request) = G::ask(state, &mut purse) else { return Ok((balance, Vec::new())) };
    if asker.depth >= DEPTH_MAX {
        let state = G::name(state);
        return Err(Fault::fatal(format!(
            "`{state}` asks a child {DEPTH_MAX} levels down: a graph asks itself"
        )));
    }
    let opened = core.registry.open(&request)?;
    let (left, share) = purse.divided();
    let Asker { instance, seq, depth } = asker;
    let mut child = Started {
        // Derived, so that a parent that is brought back finds the same child.
        instance: InstanceId(effect_key(instance, seq, "child")),
        graph: opened.graph,
        version: opened.version,
        state: opened.state,
        grant: share,
        parent: Some(Parent { instance, seq, request: request.tag }),
        depth: depth + 1,
        at: core.now(),
    };
    let host = core.registry.host(child.graph).expect("whoever serves a request is registered");
    let (grant, below) = host.asked(core, &child)?;
    child.grant = grant;
    Ok((left, std::iter::once(child).chain(below).collect()))
}

/// Puts children whose `Started` is ordered at `lsn` into the table, and lets them run.
pub(crate) fn begin(core: &Arc<Core>, children: &[Started], lsn: Lsn) {
    let slots: Vec<_> = children.iter().map(|started| Arc::new(Slot::begun(started, lsn))).collect();
    for (slot, below) in slots.iter().zip(children.iter().skip(1)) {
        slot.lock().child = Some(below.instance);
    }
    core.slots().extend(slots.iter().map(|slot| (slot.instance, slot.clone())));
    for (slot, started) in slots.into_iter().zip(children) {
        if let Some(host) = core.registry.host(started.graph) {
            let (graph, state) = (host.meta().name, host.check(&started.state).unwrap_or("?"));
            let parent = started.parent.map(|parent| parent.instance);
            core.observe(started.instance, Observed::Started { graph, state, parent });
        }
        core.spawn(slot);
    }
}
