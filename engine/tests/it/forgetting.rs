//! Who is forgotten is told by no way of reading, before the bytes have left the disk as behind that; what is forked, killed or
//! fails meanwhile changes nothing about it.
use crate::keeping::{
    Listening, OPTIONS, Talk, TalkState, Word, builder, copied, holds, open, plenty, start, talk,
};
use engine::{
    EndFault, InstanceId, Journal, OpenFault, Owner, Recovered, Retention,
    follow::FactEntry,
    forget::ForgetFault,
    fork::ForkFault,
    journal::{Happened, ReadFault},
    log::{
        Bodies, Compacted, FileLog, Flow, Group, Keeping, Log, LogFault, Lsn, Mode, Sealed, Sieve, Subscriber,
    },
    observe::{Observed, Observer},
    testing::ManualClock,
};
use futures::future::BoxFuture;
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn ann() -> Owner {
    Owner("ann".into())
}

fn facts(journal: &Journal) -> Vec<FactEntry> {
    let mut facts = Vec::new();
    journal.facts(&mut |fact| facts.push(fact)).unwrap();
    facts
}

fn whats(journal: &Journal, id: u128) -> Vec<(Lsn, Happened, usize)> {
    let (_, past) = journal.past(InstanceId(id)).unwrap().unwrap();
    past.into_iter().map(|line| (line.lsn, line.what, line.facts.len())).collect()
}

fn beside(home: &Path) -> Journal {
    Journal::of(FileLog::open(home, Mode::Reader).unwrap().0)
}

#[tokio::test]
async fn no_way_of_reading_tells_what_was_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let mut recovered = Recovered::default();
    let log = FileLog::open_folding(home.path(), Mode::Owner, OPTIONS, &mut recovered).unwrap().0;
    let early = recovered.journal(log.clone());
    let engine = builder(Retention::Forever).open_recovered(log, recovered).unwrap();
    talk(&engine, 1, "ann").await;
    talk(&engine, 2, "bob").await;
    let handle = engine.run::<Talk>(InstanceId(1)).unwrap();
    let before = beside(home.path());
    let known = facts(&before);
    assert_eq!(known.len(), 4);
    engine.forget(&ann()).await.unwrap();
    // Nothing else has had a turn on this thread: its bytes are on the disk.
    assert!(holds(&home, "secret 1 of ann"));
    let journals =
        [engine.journal(), early.clone(), beside(home.path()), Journal::beside(home.path()).unwrap()];
    for journal in &journals {
        assert_eq!(journal.runs().unwrap(), journals[0].runs().unwrap());
        for FactEntry { lsn, id, owner, fact, .. } in &known {
            match journal.fact(*lsn, *id) {
                Ok(found) => assert!(owner.0 == "bob" && found == *fact, "{found:?}"),
                Err(ReadFault::Forgotten(..)) => assert_eq!(owner.0, "ann"),
                Err(fault) => panic!("{fault}"),
            }
        }
        assert!(facts(journal).iter().all(|fact| fact.owner.0 == "bob"));
        let point = journal.point(InstanceId(1), 1);
        assert!(matches!(point, Err(ForkFault::Forgotten(InstanceId(1)))), "{point:?}");
        let whole = whats(journal, 2);
        assert!(whole.iter().any(|(_, what, facts)| matches!(what, Happened::Done { .. }) && *facts == 1));
        assert!(whole.iter().all(|(_, what, _)| *what != Happened::Forgotten));
    }
    // A run that is over says nothing any more, whoever holds it.
    for run in [handle, engine.run::<Talk>(InstanceId(1)).unwrap(), start(&engine, 1, "eve").await] {
        assert!(run.look(|_| ()).is_err());
        let Err(EndFault::Refused(why)) = run.end().await else { panic!("it is told") };
        assert_eq!(why.0, "what it held was forgotten with the owner of its facts");
    }
    // What is told of its past is what is left of it on the disk later.
    let past = [0, 1, 2, 3].map(|n| whats(&journals[n], 1));
    assert!(past[0].iter().all(|(_, _, facts)| *facts == 0), "{past:?}");
    engine.compact().await.unwrap();
    assert!(!holds(&home, "secret 1 of ann"));
    let [.., ann_last] = &known[..2] else { panic!("there are two of each") };
    let again = [engine.journal(), early, beside(home.path()), Journal::beside(home.path()).unwrap()];
    for (journal, before) in again.iter().zip(past) {
        assert_eq!(whats(journal, 1), before);
        let gone = journal.fact(ann_last.lsn, ann_last.id);
        assert!(matches!(gone, Err(ReadFault::Missing(..))), "{gone:?}");
    }
    // What the owner says later is a new beginning.
    talk(&engine, 3, "ann").await;
    let late = facts(&engine.journal()).into_iter().find(|fact| fact.id.instance == InstanceId(3)).unwrap();
    engine.journal().fact(late.lsn, late.id).unwrap();
    engine.close();
}

#[tokio::test]
async fn a_fork_goes_with_the_run_whose_state_it_began_in() {
    let home = tempfile::tempdir().unwrap();
    let (engine, _) = open(&home, Retention::Forever);
    talk(&engine, 1, "ann").await;
    let at = engine.journal().point(InstanceId(1), 1).unwrap();
    let of_bob = |_| Ok(TalkState::Listening(Listening { whose: "bob".into() }));
    let fork = engine.fork::<Talk>(&at, plenty(), of_bob).unwrap().await.unwrap();
    let refused = engine.forget(&ann()).await.unwrap_err();
    assert!(matches!(&refused, ForgetFault::Living { runs, .. } if runs[..] == [fork.id()]), "{refused}");
    fork.send(Word { text: "a word of bob".into() }).await.unwrap();
    fork.end().await.unwrap();
    assert_eq!(engine.forget(&ann()).await.unwrap().runs, 2);
    engine.compact().await.unwrap();
    // What bob said in it is his own, and stays.
    assert_eq!(facts(&engine.journal()).len(), 1);
    assert!(whats(&engine.journal(), fork.id().0).iter().any(|(_, what, _)| *what == Happened::Forgotten));
    engine.close();
}

/// A log in files into whose work somebody meddles.
struct Meddled {
    log: Arc<FileLog>,
    /// Done once, behind the next scan.
    behind_scan: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// So many compactions fail.
    failures: AtomicUsize,
    /// Done before and behind each stretch that is compacted.
    beside: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

impl Meddled {
    fn over(log: Arc<FileLog>) -> Arc<Meddled> {
        let (behind_scan, beside) = (Mutex::default(), Mutex::default());
        Arc::new(Meddled { log, behind_scan, failures: AtomicUsize::new(0), beside })
    }
}

impl Log for Meddled {
    fn order(&self, group: &Bodies) -> Result<Lsn, LogFault> {
        self.log.order(group)
    }
    fn gathers(&self) -> usize {
        self.log.gathers()
    }
    fn durable(&self, lsn: Lsn) -> BoxFuture<'static, Result<(), LogFault>> {
        self.log.durable(lsn)
    }
    fn durable_lsn(&self) -> Lsn {
        self.log.durable_lsn()
    }
    fn read(&self, lsn: Lsn) -> Result<Vec<u8>, LogFault> {
        self.log.read(lsn)
    }
    fn scan(&self, from: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<(), LogFault> {
        self.log.scan(from, each)?;
        let meddle = self.behind_scan.lock().unwrap().take();
        meddle.into_iter().for_each(|meddle| meddle());
        Ok(())
    }
    fn subscribe(&self, from: Lsn, each: Subscriber) {
        self.log.subscribe(from, each);
    }
    fn keep(&self, at: Lsn, write: &mut Keeping<'_>) -> Result<(), LogFault> {
        self.log.keep(at, write)
    }
    fn seal(&self) {
        self.log.seal();
    }
    fn sealed(&self) -> Sealed {
        self.log.sealed()
    }
    fn compact(&self, from: Lsn, sieve: &mut dyn Sieve) -> Result<Option<Compacted>, LogFault> {
        let left = self.failures.load(Ordering::SeqCst);
        if left > 0 {
            self.failures.store(left - 1, Ordering::SeqCst);
            return Err(LogFault::TooLarge { bytes: 2, max: 1 });
        }
        let look = || self.beside.lock().unwrap().iter_mut().for_each(|beside| beside());
        look();
        self.log.compact(from, sieve).inspect(|_| look())
    }
    fn close(&self) -> Option<LogFault> {
        self.log.close()
    }
}

#[tokio::test]
async fn a_fork_that_begins_while_its_origin_is_forgotten_is_met() {
    let home = tempfile::tempdir().unwrap();
    let mut recovered = Recovered::default();
    let log = FileLog::open_folding(home.path(), Mode::Owner, OPTIONS, &mut recovered).unwrap().0;
    let log = Meddled::over(log);
    let engine = builder(Retention::Forever).open_recovered(log.clone(), recovered).unwrap();
    talk(&engine, 1, "ann").await;
    let at = engine.journal().point(InstanceId(1), 1).unwrap();
    let forks = Arc::new(Mutex::new(Vec::new()));
    let (forker, began) = (engine.clone(), forks.clone());
    let fork = move || began.lock().unwrap().push(forker.fork::<Talk>(&at, plenty(), Ok).unwrap());
    *log.behind_scan.lock().unwrap() = Some(Box::new(fork));
    // What belongs to her has been looked for when the fork begins.
    let refused = engine.forget(&ann()).await.unwrap_err();
    let fork = forks.lock().unwrap().pop().unwrap();
    let fork = fork.await.unwrap();
    assert!(matches!(&refused, ForgetFault::Living { runs, .. } if runs[..] == [fork.id()]), "{refused}");
    fork.send(Word { text: "and so on".into() }).await.unwrap();
    fork.end().await.unwrap();
    engine.forget(&ann()).await.unwrap();
    // And once it is forgotten, none begins.
    assert!(matches!(engine.fork::<Talk>(&at, plenty(), Ok), Err(ForkFault::Forgotten(_))));
    engine.compact().await.unwrap();
    assert!(!holds(&home, "of ann") && !holds(&home, "and so on"));
    engine.close();
}

/// Hears of compactions that failed.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

impl Observer for Complaints {
    fn observe(&self, _: InstanceId, _: &Observed<'_>) {}
    fn uncompacted(&self, fault: &OpenFault) {
        self.0.lock().unwrap().push(fault.to_string());
    }
}

#[tokio::test]
async fn a_compaction_that_fails_is_told_and_tried_again_and_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (complaints, clock) = (Complaints::default(), ManualClock::new());
    let mut recovered = Recovered::default();
    let log = FileLog::open_folding(home.path(), Mode::Owner, OPTIONS, &mut recovered).unwrap().0;
    let log = Meddled::over(log);
    let builder = builder(Retention::Forever).observer(complaints.clone()).clock(clock.clone());
    let engine = builder.open_recovered(log.clone(), recovered).unwrap();
    talk(&engine, 1, "ann").await;
    talk(&engine, 2, "bob").await;
    log.failures.store(2, Ordering::SeqCst);
    engine.forget(&ann()).await.unwrap();
    for failed in 1..=2 {
        while complaints.0.lock().unwrap().len() < failed {
            clock.advance(Duration::from_secs(60));
            tokio::task::yield_now().await;
        }
        assert!(engine.is_forgetting(&ann()) && holds(&home, "secret 1 of ann"));
        assert_eq!(facts(&engine.journal()).len(), 2 * failed, "the others are told as ever");
        // Whoever goes on is not disturbed.
        talk(&engine, 2 + failed as u128, "eve").await;
    }
    while engine.is_forgetting(&ann()) {
        clock.advance(Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    assert_eq!(
        complaints.0.lock().unwrap()[..],
        ["a group of 2 bytes is larger than the 1 that the journal takes"; 2]
    );
    assert_eq!(facts(&engine.journal()).len(), 6);
    engine.close();
    engine.closed().await;
    assert!(!holds(&home, "secret 1 of ann"));
}

#[tokio::test]
async fn a_forgetting_that_was_interrupted_anywhere_is_finished_by_whoever_comes_next() {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let mut recovered = Recovered::default();
    let log = FileLog::open_folding(home.path(), Mode::Owner, OPTIONS, &mut recovered).unwrap().0;
    let log = Meddled::over(log);
    let engine = builder(Retention::Forever).open_recovered(log.clone(), recovered).unwrap();
    talk(&engine, 1, "ann").await;
    talk(&engine, 2, "bob").await;
    let copies = Arc::new(Mutex::new(Vec::new()));
    let (place, into) = (home.clone(), copies.clone());
    *log.beside.lock().unwrap() = Some(Box::new(move || into.lock().unwrap().push(copied(&place))));
    engine.forget(&ann()).await.unwrap();
    copies.lock().unwrap().push(copied(&home));
    engine.compact().await.unwrap();
    // Another compaction may be under way, beside which the close renames files.
    *log.beside.lock().unwrap() = None;
    engine.close();
    engine.closed().await;
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    let with_bytes = copies.iter().filter(|copy| holds(copy, "secret 1 of ann")).count();
    assert!(with_bytes > 1 && with_bytes < copies.len(), "{with_bytes} of {}", copies.len());
    for copy in copies {
        // Whoever opens it next dies too, before anything is compacted.
        let (engine, _) = open(&copy, Retention::Forever);
        let again = copied(&copy);
        engine.close();
        engine.closed().await;
        for left in [copy, again] {
            let (engine, _) = open(&left, Retention::Forever);
            assert!(facts(&engine.journal()).iter().all(|fact| fact.owner.0 == "bob"));
            let repeated = engine.forget(&ann()).await;
            assert!(matches!(repeated, Err(ForgetFault::Unknown(_))), "{repeated:?}");
            while engine.is_forgetting(&ann()) {
                tokio::task::yield_now().await;
            }
            assert_eq!(facts(&engine.journal()).len(), 2);
            engine.close();
            engine.closed().await;
            assert!(!holds(&left, "secret 1 of ann") && holds(&left, "secret 2 of bob"));
        }
    }
}
