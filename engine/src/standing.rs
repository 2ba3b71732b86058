//! Where a run stands: the fold of its records. Recovery and the running engine apply the same records by the same
//! function, so a restart cannot see another run than the one that was killed.
use crate::{
    Doubt, Encoded, InstanceId, StopWhy, Time,
    brood::Brood,
    budget::Balance,
    log::Lsn,
    memos::Memos,
    record::{
        Began, Credited, Done, EventId, Forked, Mail, Mode, Moved, Outcome, Parent, Paused, Record, Released,
        Started, Via,
    },
    seen::Seen,
    sift::FORGOTTEN_SHAPE,
};
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// What is kept of an effect until the run moves on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Memo {
    pub(crate) slot: u32,
    pub(crate) attempt: u32,
    pub(crate) mode: Mode,
    pub(crate) result: Option<Encoded>,
}

/// Whether a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Status {
    Live,
    Ended,
    Parked(String),
}

/// An operator parked the run. It keeps its mail and hears its children; of itself it does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Pause {
    pub(crate) why: String,
    pub(crate) since: Time,
}

/// The state that a fork began in: the run that had been in it, and how many moves that one had made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Origin {
    pub(crate) instance: InstanceId,
    pub(crate) seq: u64,
}

impl Origin {
    /// What a fork from here leaves in the journal.
    pub(crate) fn forked(self, instance: InstanceId, at: Time) -> Forked {
        Forked { instance, from: self.instance, seq: self.seq, at }
    }
}

/// Why a handler is not let go on.
pub(crate) enum Interrupt {
    Stop(StopWhy),
    Pause,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
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
    pub(crate) paused: Option<Box<Pause>>,
    pub(crate) origin: Option<Box<Origin>>,
    /// The record with which it began.
    pub(crate) began: u64,
    /// The record of the move that ended it; zero while it goes on.
    pub(crate) ended: u64,
    /// It was brought here in a file, and never goes on by itself.
    pub(crate) imported: bool,
}

impl Standing {
    /// A run of which nothing can be read but where it began.
    pub(crate) fn unknown(began: Lsn) -> Standing {
        let started = Started {
            instance: InstanceId(0),
            graph: 0,
            version: 0,
            state: Encoded { tag: 0, shape: 0, bytes: Vec::new() },
            grant: Balance::EMPTY,
            parent: None,
            depth: 0,
            at: Time(0),
        };
        Standing::new(&started, began)
    }

    /// A run that begins with the record at `began`.
    pub(crate) fn new(started: &Started, began: Lsn) -> Standing {
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
            paused: None,
            origin: None,
            began: began.0,
            ended: 0,
            imported: false,
        }
    }

    /// Whether it never goes on by itself any more.
    pub(crate) fn is_over(&self) -> bool {
        self.status == Status::Ended || self.imported
    }

    /// Drops what was said in it: it was forgotten. Where it stands is known as before.
    pub(crate) fn blank(&mut self) {
        (self.state.shape, self.state.bytes) = (FORGOTTEN_SHAPE, Vec::new());
        (self.memo, self.brood) = (Memos::default(), Brood::default());
        (self.mail, self.pinned) = (VecDeque::new(), None);
        if let Status::Parked(why) = &mut self.status {
            "what it held was forgotten with the owner of its facts".clone_into(why);
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
            Record::Cancel(cancel) => self.cancel(cancel.at),
            Record::Parked(parked) => self.status = Status::Parked(parked.why),
            Record::Forked(it) => {
                self.origin = Some(Box::new(Origin { instance: it.from, seq: it.seq }));
            }
            Record::Paused(paused) => self.pause(paused),
            Record::Released(released) => self.released(&released),
            Record::Imported(_) => self.imported(),
            Record::Trimmed(trimmed) => self.seen.extend(&trimmed.heard),
            Record::Declared(_) | Record::Started(_) | Record::Forgot(_) | Record::Facts(_) => {}
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

    /// Whether the run does nothing until it is let go on.
    pub(crate) fn is_parked(&self) -> bool {
        match self.status {
            Status::Live => self.paused.is_some(),
            Status::Parked(_) => true,
            Status::Ended => false,
        }
    }

    fn pause(&mut self, paused: Paused) {
        if self.status == Status::Live && self.paused.is_none() {
            self.paused = Some(Box::new(Pause { why: paused.why, since: paused.at }));
        }
    }

    /// A run that a fault set aside tries once more from the state in which it failed.
    fn released(&mut self, released: &Released) {
        self.let_go(released.at);
        match self.status {
            Status::Parked(_) => self.status = Status::Live,
            Status::Live | Status::Ended => {}
        }
    }

    /// What was living elsewhere is set aside here.
    fn imported(&mut self) {
        if self.status == Status::Ended {
            return;
        }
        (self.imported, self.paused) = (true, None);
        if self.status == Status::Live {
            self.status = Status::Parked("it was imported: fork it to go on from where it was".to_owned());
        }
    }

    /// The time for which a run was parked does not count against its deadline.
    fn let_go(&mut self, at: Time) {
        if let Some(pause) = self.paused.take() {
            self.balance.until = self.balance.until.map(|until| until.after(at.since(pause.since)));
        }
    }

    /// Takes note that it is cancelled: it goes to its end, parked or not. On the way there it cannot be cancelled any
    /// more.
    pub(crate) fn cancel(&mut self, at: Time) {
        self.let_go(at);
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

    /// Why the run may not go on now, if it may not. The clock is read when that counts.
    pub(crate) fn interrupted(&self, now: impl FnOnce() -> Time) -> Option<Interrupt> {
        if self.paused.is_some() {
            return Some(Interrupt::Pause);
        }
        if self.stopping.is_some() {
            return None;
        }
        if self.cancelled {
            return Some(Interrupt::Stop(StopWhy::Cancelled));
        }
        let late = self.balance.until.is_some_and(|until| now() >= until);
        late.then(|| Interrupt::Stop(StopWhy::Exhausted("time".to_owned())))
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
