//! The graphs that are measured, and what a person would write by hand instead. They do nothing but move.
use engine::{Cx, Fault, Graph, InstanceId, Wait, Wake};
use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// What a state carries: some fields and a text, together about 100 bytes.
const TEXT_BYTES: usize = 90;

/// The text that the states carry.
pub(crate) fn text() -> String {
    "n".repeat(TEXT_BYTES)
}

/// What an effect does; the engine calls it when all that led to it is on disk.
pub(crate) type Stroke = Box<dyn Fn(InstanceId) + Send + Sync>;

/// A graph whose every move carries an effect.
pub(crate) mod writes {
    use super::{Stroke, text};
    use engine::prelude::*;

    #[state]
    pub(crate) struct Writing {
        pub(crate) left: u32,
        pub(crate) text: String,
    }
    #[state]
    pub(crate) struct Written {
        pub(crate) text: String,
    }

    graph! {
        /// Writes so many lines.
        pub(crate) graph Writes(Stroke) v1 {
            start Writing;
            Writing -> Writing | Written;
            end Written;
            stop -> Written;
        }
    }
    impl Step for Writing {
        async fn step(self, cx: &mut Cx<Writes>) -> Next<Self> {
            let line = cx.effect("line", Hold::NOTHING, |_| {
                (cx.env)(cx.instance());
                std::future::ready(Ok(Settled::new(text())))
            });
            let text = line.await?;
            match self.left.checked_sub(1) {
                Some(left) => go(Writing { left, text }),
                None => go(Written { text }),
            }
        }
    }
    impl From<Stop> for Written {
        fn from(stop: Stop) -> Written {
            Written { text: stop.why.to_string() }
        }
    }
}

/// A graph whose moves do nothing else.
pub(crate) mod paces {
    use super::{Paced, spin};
    use engine::prelude::*;

    #[state]
    pub(crate) struct Begun {
        /// How often to call the handlers below, without a journal; then the run moves on.
        pub(crate) spins: u32,
        pub(crate) left: u32,
        pub(crate) text: String,
    }
    #[state]
    pub(crate) struct There {
        pub(crate) left: u32,
        pub(crate) text: String,
    }
    #[state]
    pub(crate) struct Back {
        pub(crate) left: u32,
        pub(crate) text: String,
    }
    #[state]
    pub(crate) struct Arrived {
        pub(crate) text: String,
    }

    graph! {
        /// Walks to and fro.
        pub(crate) graph Paces(Paced) v1 {
            start Begun;
            Begun -> There;
            There -> Back | Arrived;
            Back -> There;
            end Arrived;
            stop -> Arrived;
        }
    }
    impl Step for Begun {
        async fn step(self, cx: &mut Cx<Paces>) -> Next<Self> {
            if self.spins > 0 {
                let state = There { left: self.spins, text: self.text.clone() };
                let began = std::time::Instant::now();
                spin::<Paces>(state.into(), cx).await?;
                (cx.env.tell)(began.elapsed());
            } else {
                cx.env.begin();
            }
            go(There { left: self.left, text: self.text })
        }
    }
    impl Step for There {
        async fn step(self, cx: &mut Cx<Paces>) -> Next<Self> {
            match self.left.checked_sub(1) {
                Some(left) => go(Back { left, text: self.text }),
                None => {
                    cx.env.arrive();
                    go(Arrived { text: self.text })
                }
            }
        }
    }
    impl Step for Back {
        async fn step(self, _: &mut Cx<Paces>) -> Next<Self> {
            go(There { left: self.left, text: self.text })
        }
    }
    impl From<Stop> for Arrived {
        fn from(stop: Stop) -> Arrived {
            Arrived { text: stop.why.to_string() }
        }
    }
}

/// Who is told how long handlers took: those that ran without a journal, or a journalled walk from its first move to its
/// last, without the wait for the disk.
pub(crate) struct Paced {
    tell: Box<dyn Fn(Duration) + Send + Sync>,
    walking: Mutex<Option<Instant>>,
}

impl Paced {
    /// Tells somebody.
    pub(crate) fn telling(tell: impl Fn(Duration) + Send + Sync + 'static) -> Paced {
        Paced { tell: Box::new(tell), walking: Mutex::default() }
    }

    fn begin(&self) {
        *self.walking() = Some(Instant::now());
    }

    fn arrive(&self) {
        if let Some(began) = self.walking().take() {
            (self.tell)(began.elapsed());
        }
    }

    fn walking(&self) -> MutexGuard<'_, Option<Instant>> {
        self.walking.lock().expect("a walk does not panic")
    }
}

/// A handler on its way.
type Spinning<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;

/// Calls handlers as the engine does until an end is reached, with nothing journalled. Only what runs a handler has a
/// `Cx`, so a handler calls this with its own. The one box is for the whole way.
fn spin<G: Graph>(mut state: G::State, cx: &mut Cx<G>) -> Spinning<'_> {
    Box::pin(async move {
        while G::wait(&state) != Wait::End {
            state = G::handle(state, Wake::Entered, cx).await?;
        }
        Ok(())
    })
}

/// What waits for ever.
pub(crate) mod waits {
    use engine::prelude::*;

    #[state]
    pub(crate) struct Waiting {
        pub(crate) text: String,
    }
    #[state]
    pub(crate) struct Woken;
    #[event]
    pub(crate) struct Nudge;

    graph! {
        /// Waits for somebody.
        pub(crate) graph Waits v1 {
            start Waiting;
            Waiting on Nudge -> Woken;
            end Woken;
            stop -> Woken;
        }
    }
    impl On<Nudge> for Waiting {
        async fn on(self, _: Nudge, _: &mut Cx<Waits>) -> Next<Self, Nudge> {
            go(Woken)
        }
    }
    impl From<Stop> for Woken {
        fn from(_: Stop) -> Woken {
            Woken
        }
    }
}

/// The same walk as a person would write it without an engine.
pub(crate) mod by_hand {
    use engine::{Encoded, event};

    /// A state; `There` and `Back` as in the graph.
    #[event]
    #[derive(Clone)]
    pub(crate) enum Pacing {
        There { left: u32, text: String },
        Back { left: u32, text: String },
        Arrived { text: String },
    }

    /// A line of a journal that such a program would write: what the engine's own says about a move, without the
    /// engine's guarantees.
    #[event]
    pub(crate) struct Line {
        pub(crate) instance: u128,
        pub(crate) seq: u64,
        pub(crate) state: Vec<u8>,
        pub(crate) balance: [u64; 5],
        pub(crate) at: u64,
    }

    impl Pacing {
        /// Moves.
        #[inline(never)]
        pub(crate) fn step(self) -> Pacing {
            match self {
                Pacing::There { left: 0, text } => Pacing::Arrived { text },
                Pacing::There { left, text } => Pacing::Back { left: left - 1, text },
                Pacing::Back { left, text } => Pacing::There { left, text },
                arrived @ Pacing::Arrived { .. } => arrived,
            }
        }

        /// The state as bytes.
        pub(crate) fn encode(&self) -> Vec<u8> {
            Encoded::stored(self).bytes
        }
    }

    /// Writes a line behind the others, summed, as a hand-written journal would.
    pub(crate) fn journal(line: &Line, pending: &mut Vec<u8>) {
        let bytes = Encoded::stored(line).bytes;
        pending.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        pending.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        pending.extend_from_slice(&bytes);
    }
}
