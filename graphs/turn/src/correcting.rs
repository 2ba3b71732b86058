//! Tells the model why none of its calls was carried out. It judges nothing itself.
use crate::{Asking, Talk, Tally, Turn};
use domain::{Message, Progress};
use engine::prelude::*;

/// None of the calls was approved.
#[state]
#[derive(Debug, PartialEq)]
pub struct Correcting {
    /// Which conversation.
    pub talk: Talk,
    /// What the model is told, one message for each call.
    pub refusals: Vec<Message>,
    /// How far the turn has come.
    pub tally: Tally,
}

impl Step for Correcting {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let Correcting { talk, refusals, tally } = self;
        let mut upto = None;
        for refusal in refusals {
            if let Message::Tool { text, .. } = &refusal {
                cx.tell(Progress::Correcting(text.clone()));
            }
            upto = Some(cx.record(&talk.said(cx.at(), refusal)));
        }
        let upto = upto.ok_or_else(|| Fault::fatal("a correction without a refused call"))?;
        go(Asking { talk, upto, tally, misfit: None })
    }
}
