//! Where a turn stands, for whoever looks at it from outside: in which conversation, how far, and in which doubt. The one place
//! that lists the states for that.
use crate::{Talk, Tally, TurnState, Uncertain};

/// What a state says of each.
type Said<'a> = (Option<&'a Talk>, Option<&'a Tally>, Option<&'a Uncertain>);

fn said(state: &TurnState) -> Said<'_> {
    match state {
        TurnState::Gathering(it) => (Some(&it.talk), None, None),
        TurnState::Asking(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Judging(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Misfitting(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Correcting(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Acting(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Uncertain(it) => (Some(&it.talk), Some(&it.tally), Some(it)),
        TurnState::Answered(it) => (Some(&it.talk), Some(&it.tally), None),
        TurnState::Stopped(_) => (None, None, None),
    }
}

/// Which conversation a turn belongs to; `None` once it has stopped.
pub fn talk(state: &TurnState) -> Option<&Talk> {
    said(state).0
}

/// How far a turn has come; nothing where its state does not say.
pub fn tally(state: &TurnState) -> Tally {
    said(state).1.copied().unwrap_or_default()
}

/// The doubt that a turn stands in: it comes no further without a person.
pub fn doubt(state: &TurnState) -> Option<&Uncertain> {
    said(state).2
}
