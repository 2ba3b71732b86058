//! The children that a run's state asked, in the order in which it asked them, and what they have answered. It begins and
//! cancels nobody.
use crate::{
    Encoded, InstanceId,
    budget::Balance,
    record::{Answer, Outcome},
};
use bincode::{Decode, Encode};

/// The children of a state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Brood(Vec<Child>);

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Child {
    instance: InstanceId,
    /// With what it gave back.
    answer: Option<(Answer, Balance)>,
}

/// What the children have said so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody has not answered yet.
    Waiting,
    /// All have, in the order in which they were asked.
    All(Vec<Encoded>),
    /// Somebody cannot answer, and why.
    Lost(String),
}

impl Brood {
    /// Adds a child that was asked.
    pub(crate) fn asked(&mut self, instance: InstanceId) {
        self.0.push(Child { instance, answer: None });
    }

    /// Takes the answer of a child.
    pub(crate) fn answered(&mut self, outcome: Outcome) {
        if let Some(child) = self.0.iter_mut().find(|child| child.instance == outcome.child) {
            child.answer = Some((outcome.answer, outcome.refund));
        }
    }

    /// Nobody is asked any more.
    pub(crate) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    /// Who was asked.
    pub(crate) fn instances(&self) -> impl Iterator<Item = InstanceId> {
        self.0.iter().map(|child| child.instance)
    }

    /// Says whether the run waits for this child.
    pub(crate) fn awaits(&self, instance: InstanceId) -> bool {
        self.0.iter().any(|child| child.instance == instance && child.answer.is_none())
    }

    /// What those who have answered gave back. It is in the mail until the run's next move.
    pub(crate) fn refund(&self) -> Balance {
        let answers = self.0.iter().filter_map(|child| child.answer.as_ref());
        answers.fold(Balance::EMPTY, |sum, (_, refund)| sum.credit(*refund))
    }

    /// What they have said. One that is lost goes before those that are still waited for.
    pub(crate) fn heard(&self) -> Heard {
        let lost = self.0.iter().find_map(|child| match &child.answer {
            Some((Answer::Lost(why), _)) => Some(why.clone()),
            Some((Answer::Said(_), _)) | None => None,
        });
        if let Some(why) = lost {
            return Heard::Lost(why);
        }
        let said = self.0.iter().map(|child| match &child.answer {
            Some((Answer::Said(outcome), _)) => Some(outcome.clone()),
            Some((Answer::Lost(_), _)) | None => None,
        });
        said.collect::<Option<Vec<_>>>().map_or(Heard::Waiting, Heard::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, Time};

    fn said(bytes: u8) -> Answer {
        Answer::Said(Encoded { tag: 1, shape: 1, bytes: vec![bytes] })
    }

    fn outcome(child: u128, answer: Answer) -> Outcome {
        let refund = Balance { moves: 1, meters: Amount::on(0, 5), until: None };
        Outcome { instance: InstanceId(0), seq: 0, child: InstanceId(child), answer, refund, at: Time(0) }
    }

    fn three() -> Brood {
        let mut brood = Brood::default();
        (1..=3).for_each(|child| brood.asked(InstanceId(child)));
        brood
    }

    #[test]
    fn answers_are_in_the_order_of_the_questions() {
        let mut brood = three();
        for child in [3, 1] {
            brood.answered(outcome(child, said(child as u8)));
        }
        assert_eq!(brood.heard(), Heard::Waiting);
        assert!(brood.awaits(InstanceId(2)) && !brood.awaits(InstanceId(1)) && !brood.awaits(InstanceId(9)));
        assert_eq!(brood.refund().meters, Amount::on(0, 10));
        brood.answered(outcome(2, said(2)));
        let Heard::All(all) = brood.heard() else { panic!("all have answered") };
        assert_eq!(all.iter().map(|it| it.bytes[0]).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn one_that_is_lost_is_heard_at_once() {
        let mut brood = three();
        brood.answered(outcome(2, Answer::Lost("gone".into())));
        assert_eq!(brood.heard(), Heard::Lost("gone".into()));
    }

    #[test]
    fn who_asked_nobody_has_heard_all() {
        assert_eq!(Brood::default().heard(), Heard::All(Vec::new()));
    }
}
