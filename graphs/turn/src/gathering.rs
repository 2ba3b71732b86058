//! Takes the message into the session. Looks at nothing and asks nobody.
use crate::{Asking, Talk, Tally, Turn};
use domain::{Attachment, Message, SessionTouched, TurnRequest, title_of};
use engine::prelude::*;

/// A message has arrived.
#[state]
#[derive(Debug, PartialEq)]
pub struct Gathering {
    /// Which conversation it belongs to.
    pub talk: Talk,
    /// The message.
    pub prompt: String,
    /// What goes with it.
    pub attachments: Vec<Attachment>,
}

/// What was journalled before messages had attachments.
pub(crate) mod v1 {
    use crate::Talk;
    use engine::prelude::*;

    /// A message has arrived.
    #[state]
    pub struct Gathering {
        /// Which conversation it belongs to.
        pub talk: Talk,
        /// The message.
        pub prompt: String,
    }
}

impl From<v1::Gathering> for Gathering {
    fn from(v1::Gathering { talk, prompt }: v1::Gathering) -> Gathering {
        Gathering { talk, prompt, attachments: Vec::new() }
    }
}

impl Opens<TurnRequest> for Gathering {
    fn open(request: TurnRequest) -> Self {
        let TurnRequest { user, session, turn, prompt, attachments } = request;
        Gathering { talk: Talk { user, session, turn }, prompt, attachments }
    }
}

impl Step for Gathering {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let Gathering { talk, prompt, attachments } = self;
        cx.record(&SessionTouched {
            session: talk.session.clone(),
            user: talk.user.clone(),
            at: cx.at(),
            title: title_of(&prompt),
        });
        let upto = cx.record(&talk.said(cx.at(), Message::User { text: prompt, attachments }));
        go(Asking { talk, upto, tally: Tally::default(), misfit: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{SessionId, TurnId, UserId};

    #[test]
    fn a_message_of_the_first_version_comes_without_attachments() {
        let talk = Talk {
            user: UserId::parse("u").expect("it is one"),
            session: SessionId::parse("s").expect("it is one"),
            turn: TurnId::parse("t").expect("it is one"),
        };
        let old = v1::Gathering { talk: talk.clone(), prompt: "hi".into() };
        let now = Gathering { talk, prompt: "hi".into(), attachments: Vec::new() };
        assert_eq!(Gathering::from(old), now);
    }
}
