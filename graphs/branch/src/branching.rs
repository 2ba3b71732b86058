//! Records that a session shares the messages of another one. Both facts ride with the one move, so there is a whole fork
//! or none.
use crate::{Branch, Branched};
use domain::{SessionForked, SessionId, SessionTouched, UserId};
use durable::FactId;
use engine::prelude::*;

/// A session is to go on from a message of another one.
#[state]
#[derive(Debug, PartialEq)]
pub struct Branching {
    /// Whose both sessions are.
    pub user: UserId,
    /// The new session.
    pub session: SessionId,
    /// The one whose messages it shares.
    pub base: SessionId,
    /// The last message that they share; none to begin with nothing.
    pub upto: Option<FactId>,
    /// What a list shows of the new session until a turn begins in it.
    pub title: String,
}

impl Step for Branching {
    async fn step(self, cx: &mut Cx<Branch>) -> Next<Self> {
        let Branching { user, session, base, upto, title } = self;
        let at = cx.at();
        if let Some(upto) = upto {
            cx.record(&SessionForked { session: session.clone(), base, upto, at });
        }
        cx.record(&SessionTouched { session: session.clone(), user, at, title });
        go(Branched { session })
    }
}
