//! Keeps the books over a journal, on its own account: from each record it works out what must be left, and compares.
//! At every group: balances + holds + mail + spent + burned = granted. It shares no arithmetic with the engine's
//! budgets, or it would agree with their mistakes.
use crate::{
    Amount, Encoded, InstanceId,
    budget::Balance,
    log::Group,
    record::{Began, Done, Mode, Moved, Parent, Record, Started, Via},
};
use std::collections::{BTreeMap, HashMap};

/// Moves, then the meters.
type Purse = [u64; 4];

fn purse(balance: Balance) -> Purse {
    let Amount([a, b, c]) = balance.meters;
    [balance.moves.into(), a, b, c]
}
fn meters(Amount([a, b, c]): Amount) -> Purse {
    [0, a, b, c]
}
fn sum(purses: impl IntoIterator<Item = Purse>) -> Purse {
    purses.into_iter().fold([0; 4], |a, b| std::array::from_fn(|i| a[i] + b[i]))
}
#[track_caller]
fn minus(a: Purse, b: Purse) -> Purse {
    std::array::from_fn(|i| a[i].checked_sub(b[i]).unwrap_or_else(|| panic!("{b:?} was taken from {a:?}")))
}

/// What the books say of one run.
#[derive(Default)]
struct Account {
    graph: u64,
    grant: Purse,
    balance: Purse,
    /// By effect: every attempt keeps its hold until the last of them is done.
    holds: BTreeMap<String, Effect>,
    mail: Purse,
    parent: Option<Parent>,
    over: bool,
}

/// What the books say of one effect of the current state.
struct Effect {
    via: Via,
    attempt: u32,
    once: bool,
    /// Of the last attempt.
    hold: Purse,
    /// Of those before it: they may have cost that much.
    lost: Purse,
    done: bool,
}

/// The books of a journal.
pub(super) struct Books<F> {
    is_lap: F,
    accounts: HashMap<InstanceId, Account>,
    granted: Purse,
    spent: Purse,
    burned: Purse,
}

impl<F: Fn(u64, &Encoded) -> bool> Books<F> {
    /// Empty books; `is_lap` says whether a state of a graph is where its budget is refilled.
    pub(super) fn new(is_lap: F) -> Books<F> {
        Books { is_lap, accounts: HashMap::new(), granted: [0; 4], spent: [0; 4], burned: [0; 4] }
    }

    /// Enters a group and checks the sum.
    pub(super) fn enter(&mut self, group: &Group) {
        // What one record of the group gives up and another of it takes.
        let mut handed = [0; 4];
        let mut orphaned = false;
        for bytes in &group.records {
            match Record::decode(bytes).expect("what this engine wrote it can read") {
                Record::Started(started) => self.started(started, &mut handed),
                Record::Moved(moved) => {
                    handed = sum([handed, self.moved(&moved)]);
                    orphaned = moved.ended && self.nobody_above(moved.instance);
                }
                Record::Parked(parked) => {
                    handed = sum([handed, self.closed(parked.instance)]);
                    orphaned = self.nobody_above(parked.instance);
                }
                Record::Began(began) => self.began(began),
                Record::Done(done) => self.done(done),
                Record::Outcome(outcome) => {
                    let refund = purse(outcome.refund);
                    handed = minus(handed, refund);
                    self.account(outcome.instance).mail = refund;
                }
                Record::Credited(credited) => {
                    let account = self.account(credited.instance);
                    let gained = minus(purse(credited.balance), account.balance);
                    account.balance = purse(credited.balance);
                    handed = minus(handed, gained);
                }
                Record::Declared(_) | Record::Mail(_) | Record::Cancel(_) => {}
            }
        }
        assert!(
            handed == [0; 4] || orphaned,
            "{handed:?} was given up, and somebody above lives who did not get it"
        );
        self.burned = sum([self.burned, handed]);
        self.balanced();
    }

    fn balanced(&self) {
        let held = self.accounts.values().flat_map(|account| &account.holds);
        let held = sum(held.map(|(_, effect)| sum([effect.hold, effect.lost])));
        let balances = sum(self.accounts.values().map(|account| account.balance));
        let mail = sum(self.accounts.values().map(|account| account.mail));
        assert_eq!(
            sum([balances, held, mail, self.spent, self.burned]),
            self.granted,
            "the books do not balance"
        );
    }

    fn account(&mut self, instance: InstanceId) -> &mut Account {
        self.accounts.get_mut(&instance).expect("a record is about a run that began")
    }

    fn nobody_above(&self, instance: InstanceId) -> bool {
        let parent = |id: &InstanceId| Some(self.accounts.get(id)?.parent?.instance);
        let mut above = std::iter::successors(parent(&instance), parent);
        above.all(|id| self.accounts.get(&id).is_none_or(|account| account.over))
    }

    fn started(&mut self, started: Started, handed: &mut Purse) {
        let grant = purse(started.grant);
        match started.parent {
            Some(_) => *handed = self.shared(&started, *handed),
            None => self.granted = sum([self.granted, grant]),
        }
        let parent = started.parent;
        let account = Account { graph: started.graph, grant, balance: grant, parent, ..Account::default() };
        let before = self.accounts.insert(started.instance, account);
        assert!(before.is_none(), "run {} began twice", started.instance);
    }

    /// The share of a child comes out of what its parent's move gave up. A parent that begins in a state that asks has
    /// a grant that is stated without that share: then it comes from further up.
    fn shared(&mut self, started: &Started, handed: Purse) -> Purse {
        let share = purse(started.grant);
        let mut from = started.parent;
        while let Some(Parent { instance, seq: 0, .. }) = from {
            from = self.account(instance).parent;
        }
        if from.is_some() {
            return minus(handed, share);
        }
        self.granted = sum([self.granted, share]);
        handed
    }

    /// Returns what the move gives up: a child's share, or at an end all that is left.
    fn moved(&mut self, moved: &Moved) -> Purse {
        let (instance, after) = (moved.instance, purse(moved.balance));
        let graph = self.account(instance).graph;
        let is_lap = moved.stopping.is_none() && (self.is_lap)(graph, &moved.state);
        let free = moved.stopping.is_some() || is_lap;
        let Account { balance, mail, holds, grant, .. } = self.account(instance);
        let (grant, left) = (*grant, sum([*balance, std::mem::take(mail)]));
        let lost = sum(std::mem::take(holds).into_values().map(|effect| sum([effect.hold, effect.lost])));
        self.burned = sum([self.burned, lost]);
        let before = if is_lap {
            self.burned = sum([self.burned, left]);
            self.granted = sum([self.granted, grant]);
            grant
        } else {
            left
        };
        let cost = [u64::from(!free), 0, 0, 0];
        self.spent = sum([self.spent, cost]);
        self.account(instance).balance = after;
        let given = minus(minus(before, cost), after);
        if moved.ended { sum([given, self.closed(instance)]) } else { given }
    }

    /// Returns what is left of a run that is over.
    fn closed(&mut self, instance: InstanceId) -> Purse {
        let account = self.account(instance);
        account.over = true;
        let left = sum([std::mem::take(&mut account.balance), std::mem::take(&mut account.mail)]);
        let lost =
            std::mem::take(&mut account.holds).into_values().map(|effect| sum([effect.hold, effect.lost]));
        self.burned = sum([self.burned, sum(lost)]);
        left
    }

    fn began(&mut self, began: Began) {
        let (hold, once) = (meters(began.hold), matches!(began.mode, Mode::Once(_)));
        let account = self.account(began.instance);
        account.balance = minus(account.balance, hold);
        assert_eq!(
            account.balance[1..],
            meters(began.balance)[1..],
            "`{}` began with another balance",
            began.name
        );
        let effect = match account.holds.remove(&began.name) {
            None => Effect { via: began.via, attempt: 1, once, hold, lost: [0; 4], done: false },
            Some(before) => {
                assert!(!before.once && !once, "`{}` is never repeated, and began twice", began.name);
                assert!(!before.done, "`{}` has a result, and began again", began.name);
                assert_eq!(before.via, began.via, "`{}` was repeated under another key", began.name);
                let lost = sum([before.lost, before.hold]);
                Effect { attempt: before.attempt + 1, hold, lost, ..before }
            }
        };
        assert_eq!(effect.attempt, began.attempt, "an attempt at `{}` was not counted", began.name);
        account.holds.insert(began.name, effect);
    }

    fn done(&mut self, done: Done) {
        let account = self.account(done.instance);
        let effect = account.holds.get_mut(&done.name).expect("what is done had begun");
        assert!(!std::mem::replace(&mut effect.done, true), "`{}` has two results", done.name);
        let whole = sum([account.balance, std::mem::take(&mut effect.hold)]);
        // What exceeds the hold is taken as far as there is any.
        let spent = meters(done.spent);
        let spent = std::array::from_fn(|i| spent[i].min(whole[i]));
        account.balance = minus(whole, spent);
        assert_eq!(account.balance[1..], meters(done.balance)[1..], "`{}` left another balance", done.name);
        self.spent = sum([self.spent, spent]);
    }
}
