//! Stories of runs, facts, forks and forgetting by chance, compacted and opened again in between, against a plain model that
//! keeps everything and says what may be gone.
use super::*;
use crate::{
    Amount, FactId, Refused, Retention, Time,
    budget::Balance,
    durable::{FactKey, Owner},
    ledger::Ledger,
    log::{Bodies, FileLog, Flow, Group, Log, LogFault, Mode, Options},
    record::{Began, Cancel, Done, Forgot, Forked, Gone, Mail, Mode as Repeats, Started, Via},
    standing::Status,
    table::Over,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

const STORIES: u64 = 24;
const STEPS: usize = 120;
const OPTIONS: Options = Options { segment_bytes: 1500, room_bytes: 0, snapshot_bytes: u64::MAX };

/// Chance that a test owns (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[derive(Default)]
struct Known {
    graph: u64,
    seq: u64,
    ended: Option<(u64, u64)>,
    origin: Option<InstanceId>,
}

/// What the model keeps of a record: all of it, or these facts.
struct Line {
    record: Record,
    /// The places of the facts that must be there, once the past that it is a part of is gone; and whether it was forgotten.
    left: Option<(Vec<FactRecord>, bool)>,
}

struct Story {
    chance: Chance,
    home: tempfile::TempDir,
    log: Option<Arc<FileLog>>,
    lines: Vec<Line>,
    runs: BTreeMap<InstanceId, Known>,
    forgotten: BTreeMap<String, u64>,
    forgotten_runs: BTreeSet<InstanceId>,
    ledger: Ledger,
    now: u64,
    /// How many records and facts were found gone: a model that never lets anything go tests nothing.
    gone: (usize, usize),
}

fn encoded(text: String) -> Encoded {
    Encoded { tag: 1, shape: 2, bytes: text.into_bytes() }
}

impl Story {
    fn new(seed: u64) -> Story {
        let mut story = Story {
            chance: Chance(seed),
            home: tempfile::tempdir().unwrap(),
            log: None,
            lines: Vec::new(),
            runs: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            forgotten_runs: BTreeSet::new(),
            ledger: Ledger::default(),
            now: 1,
            gone: (0, 0),
        };
        story.open();
        story
    }

    fn open(&mut self) {
        self.log = None;
        let mut none = |_: &Group| Ok::<_, LogFault>(());
        self.log = Some(FileLog::open_with(self.home.path(), Mode::Owner, OPTIONS, &mut none).unwrap().0);
    }

    fn log(&self) -> Arc<FileLog> {
        self.log.clone().expect("it is open")
    }

    fn next(&self) -> u64 {
        self.lines.len() as u64 + 1
    }

    fn write(&mut self, records: Vec<Record>) {
        let mut group = Bodies::new();
        records.iter().for_each(|record| record.put(&mut group));
        let first = Lsn(self.next());
        let lsn = self.log().order(&group).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.log().durable(lsn)).unwrap();
        let bodies = group.iter().map(<[u8]>::to_vec).collect();
        self.ledger.apply(&Group { first, records: bodies }).unwrap();
        self.lines.extend(records.into_iter().map(|record| Line { record, left: None }));
        self.now += 1;
    }

    fn living(&mut self) -> Option<InstanceId> {
        let living: Vec<_> =
            self.runs.iter().filter(|(_, run)| run.ended.is_none()).map(|(id, _)| *id).collect();
        (!living.is_empty()).then(|| living[self.chance.below(living.len())])
    }

    fn facts(&mut self, instance: InstanceId, seq: u64, at: u32) -> Vec<FactRecord> {
        let count = [0, 0, 1, 2][self.chance.below(4)];
        let fact = |n| {
            let owner = Owner(["ann", "bob", "eve"][self.chance.below(3)].into());
            let key =
                [None, Some("here"), Some("there")][self.chance.below(3)].map(|key| FactKey(key.into()));
            let fact = encoded(format!("fact {} of {}", self.chance.below(1000), owner.0));
            FactRecord { id: FactId { instance, seq, n: at + n }, owner, key, blobs: Vec::new(), fact }
        };
        (0..count).map(fact).collect()
    }

    fn step(&mut self) {
        match self.chance.below(14) {
            0 | 1 => self.start(),
            2..=4 => self.move_on(false),
            5 => self.move_on(true),
            6..=8 => self.effect(),
            9 | 10 => self.mail(),
            11 => self.cancel(),
            12 => self.forget(),
            _ if self.chance.below(3) == 0 => self.open(),
            _ => self.compact(),
        }
    }

    fn start(&mut self) {
        let instance = InstanceId(self.next().into());
        let graph = 1 + self.chance.below(2) as u64;
        let others: Vec<_> = self.runs.keys().copied().collect();
        let origin = (!others.is_empty() && self.chance.below(3) == 0)
            .then(|| others[self.chance.below(others.len())]);
        let (state, grant, at) = (encoded(format!("start {}", instance.0)), Balance::EMPTY, Time(self.now));
        let started = Started { instance, graph, version: 1, state, grant, parent: None, depth: 0, at };
        let mut records = vec![Record::Started(started)];
        records.extend(origin.map(|from| Record::Forked(Forked { instance, from, seq: 0, at })));
        self.runs.insert(instance, Known { graph, origin, ..Known::default() });
        self.write(records);
    }

    fn move_on(&mut self, ended: bool) {
        let Some(instance) = self.living() else { return };
        let seq = self.runs[&instance].seq + 1;
        let facts = self.facts(instance, seq, 0);
        let (state, balance, at) = (encoded(format!("state {seq}")), Balance::EMPTY, Time(self.now));
        let lsn = self.next();
        let run = self.runs.get_mut(&instance).expect("it lives");
        (run.seq, run.ended) = (seq, ended.then_some((lsn, self.now)));
        let used = Via::Entered;
        self.write(vec![Record::Moved(Moved {
            instance,
            seq,
            state,
            used,
            balance,
            stopping: None,
            ended,
            facts,
            at,
        })]);
    }

    fn effect(&mut self) {
        let Some(instance) = self.living() else { return };
        let (seq, name, at) = (self.runs[&instance].seq, "ask".to_owned(), Time(self.now));
        let (hold, balance, via, mode) = (Amount::NONE, Amount::NONE, Via::Entered, Repeats::Repeat);
        let facts = self.facts(instance, seq, 100);
        let (result, spent) = (encoded(format!("result {}", self.chance.below(1000))), Amount::NONE);
        let began =
            Began { instance, seq, name: name.clone(), slot: 0, via, attempt: 1, mode, hold, balance, at };
        let done = Done { instance, seq, name, result, spent, balance, facts, at };
        self.write(vec![Record::Began(began), Record::Done(done)]);
    }

    fn mail(&mut self) {
        let Some(instance) = self.living() else { return };
        let id = u128::from(self.next());
        let event = if self.chance.below(3) == 0 { EventId::Drawn(id) } else { EventId::Given(id) };
        let (payload, at) = (encoded("news".into()), Time(self.now));
        self.write(vec![Record::Mail(Mail { instance, event, payload, at })]);
    }

    fn cancel(&mut self) {
        let instances = [self.living(), self.living()].into_iter().flatten().collect::<BTreeSet<_>>();
        if !instances.is_empty() {
            let cancel = Cancel { instances: instances.into_iter().collect(), at: Time(self.now) };
            self.write(vec![Record::Cancel(cancel)]);
        }
    }

    fn forget(&mut self) {
        let owner = ["ann", "bob", "eve"][self.chance.below(3)].to_owned();
        let of = |line: &Line| {
            let facts = line.record.facts().iter();
            facts.filter(|fact| fact.owner.0 == owner).map(|fact| fact.id.instance).next()
        };
        let instances: BTreeSet<_> = self.lines.iter().filter_map(of).collect();
        if instances.is_empty() || instances.iter().any(|instance| self.runs[instance].ended.is_none()) {
            return;
        }
        let upto = self.next() - 1;
        self.forgotten.insert(owner.clone(), upto);
        self.forgotten_runs.extend(&instances);
        let (instances, at) = (instances.into_iter().collect(), Time(self.now));
        self.write(vec![Record::Forgot(Forgot { owner: Owner(owner), upto, instances, at })]);
    }

    /// The rule, said plainly.
    fn fates(&self, retention: &BTreeMap<u64, Retention>) -> BTreeMap<InstanceId, Fate> {
        let wants = |run: &Known| match (run.ended, retention.get(&run.graph)) {
            (None, _) | (_, None | Some(Retention::Forever)) => true,
            (Some((_, at)), Some(Retention::For(span))) => u128::from(self.now - at) < span.as_millis(),
            (Some((lsn, _)), Some(Retention::Last(last))) => {
                let later = |it: &&Known| it.graph == run.graph && it.ended.is_some_and(|(end, _)| end > lsn);
                self.runs.values().filter(later).count() < *last
            }
        };
        let mut whole: BTreeSet<_> =
            self.runs.iter().filter(|(_, run)| wants(run)).map(|(instance, _)| *instance).collect();
        for _ in 0..self.runs.len() {
            let shared: Vec<_> = whole.iter().filter_map(|instance| self.runs[instance].origin).collect();
            whole.extend(shared);
        }
        let fate = |instance: &InstanceId| match (
            self.forgotten_runs.contains(instance),
            whole.contains(instance),
        ) {
            (true, _) => Fate::Forgotten,
            (false, true) => Fate::Whole,
            (false, false) => Fate::Trimmed,
        };
        self.runs.keys().map(|instance| (*instance, fate(instance))).collect()
    }

    fn stays(&self, lsn: u64, fact: &FactRecord) -> bool {
        let same = |other: &FactRecord| {
            fact.key.is_some()
                && (&other.owner, other.fact.tag, &other.key) == (&fact.owner, fact.fact.tag, &fact.key)
        };
        let superseded = self.lines[lsn as usize..].iter().any(|line| line.record.facts().iter().any(same));
        let forgotten = self.forgotten.get(&fact.owner.0).is_some_and(|upto| lsn <= *upto);
        !superseded && !forgotten
    }

    fn compact(&mut self) {
        let policies = [
            Retention::Forever,
            Retention::For(Duration::from_millis(30)),
            Retention::Last(1),
            Retention::Last(0),
        ];
        let retention: BTreeMap<_, _> = [1, 2].map(|graph| (graph, policies[self.chance.below(4)])).into();
        let mut survey = Survey::default();
        let scanned = self.log().scan(Lsn(1), &mut |group: &Group| {
            survey.take(group).unwrap();
            Flow::Continue
        });
        scanned.unwrap();
        survey.decide(&retention, Time(self.now), &mut std::iter::empty());
        let (mut sift, mut from) = (Sift::by(&survey), Lsn(1));
        while let Some(done) = self.log().compact(from, &mut sift).unwrap() {
            from = Lsn(done.last.0 + 1);
        }
        let (upto, fates) = (self.log().sealed().compacted.0, self.fates(&retention));
        for lsn in 1..=upto {
            let line = &self.lines[lsn as usize - 1];
            let of = |instance: &InstanceId| fates[instance];
            let fate = match (&line.record, line.record.subject()) {
                (Record::Cancel(it), _) if it.instances.iter().all(|it| of(it) != Fate::Whole) => {
                    Fate::Trimmed
                }
                (_, Some(instance)) => of(&instance),
                (_, None) => Fate::Whole,
            };
            let was = match &line.left {
                Some((facts, forgotten)) => (facts.clone(), *forgotten),
                None => (line.record.facts().to_vec(), false),
            };
            if fate != Fate::Whole {
                let left = was.0.into_iter().filter(|fact| self.stays(lsn, fact)).collect();
                self.lines[lsn as usize - 1].left = Some((left, was.1 || fate == Fate::Forgotten));
            }
        }
        self.check();
    }

    fn found(&self) -> BTreeMap<u64, Record> {
        let mut found = BTreeMap::new();
        let scanned = self.log().scan(Lsn(1), &mut |group: &Group| {
            for (lsn, bytes) in (group.first.0..).zip(&group.records) {
                if lsn.is_multiple_of(7) {
                    assert_eq!(self.log().read(Lsn(lsn)).unwrap(), *bytes, "a point read says the same");
                }
                assert!(
                    found.insert(lsn, Record::decode(bytes).unwrap()).is_none(),
                    "record {lsn} comes twice"
                );
            }
            Flow::Continue
        });
        scanned.unwrap();
        found
    }

    fn check(&mut self) {
        let found = self.found();
        for (lsn, line) in (1..).zip(&self.lines) {
            let there = found.get(&lsn);
            let Some((facts, forgotten)) = &line.left else {
                let there = there.unwrap_or_else(|| panic!("record {lsn} is gone: {:?}", line.record));
                assert_eq!(bytes_of(there), bytes_of(&line.record), "record {lsn}");
                continue;
            };
            self.gone.1 += line.record.facts().len() - facts.len();
            match (&line.record, there) {
                (Record::Started(was), Some(Record::Started(is))) => {
                    assert_eq!((was.instance, was.at), (is.instance, is.at));
                    assert_eq!(is.state.bytes.is_empty(), *forgotten, "record {lsn}");
                }
                (Record::Forked(_), Some(Record::Forked(_))) => {}
                (Record::Moved(was), Some(Record::Moved(is))) => {
                    assert!(was.ended && is.ended, "record {lsn}");
                    assert_eq!((&is.facts, is.state.bytes.is_empty()), (facts, *forgotten), "record {lsn}");
                }
                (_, Some(Record::Facts(is))) => {
                    assert!(is.facts == *facts && !facts.is_empty(), "record {lsn}")
                }
                (_, Some(Record::Trimmed(_)) | None) => {
                    assert!(facts.is_empty(), "facts of record {lsn} are gone: {facts:?}");
                    self.gone.0 += 1;
                }
                (was, is) => panic!("record {lsn} became {is:?} from {was:?}"),
            }
        }
        self.check_ledger(&found);
    }

    /// Whoever opens the journal finds every run where it was.
    /// Where runs stand by the first `at` records as they were written and those behind them as they are now.
    fn ledger_from(&self, at: usize, found: &BTreeMap<u64, Record>) -> Ledger {
        let mut ledger = Ledger::default();
        let before = (1..).zip(&self.lines[..at]).map(|(lsn, line)| (lsn, &line.record));
        let behind = found.range(at as u64 + 1..).map(|(lsn, record)| (*lsn, record));
        for (lsn, record) in before.chain(behind) {
            ledger
                .take(Lsn(lsn), record.clone())
                .unwrap_or_else(|Refused(why)| panic!("record {lsn}: {why}"));
        }
        ledger
    }

    fn check_ledger(&self, found: &BTreeMap<u64, Record>) {
        let mut ledger = Ledger::default();
        for (lsn, record) in found {
            ledger
                .take(Lsn(*lsn), record.clone())
                .unwrap_or_else(|Refused(why)| panic!("record {lsn}: {why}"));
        }
        assert_eq!(ledger.runs, self.ledger.runs);
        let seen = |over: &Over| (over.began, over.ended, over.seen.clone());
        for (instance, over) in &self.ledger.over {
            assert_eq!(seen(&ledger.over[instance]), seen(over), "run {instance}");
        }
        // A snapshot that is older than the compaction knows the records before it as they were.
        for at in (0..self.lines.len()).step_by(7) {
            let ledger = self.ledger_from(at, found);
            for (instance, over) in &self.ledger.over {
                assert_eq!(ledger.over[instance].seen, over.seen, "run {instance}, from record {at}");
            }
        }
        let owners = |ledger: &Ledger| {
            ledger
                .forgotten
                .owners()
                .into_iter()
                .map(|(owner, upto)| (owner.0, upto))
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(owners(&ledger), owners(&self.ledger));
        assert!(ledger.runs.values().all(|run| run.status == Status::Live));
        for instance in self.runs.keys() {
            let lost = |line: &Line| {
                let stays = matches!(line.record, Record::Started(_) | Record::Forked(_));
                line.left.is_some() && !stays && !matches!(&line.record, Record::Moved(moved) if moved.ended)
            };
            let of = |line: &&Line| line.record.subject() == Some(*instance);
            let is_missing = self.lines.iter().filter(of).any(lost);
            let said = found.values().filter_map(|record| record.gone(*instance)).max();
            let is_forgotten = self.forgotten_runs.contains(instance);
            let expected = match (is_forgotten, is_missing) {
                (true, _) => Some(Gone::Forgotten),
                (false, true) => Some(Gone::Trimmed),
                (false, false) => None,
            };
            assert_eq!(said, expected, "run {instance} says what became of its past");
        }
    }
}

#[test]
fn what_is_left_of_any_story_is_what_the_plain_model_keeps() {
    let (mut records, mut facts) = (0, 0);
    for seed in 0..STORIES {
        let mut story = Story::new(seed);
        (0..STEPS).for_each(|_| story.step());
        story.compact();
        story.open();
        story.check();
        (records, facts) = (records + story.gone.0, facts + story.gone.1);
    }
    assert!(records > 1_000 && facts > 300, "{records} records and {facts} facts were gone");
}
