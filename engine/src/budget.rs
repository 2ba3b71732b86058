//! What a run may use up. Nothing here mints but a grant at a root and a lap; dropping burns.
use crate::{Amount, Exhausted, Time, durable::METERS};
use bincode::{Decode, Encode};
use std::time::Duration;

/// A grant for a run. It is neither cloned nor journalled by its holder: handing it over is spending it.
#[derive(Debug)]
pub struct Budget {
    moves: u32,
    meters: Amount,
    within: Option<Duration>,
}

impl Budget {
    /// Grants moves and an amount on the meters.
    pub fn new(moves: u32, meters: impl Into<Amount>) -> Budget {
        Budget { moves, meters: meters.into(), within: None }
    }
    /// Adds an amount on the meters.
    pub fn and(mut self, meters: impl Into<Amount>) -> Budget {
        self.meters = self.meters + meters.into();
        self
    }
    /// Sets a deadline, counted from the start of the run.
    pub fn within(mut self, span: Duration) -> Budget {
        self.within = Some(span);
        self
    }
    pub(crate) fn granted(self, now: Time) -> Balance {
        Balance { moves: self.moves, meters: self.meters, until: self.within.map(|span| now.after(span)) }
    }
}

/// What is left, as every record states it: absolute, so that applying a record twice changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Balance {
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
    pub(crate) until: Option<Time>,
}

impl Balance {
    pub(crate) const EMPTY: Balance = Balance { moves: 0, meters: Amount::NONE, until: None };

    /// Credits what a child gave back. A deadline is not divided, so it is not given back either.
    pub(crate) fn credit(self, refund: Balance) -> Balance {
        Balance {
            moves: self.moves.saturating_add(refund.moves),
            meters: self.meters + refund.meters,
            until: self.until,
        }
    }
}

/// What an effect may use up: reserved when it begins, settled when it is done.
#[derive(Debug)]
#[must_use = "a hold is for the effect that spends it"]
pub struct Hold(pub(crate) Amount);

impl Hold {
    /// For an effect that uses up nothing.
    pub const NOTHING: Hold = Hold(Amount::NONE);
}

/// What a state has to give when it asks a child.
#[derive(Debug)]
pub struct Purse {
    left: Balance,
    share: Balance,
}

impl Purse {
    pub(crate) fn of(left: Balance) -> Purse {
        Purse { left, share: Balance { until: left.until, ..Balance::EMPTY } }
    }

    /// Gives up to so many moves and so much on each meter; what is not there is not given. The child's deadline is
    /// the parent's.
    pub fn give(&mut self, moves: u32, meters: impl Into<Amount>) {
        let moves = moves.min(self.left.moves);
        let meters = meters.into().min(self.left.meters);
        self.left.moves -= moves;
        self.left.meters = self.left.meters.less(meters);
        self.share.moves += moves;
        self.share.meters = self.share.meters + meters;
    }

    /// What is left on the meters.
    pub fn left(&self) -> Amount {
        self.left.meters
    }

    pub(crate) fn divided(self) -> (Balance, Balance) {
        (self.left, self.share)
    }
}

/// The names of the meters, for messages.
pub(crate) type MeterNames = [&'static str; METERS];

/// Takes `amount`, or says which meter is empty.
pub(crate) fn take(from: Amount, amount: Amount, names: &MeterNames) -> Result<Amount, Exhausted> {
    from.minus(amount).map_err(|meter| Exhausted { what: names[meter].to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purse_gives_what_is_there_and_no_more() {
        let left = Balance { moves: 10, meters: Amount([5, 100, 0]), until: Some(Time(9)) };
        let mut purse = Purse::of(left);
        purse.give(4, Amount([9, 40, 7]));
        let (rest, share) = purse.divided();
        assert_eq!(rest, Balance { moves: 6, meters: Amount([0, 60, 0]), until: Some(Time(9)) });
        assert_eq!(share, Balance { moves: 4, meters: Amount([5, 40, 0]), until: Some(Time(9)) });
    }

    #[test]
    fn an_empty_meter_is_named() {
        let names = ["turns", "tokens", "money"];
        let spent = take(Amount([1, 2, 3]), Amount([0, 9, 0]), &names);
        assert_eq!(spent, Err(Exhausted { what: "tokens".into() }));
    }
}
