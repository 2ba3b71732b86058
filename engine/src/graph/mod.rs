//! The traits a graph is made of. [`graph!`](crate::graph!) implements all but `Step`, `On`, `Ask`, `Opens`, `Answers`
//! and `From<Stop>`, which are what an author writes.
mod draw;
mod due;
#[doc(hidden)]
pub mod glue;
mod meta;
mod stop;

pub use due::{Due, Timer};
pub use meta::{Asked, Edge, Meta, Role, StoredType, Trigger};
pub use stop::{Doubt, Exhausted, Fault, Stop, StopWhy};

use crate::{Cx, Encoded, Purse, Reading, Refused, Registry, Request, Stored};
use std::future::Future;

/// A state of a graph: exactly what is true while the run is in it. A transition eats it.
///
/// That it can be journalled ([`Stored`]) is asked once, by the code that `graph!` emits, and not here: as a supertrait
/// it would be asked again by each handler, and one missing `#[state]` would be reported five times. For the same reason
/// the handlers below ask for their row ([`Leaves`]) in their one method and not in their head.
///
/// A state belongs to one graph. Two graphs that name one type clash with E0119 (in one crate) or E0117 (across
/// crates): write one struct for each.
pub trait State: Sized + Send + 'static {
    /// The graph it belongs to.
    type Graph: Graph;
}

/// The trigger of a plain row: the state runs as soon as it is entered.
pub struct Entered;
/// The time written in an `after` row has passed.
#[derive(Debug, Clone, Copy)]
pub struct Elapsed;

/// A row of the table: what may follow `Self` after `Via`.
#[diagnostic::on_unimplemented(
    message = "state `{Self}` has no row for `{Via}`",
    label = "the graph's table does not list this",
    note = "write a row `{Self} on {Via} -> ..;` (or `{Self} -> ..;` for a `Step`) in `graph! {{ .. }}`"
)]
pub trait Leaves<Via>: State {
    /// The successors that the row lists.
    type Next: Send;
}

/// What a handler returns: one of the successors of its row, or why it could not name one.
pub type Next<S, Via = Entered> = Result<<S as Leaves<Via>>::Next, Fault>;

/// `To` is among the successors that a row lists.
#[diagnostic::on_unimplemented(
    message = "no edge to `{To}` is declared here: `{To}` is not in `{Self}`",
    label = "undeclared edge",
    note = "add `| {To}` to this state's row in `graph! {{ .. }}`, or go to one of the states listed there"
)]
pub trait Successor<To>: Sized {
    /// Wraps the state in the row's enum.
    fn pick(to: To) -> Self;
}

/// Names the next state. It compiles along declared edges only.
///
/// # Errors
/// Never; the type is that of a handler, which can fail.
pub fn go<N: Successor<To>, To>(to: To) -> Result<N, Fault> {
    Ok(N::pick(to))
}

/// A state with a plain row `S -> ..;`: it runs as soon as it is entered.
#[diagnostic::on_unimplemented(
    message = "state `{Self}` has no handler",
    label = "missing `impl Step for {Self}`",
    note = "a state with a plain row `{Self} -> ..;` runs on its own and needs a `Step`"
)]
pub trait Step: State {
    /// Does the state's work and names what follows.
    fn step(self, cx: &mut Cx<Self::Graph>) -> impl Future<Output = Next<Self>> + Send
    where
        Self: Leaves<Entered>;
}

/// A state with a row `S on E -> ..;` (or `S after 10m -> ..;`, where `E` is [`Elapsed`]).
#[diagnostic::on_unimplemented(
    message = "state `{Self}` has no handler for `{E}`",
    label = "missing `impl On<{E}> for {Self}`",
    note = "the table has a row in which `{Self}` waits for `{E}`"
)]
pub trait On<E>: State {
    /// Handles the event and names what follows.
    fn on(self, event: E, cx: &mut Cx<Self::Graph>) -> impl Future<Output = Next<Self, E>> + Send
    where
        Self: Leaves<E>;
}

/// `Self` is named in an `on` row of `G`.
#[diagnostic::on_unimplemented(
    message = "graph `{G}` never waits for `{Self}`",
    label = "not an event of `{G}`",
    note = "the events of a graph are those named in its `on` rows"
)]
pub trait EventOf<G>: Stored {}

/// The one state in which a run of its graph may begin.
#[diagnostic::on_unimplemented(
    message = "a run cannot begin in `{Self}`",
    label = "not a start state",
    note = "the table of a graph names its one `start` state"
)]
pub trait Start: State + Into<<Self::Graph as Graph>::State> {}

/// A state with a row `S asks R -> ..;`: a child answers it, and the outcome is matched to the end.
#[diagnostic::on_unimplemented(
    message = "state `{Self}` does not handle the outcome of `{R}`",
    label = "missing `impl Ask<{R}> for {Self}`",
    note = "the table has a row `{Self} asks {R} -> ..;`"
)]
pub trait Ask<R: Request>: State {
    /// Says what to ask, from the state alone, and takes the child's share from the purse. It is pure: it may run
    /// again after a crash.
    fn ask(&self, purse: &mut Purse) -> R;
    /// Handles what came back.
    fn answered(
        self,
        outcome: R::Outcome,
        cx: &mut Cx<Self::Graph>,
    ) -> impl Future<Output = Next<Self, R>> + Send
    where
        Self: Leaves<R>;
}

/// A state with a row `S asks each R -> ..;`: several children answer at once, and it goes on when all have.
///
/// Each child has its own share of the budget. When one of them is lost, or the state is left by another row, those who
/// still run are cancelled, and what they give back goes to the run, or to the nearest ancestor that lives.
#[diagnostic::on_unimplemented(
    message = "state `{Self}` does not handle the outcomes of `{R}`",
    label = "missing `impl AskEach<{R}> for {Self}`",
    note = "the table has a row `{Self} asks each {R} -> ..;`"
)]
pub trait AskEach<R: Request>: State {
    /// Says what to ask the `n`th child, counted from zero, from the state alone, and takes its share from what the
    /// children before it left; `None` when there are no more. It is pure: it may run again after a crash.
    fn ask(&self, n: usize, purse: &mut Purse) -> Option<R>;
    /// Handles what came back, in the order in which it was asked.
    fn answered(
        self,
        outcomes: Vec<R::Outcome>,
        cx: &mut Cx<Self::Graph>,
    ) -> impl Future<Output = Next<Self, R>> + Send
    where
        Self: Leaves<R>;
}

/// The start state of a graph with `serves R;`.
#[diagnostic::on_unimplemented(
    message = "`{R}` cannot open `{Self}`",
    label = "missing `impl Opens<{R}> for {Self}`",
    note = "the graph says `serves {R};`, so its start state is made from the request"
)]
pub trait Opens<R: Request>: Sized {
    /// Makes the start state from the request.
    fn open(request: R) -> Self;
}

/// An end state of a graph with `serves R;`.
#[diagnostic::on_unimplemented(
    message = "end `{Self}` says nothing to who asked `{R}`",
    label = "missing `impl Answers<{R}> for {Self}`",
    note = "the graph says `serves {R};`, so every end answers the request"
)]
pub trait Answers<R: Request>: Sized {
    /// Says what to tell who asked.
    fn answer(self) -> R::Outcome;
}

/// A graph with `serves R;`.
pub trait Serves<R: Request>: Graph {
    /// Makes the start state from the request.
    fn open(request: R) -> Self::State;
    /// Says what to tell who asked.
    fn answer(end: Self::End) -> R::Outcome;
}

/// What wakes a state.
#[derive(Debug)]
pub enum Wake {
    /// A plain row: the state was entered.
    Entered,
    /// An event that the state lists.
    Event(Encoded),
    /// The time of its `after` row has passed.
    Elapsed,
    /// The outcome of the child that its `asks` row started.
    Outcome(Encoded),
    /// The outcomes of the children that its `asks each` row started, in the order in which they were asked.
    Outcomes(Vec<Encoded>),
}

/// What a state is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: it runs by itself.
    Step,
    /// An end: nothing follows.
    End,
    /// Events by tag, a timer, the outcome of a child: whichever comes first.
    For {
        /// The tags of the events that the state lists.
        events: &'static [u64],
        /// When the timer of its `after` row is due, if it has one and it is not never.
        after: Option<Due>,
        /// Whom an `asks` row started.
        asks: Asks,
    },
}

/// Whom a state asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// It has no such row.
    Nobody,
    /// One child.
    One,
    /// Several children at once.
    Each,
}

impl Wait {
    /// Says whether the state asks somebody.
    pub fn asks(&self) -> bool {
        match self {
            Wait::For { asks: Asks::One | Asks::Each, .. } => true,
            Wait::For { asks: Asks::Nobody, .. } | Wait::Step | Wait::End => false,
        }
    }
}

/// A graph. Implemented by [`graph!`](crate::graph!), never by hand.
pub trait Graph: Sized + Send + 'static {
    /// What the handlers need from outside; it is not journalled.
    type Env: Send + Sync + 'static;
    /// Any of its states.
    type State: Send;
    /// Any of its ends.
    type End: Send;
    /// The table as data.
    const META: Meta;

    /// Every type that a journal of this graph can hold: states, old states, events.
    fn stored() -> Vec<StoredType>;
    /// Reads a state back, through an upcaster where the table names one.
    ///
    /// # Errors
    /// When the state or its shape is unknown to this build.
    fn decode(state: &Encoded, reading: &Reading) -> Result<Self::State, Refused>;
    /// Writes a state.
    fn encode(state: &Self::State) -> Encoded;
    /// The name of the state.
    fn name(state: &Self::State) -> &'static str;
    /// What the state waits for.
    fn wait(state: &Self::State) -> Wait;
    /// What the state asks of the `n`th child, if it has an `asks` row and so many children.
    fn ask(state: &Self::State, n: usize, purse: &mut Purse) -> Option<Encoded>;
    /// Runs the handler of the row that `wake` names.
    fn handle(
        state: Self::State,
        wake: Wake,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = Result<Self::State, Fault>> + Send;
    /// Leads to where the table says a stopped run goes.
    fn stop(stop: Stop) -> Self::State;
    /// The end, if the state is one.
    ///
    /// # Errors
    /// Gives the state back if it is not an end.
    fn finish(state: Self::State) -> Result<Self::End, Self::State>;
    /// Tells the registry which requests the graph serves.
    fn serve(registry: &mut Registry);
}
