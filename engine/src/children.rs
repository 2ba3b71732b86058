//! Children: what a state asks of other graphs becomes runs of those graphs, begun in the same group as the move that
//! enters the state. It ends no child and answers nobody: that is a child's own move.
use crate::{
    Asks, Encoded, Fault, Graph, InstanceId, Wait,
    budget::{Balance, Purse},
    core::Core,
    effect::effect_key,
    log::Lsn,
    observe::Observed,
    record::{Parent, Started},
    slot::Slot,
    table::Place,
};
use std::sync::{Arc, MutexGuard, PoisonError};

/// A child of a child of …: deeper than this, a graph asks itself.
const DEPTH_MAX: u16 = 16;

/// So many runs of one tree may live at once, its root included. A state asks a page of others at a time and not a
/// library: a cancel names the whole tree in one record, and who asks pays for each of them.
pub const TREE_MAX: usize = 256;

/// How many may live below a root that begins.
pub(crate) const ROOM_OF_A_ROOT: usize = TREE_MAX - 1;

/// Who enters a state that may ask.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) instance: InstanceId,
    /// How many moves it has made when it is in the state.
    pub(crate) seq: u64,
    pub(crate) depth: u16,
    /// How many runs may begin in its tree.
    pub(crate) room: usize,
}

/// The turn to ask. Runs ask one after the other, from where the tree is counted to where the children are in the table:
/// two of one tree could not both take the last place.
pub(crate) struct Asking<'a> {
    room: usize,
    _turn: MutexGuard<'a, ()>,
}

impl Asking<'_> {
    /// Takes the turn for a run, which is not locked.
    pub(crate) fn begin(core: &Core, instance: InstanceId) -> Asking<'_> {
        let turn = core.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = |id: &InstanceId| Some(core.slot(*id)?.lock().parent?.instance);
        let root = std::iter::successors(Some(instance), parent).last().unwrap_or(instance);
        Asking { room: TREE_MAX.saturating_sub(core.subtree([root]).len()), _turn: turn }
    }

    /// How many runs may begin in the tree.
    pub(crate) fn room(&self) -> usize {
        self.room
    }
}

/// What begins below a run when it enters a state: the children that the state asks, the children that the first state
/// of each of them asks, and so on, each behind who asks it. Returns what is left to the run as well.
pub(crate) fn asked<G: Graph>(
    core: &Core,
    asker: Asker,
    balance: Balance,
    state: &G::State,
) -> Result<(Balance, Vec<Started>), Fault> {
    let (mut left, mut begun) = (balance, Vec::new());
    for n in 0.. {
        let mut purse = Purse::of(left);
        let Some(request) = G::ask(state, n, &mut purse) else { break };
        asker.may_ask(G::name(state), begun.len())?;
        let (rest, share) = purse.divided();
        left = rest;
        let asker = Asker { room: asker.room - begun.len(), ..asker };
        // Derived, so that a parent that is brought back finds the same child.
        let name = match G::wait(state) {
            Wait::For { asks: Asks::Each, .. } => format!("child/{n}"),
            Wait::For { asks: Asks::One | Asks::Nobody, .. } | Wait::Step | Wait::End => "child".to_owned(),
        };
        begun.extend(child(core, asker, &name, &request, share)?);
    }
    Ok((left, begun))
}

impl Asker {
    fn may_ask(&self, state: &str, begun: usize) -> Result<(), Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(Fault::fatal(format!(
                "`{state}` asks a child {DEPTH_MAX} levels down: a graph asks itself"
            )));
        }
        if begun >= self.room {
            return Err(Fault::fatal(format!(
                "`{state}` asks too many: {TREE_MAX} runs of one tree may live at once"
            )));
        }
        Ok(())
    }
}

/// A child, and who begins below it.
fn child(
    core: &Core,
    asker: Asker,
    name: &str,
    request: &Encoded,
    share: Balance,
) -> Result<impl Iterator<Item = Started>, Fault> {
    let opened = core.registry.open(request)?;
    let Asker { instance, seq, depth, room } = asker;
    let mut child = Started {
        instance: InstanceId(effect_key(instance, seq, name)),
        graph: opened.graph,
        version: opened.version,
        state: opened.state,
        grant: share,
        parent: Some(Parent { instance, seq, request: request.tag }),
        depth: depth + 1,
        at: core.now(),
    };
    let host = core.registry.host(child.graph).expect("whoever serves a request is registered");
    let (grant, below) = host.asked(core, &child, room - 1)?;
    child.grant = grant;
    Ok(std::iter::once(child).chain(below))
}

/// Whom this run asked, among those who begin.
pub(crate) fn of(asker: InstanceId, begun: &[Started]) -> impl Iterator<Item = InstanceId> {
    let of_asker = move |it: &&Started| it.parent.is_some_and(|parent| parent.instance == asker);
    begun.iter().filter(of_asker).map(|it| it.instance)
}

/// Puts children whose `Started` are ordered from `first`, in a group that ends with `lsn`, into the table, and lets them
/// run.
pub(crate) fn begin(core: &Arc<Core>, children: &[Started], first: Lsn, lsn: Lsn) {
    let places = (first.0..).map(Lsn).zip(children);
    let slots: Vec<_> = places.map(|(began, started)| Arc::new(Slot::begun(started, began, lsn))).collect();
    for slot in &slots {
        of(slot.instance, children).for_each(|child| slot.lock().brood.asked(child));
    }
    core.table.lock().extend(slots.iter().map(|slot| (slot.instance, Place::Awake(slot.clone()))));
    for (slot, started) in slots.into_iter().zip(children) {
        if let Some(host) = core.registry.host(started.graph) {
            let (graph, state) = (host.meta().name, host.check(&started.state).unwrap_or("?"));
            let parent = started.parent.map(|parent| parent.instance);
            core.observe(started.instance, Observed::Started { graph, state, parent });
        }
        core.spawn(slot);
    }
}
