//! Where a run stands: the fold of its records. Recovery and the running engine apply the same records by the same
//! function, so a restart cannot see another run than the one that was killed.
use crate::{
    Doubt, Encoded, StopWhy, Time,
    brood::Brood,
    budget::Balance,
    memos::Memos,
    record::{Began, Credited, Done, EventId, Mail, Mode, Moved, Outcome, Parent, Record, Started, Via},
    seen::Seen,
};
use std::collections::VecDeque;

/// What is kept of an effect until the run moves on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memo {
    pub(crate) slot: u32,
    pub(crate) attempt: u32,
    pub(crate) mode: Mode,
    pub(crate) result: Option<Encoded>,
}

/// Whether a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    Live,
    Ended,
    Parked(String),
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) graph: u64,
    pub(crate) version: u32,
    pub(crate) state: Encoded,
    pub(crate) seq: u64,
    pub(crate) started: Time,
    /// When the run entered its state.
    pub(crate) since: Time,
    /// What the run began with; of a root, with what it gave away as it began.
    pub(crate) grant: Balance,
    /// The balance with which the run entered its state.
    pub(crate) entered_with: Balance,
    pub(crate) balance: Balance,
    pub(crate) parent: Option<Parent>,
    pub(crate) depth: u16,
    pub(crate) memo: Memos,
    /// What the handler of this state is woken by, once an effect has begun.
    pub(crate) pinned: Option<Via>,
    pub(crate) mail: VecDeque<(EventId, Encoded)>,
    pub(crate) seen: Seen,
    /// Whom the current state asked.
    pub(crate) brood: Brood,
    /// Cancelled, and not told yet.
    pub(crate) cancelled: bool,
    pub(crate) stopping: Option<u32>,
    pub(crate) status: Status,
}

impl Standing {
    pub(crate) fn new(started: &Started) -> Standing {
        Standing {
            graph: started.graph,
            version: started.version,
            state: started.state.clone(),
            seq: 0,
            started: started.at,
            since: started.at,
            grant: started.grant,
            entered_with: started.grant,
            balance: started.grant,
            parent: started.parent,
            depth: started.depth,
            memo: Memos::default(),
            pinned: None,
            mail: VecDeque::new(),
            seen: Seen::default(),
            brood: Brood::default(),
            cancelled: false,
            stopping: None,
            status: Status::Live,
        }
    }

    /// Applies a record of this run. Records of other runs and its own `Started` are the caller's affair.
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Moved(moved) => self.moved(moved),
            Record::Began(began) => self.began(began),
            Record::Done(done) => self.done(done),
            Record::Mail(mail) => self.mail(mail),
            Record::Outcome(outcome) => self.answered(outcome),
            Record::Credited(credited) => self.credited(credited),
            Record::Cancel(_) => self.cancel(),
            Record::Parked(parked) => self.status = Status::Parked(parked.why),
            Record::Declared(_) | Record::Started(_) => {}
        }
    }

    fn moved(&mut self, moved: Moved) {
        if let Via::Event(used) = moved.used {
            self.mail.retain(|(event, _)| *event != used);
        }
        self.state = moved.state;
        self.seq = moved.seq;
        self.since = moved.at;
        self.balance = moved.balance;
        self.entered_with = moved.balance;
        self.memo.clear();
        self.pinned = None;
        self.brood.clear();
        self.stopping = moved.stopping;
        self.cancelled &= moved.stopping.is_none();
        if moved.ended {
            self.status = Status::Ended;
            self.mail = VecDeque::new();
        }
    }

    /// Takes note that it is cancelled. On the way to an end it cannot be cancelled any more.
    pub(crate) fn cancel(&mut self) {
        self.cancelled |= self.stopping.is_none();
    }

    fn began(&mut self, began: Began) {
        if began.seq != self.seq {
            return;
        }
        self.balance.meters = began.balance;
        self.pinned = Some(began.via);
        let memo = Memo { slot: began.slot, attempt: began.attempt, mode: began.mode, result: None };
        self.memo.insert(began.name, memo);
    }

    fn done(&mut self, done: Done) {
        if done.seq != self.seq {
            return;
        }
        self.balance.meters = done.balance;
        if let Some(memo) = self.memo.get_mut(&done.name) {
            memo.result = Some(done.result);
        }
    }

    fn mail(&mut self, mail: Mail) {
        if self.status != Status::Ended && self.seen.insert(mail.event) {
            self.mail.push_back((mail.event, mail.payload));
        }
    }

    fn answered(&mut self, outcome: Outcome) {
        if outcome.seq == self.seq {
            self.brood.answered(outcome);
        }
    }

    /// What came back late may be held at once, and after a restart too.
    fn credited(&mut self, credited: Credited) {
        let gained = credited.balance.meters.less(self.balance.meters);
        self.entered_with.meters = self.entered_with.meters + gained;
        self.balance = credited.balance;
    }

    /// Why the run has to stop now, if it has to. The clock is read when that counts.
    pub(crate) fn interrupted(&self, now: impl FnOnce() -> Time) -> Option<StopWhy> {
        if self.stopping.is_some() {
            return None;
        }
        if self.cancelled {
            return Some(StopWhy::Cancelled);
        }
        let late = self.balance.until.is_some_and(|until| now() >= until);
        late.then(|| StopWhy::Exhausted("time".to_owned()))
    }

    /// The effects that have begun, are never repeated, and have no result.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let open = |(name, memo): (&String, &Memo)| match (&memo.mode, &memo.result) {
            (Mode::Once(intent), None) => Some(Doubt::new(name.clone(), intent.clone())),
            (Mode::Once(_) | Mode::Repeat, _) => None,
        };
        self.memo.iter().filter_map(open).collect()
    }
}
