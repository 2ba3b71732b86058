//! Holds each call against policy. Pure: the same calls get the same rulings, however often.
use crate::{Acting, Correcting, Talk, Tally, Turn};
use domain::ToolCall;
use engine::prelude::*;
use policy::{Proposed, Ruling};

/// The model wants to call tools; nothing of what it wrote is trusted yet.
#[state]
#[derive(Debug, PartialEq)]
pub struct Judging {
    /// Which conversation.
    pub talk: Talk,
    /// The calls, in order.
    pub calls: Vec<ToolCall>,
    /// How far the turn has come.
    pub tally: Tally,
}

impl Step for Judging {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let (instance, tools) = (cx.instance(), &*cx.env.tools);
        let rule =
            |(position, call)| Ruling::from(Proposed::new(instance, position, call).judge(tools).approve());
        let rulings: Vec<_> = (0..).zip(self.calls).map(rule).collect();
        let mut refusals = Vec::new();
        let mut some_approved = false;
        for ruling in &rulings {
            match ruling {
                Ruling::Approved(_) => some_approved = true,
                Ruling::Refused(refusal) => refusals.push(refusal.message()),
            }
        }
        if some_approved {
            return go(Acting { talk: self.talk, rulings, tally: self.tally });
        }
        go(Correcting { talk: self.talk, refusals, tally: self.tally })
    }
}
