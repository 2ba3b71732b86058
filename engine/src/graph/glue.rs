//! What the code that `graph!` emits leans on. Nobody else calls it.
//!
//! Each type that a table names is asked for its bounds in one place (the header of one impl), and everything here
//! leans on that impl: so a missing `#[state]` or `#[request]` is reported once, on the table, and not once per use.
use super::{Ask, Asked, EventOf, Fault, Leaves, Meta, Stop, StoredType, Wake};
use crate::{Cx, Encoded, Purse, Reading, Refused, Request, State, Stored, codec};
use std::{future::Future, marker::PhantomData};

/// A state that a stopped run can be led to.
#[diagnostic::on_unimplemented(
    message = "a stopped run cannot be led to `{Self}`",
    label = "missing `impl From<Stop> for {Self}`",
    note = "the table leads cancelled, faulted or exhausted runs here: say what `{Self}` makes of a `Stop`"
)]
pub trait FromStop {
    /// Makes the state.
    fn from_stop(stop: Stop) -> Self;
}
#[diagnostic::do_not_recommend]
impl<S: From<Stop>> FromStop for S {
    fn from_stop(stop: Stop) -> S {
        S::from(stop)
    }
}

/// A state that takes the place of an old one.
#[diagnostic::on_unimplemented(
    message = "no upcaster leads from `{Old}` to `{Self}`",
    label = "missing `impl From<{Old}> for {Self}`",
    note = "the table says `was {Old} => {Self};`: say what became of the old state"
)]
pub trait Upcast<Old> {
    /// Makes the state.
    fn upcast(old: Old) -> Self;
}
#[diagnostic::do_not_recommend]
impl<Old, S: From<Old>> Upcast<Old> for S {
    fn upcast(old: Old) -> S {
        S::from(old)
    }
}

/// A row `was Old => Self;`.
pub trait Was<Row> {
    /// The old state.
    type Old: Stored;
}

/// A request that a state of `G` asks.
pub trait AskedBy<G>: Request {}

/// Whether the name in the table is the one that `#[state]` saw.
pub const fn is_named<S: State>(row: &str) -> bool {
    let (seen, row) = (S::NAME.as_bytes(), row.as_bytes());
    let mut at = 0;
    while at < seen.len() && at < row.len() && seen[at] == row[at] {
        at += 1;
    }
    at == seen.len() && at == row.len()
}

/// The tag of an event.
pub const fn event_tag<G, E: EventOf<G>>() -> u64 {
    E::TAG
}

/// A state, as its graph lists it.
pub fn state_type<S: State>() -> StoredType {
    stored_type::<S>()
}
/// An event, as the graph that waits for it lists it.
pub fn event_type<G, E: EventOf<G>>() -> StoredType {
    stored_type::<E>()
}
/// An old state, as the graph that upcasts it lists it.
pub fn old_type<S: Was<Row>, Row>() -> StoredType {
    stored_type::<S::Old>()
}
/// A request, as the graph that asks it lists it.
pub const fn asked<G, R: AskedBy<G>>(from: &'static str) -> Asked {
    Asked { name: R::NAME, tag: R::TAG, from }
}

fn stored_type<T: Stored>() -> StoredType {
    StoredType { name: T::NAME, tag: T::TAG, shape: T::SHAPE, recode: codec::recode::<T> }
}

/// Reads a state, if it is this one and of this shape.
pub fn read<S: State>(state: &Encoded, reading: &Reading) -> Option<Result<S, Refused>> {
    read_as(state, reading)
}
/// Reads an old state, if it is this one and of this shape.
pub fn read_old<S: Was<Row>, Row>(state: &Encoded, reading: &Reading) -> Option<Result<S::Old, Refused>> {
    read_as(state, reading)
}

fn read_as<T: Stored>(state: &Encoded, reading: &Reading) -> Option<Result<T, Refused>> {
    (state.tag == T::TAG && state.shape == T::SHAPE).then(|| state.to_stored(reading))
}

/// Reads an event that woke a state. Only what runs a handler has a `Cx`.
///
/// # Errors
/// When the event was journalled with another shape.
pub fn event<G: crate::Graph, E: EventOf<G>>(event: &Encoded, _: &Cx<G>) -> Result<E, Fault> {
    Ok(event.to_stored(&Reading::OWN)?)
}

/// Refuses a state that no row of this build fits, and says what to write.
pub fn unknown(meta: &Meta, state: &Encoded, states: &[StoredType]) -> Refused {
    let (graph, version, shape) = (meta.name, meta.version, state.shape);
    Refused(match states.iter().find(|known| known.tag == state.tag) {
        Some(known) => format!(
            "graph `{graph}` v{version}: state `{name}` was journalled with shape {shape:016x}, this build has \
             {now:016x}; add `was v1::{name} => {name};` with `impl From<v1::{name}> for {name}`",
            name = known.name,
            now = known.shape,
        ),
        None => format!(
            "graph `{graph}` v{version}: the journal holds a state with tag {tag:016x} and shape {shape:016x}, this \
             build knows {known}; keep the old type as `v1::X` and add `was v1::X => X;` with `impl From<v1::X> for X`",
            tag = state.tag,
            known = listed(states),
        ),
    })
}

fn listed(states: &[StoredType]) -> String {
    let one = |known: &StoredType| format!("`{}` ({:016x}/{:016x})", known.name, known.tag, known.shape);
    states.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The engine woke a state by what its rows do not list: a fault of the engine, not of the graph.
pub fn unlisted(state: &'static str, wake: &Wake) -> Fault {
    Fault::fatal(format!("state `{state}` has no row for {wake:?}"))
}

/// An `asks` row of `S`. Method lookup finds [`Requested`] when `R` is a request, else [`Unrequested`].
pub struct Row<S, R>(PhantomData<fn() -> (S, R)>);

impl<S, R> Row<S, R> {
    /// The one value of the type.
    pub const AT: Row<S, R> = Row(PhantomData);
}

/// What the state asks.
pub trait Requested<S, R: Request> {
    /// Encodes the request.
    fn ask(&self, state: &S, purse: &mut Purse) -> Encoded
    where
        S: Ask<R>,
    {
        Encoded::durable(&state.ask(purse))
    }
}
impl<S, R: Request> Requested<S, R> for Row<S, R> {}

/// What the state makes of the outcome.
pub trait Answered<S: Ask<R>, R: Request> {
    /// Decodes the outcome and hands it to the state.
    fn answered(
        &self,
        state: S,
        outcome: &Encoded,
        cx: &mut Cx<S::Graph>,
    ) -> impl Future<Output = Result<S::Next, Fault>> + Send {
        let outcome = outcome.to_durable::<R::Outcome>();
        async move { state.answered(outcome?, cx).await }
    }
}
impl<S: Ask<R>, R: Request> Answered<S, R> for Row<S, R> {}

/// A row whose type is not a request, or whose state does not handle the outcome. The program does not compile, for
/// want of that, so nothing here ever runs.
pub trait Unrequested<S, R> {
    /// Says nothing.
    fn ask(&self, _: &S, _: &mut Purse) -> Encoded {
        unreachable!("the row's type is not a request, so this does not compile")
    }
    /// Refuses.
    fn answered(
        &self,
        _: S,
        _: &Encoded,
        _: &mut Cx<S::Graph>,
    ) -> impl Future<Output = Result<S::Next, Fault>> + Send
    where
        S: Leaves<R>,
    {
        std::future::ready(Err(Fault::fatal("an outcome without a handler")))
    }
}
impl<S, R> Unrequested<S, R> for &Row<S, R> {}
