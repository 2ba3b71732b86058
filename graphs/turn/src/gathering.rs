//! Takes the message into the session. Looks at nothing and asks nobody.
use crate::{Asking, Talk, Tally, Turn};
use domain::{Message, SessionTouched, TurnRequest, title_of};
use engine::prelude::*;

/// A message has arrived.
#[state]
#[derive(Debug, PartialEq)]
pub struct Gathering {
    /// Which conversation it belongs to.
    pub talk: Talk,
    /// The message.
    pub prompt: String,
}

impl Opens<TurnRequest> for Gathering {
    fn open(request: TurnRequest) -> Self {
        let TurnRequest { user, session, turn, prompt } = request;
        Gathering { talk: Talk { user, session, turn }, prompt }
    }
}

impl Step for Gathering {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let Gathering { talk, prompt } = self;
        cx.record(&SessionTouched {
            session: talk.session.clone(),
            user: talk.user.clone(),
            at: cx.at(),
            title: title_of(&prompt),
        });
        let upto = cx.record(&talk.said(cx.at(), Message::user(prompt)));
        go(Asking { talk, upto, tally: Tally::default() })
    }
}
