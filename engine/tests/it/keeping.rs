//! What is kept of a journal, and what goes: pasts by the retention of their graph, facts by their owner. Whoever asks for what
//! is gone is told so, and the bytes are off the disk.
use engine::{
    Amount, Builder, EndFault, Fact, FactId, InstanceId, Owner, Recovered, Retention, Run,
    durable::fact,
    follow::{Broken, Entry, FactType, Follower},
    forget::ForgetFault,
    fork::ForkFault,
    journal::Happened,
    log::{FileLog, Lsn, Mode, Options},
    parcel::ParcelFault,
    prelude::*,
    replay::ReplayFault,
};
use std::{
    fs,
    future::ready,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
};
use tempfile::TempDir;

#[fact("noted")]
pub(crate) struct Noted {
    whose: String,
    text: String,
}
impl Fact for Noted {
    fn owner(&self) -> Owner {
        Owner(self.whose.clone())
    }
}

#[event]
pub(crate) struct Word {
    pub(crate) text: String,
}
#[state]
pub(crate) struct Talking {
    pub(crate) whose: String,
    pub(crate) text: String,
}
#[state]
pub(crate) struct Listening {
    pub(crate) whose: String,
}
#[state]
pub(crate) struct Said {
    text: String,
}
graph! {
    /// Notes what it is told, twice.
    pub(crate) graph Talk v1 {
        start Talking;
        Talking           -> Listening;
        Listening on Word -> Said;
        end Said;
        stop -> Said;
    }
}
impl Step for Talking {
    async fn step(self, cx: &mut Cx<Talk>) -> Next<Self> {
        let noted = Noted { whose: self.whose.clone(), text: self.text.clone() };
        cx.effect("note", Hold::NOTHING, |_| ready(Ok(Settled::new(self.text.clone()).fact(&noted)))).await?;
        go(Listening { whose: self.whose })
    }
}
impl On<Word> for Listening {
    async fn on(self, word: Word, cx: &mut Cx<Talk>) -> Next<Self, Word> {
        cx.record(&Noted { whose: self.whose, text: word.text.clone() });
        go(Said { text: word.text })
    }
}
impl From<Stop> for Said {
    fn from(stop: Stop) -> Said {
        Said { text: stop.why.to_string() }
    }
}

/// Hears what followers are told.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Ear {
    /// All that was told, once somebody was told `last`.
    fn until(&self, last: &str) -> Vec<String> {
        let told = self.0.0.lock().unwrap();
        let told = self.0.1.wait_while(told, |told| told.last().is_none_or(|it| it != last)).unwrap();
        told.clone()
    }
}

impl Follower for Ear {
    fn knows(&self) -> Vec<FactType> {
        vec![FactType::of::<Noted>()]
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, _: Lsn, entries: &[Entry]) -> Result<(), Broken> {
        for entry in entries {
            let line = match entry {
                Entry::Fact(fact) => fact.fact.to_durable::<Noted>().unwrap().text,
                Entry::Forgotten { owner, .. } => format!("forgotten: {}", owner.0),
                Entry::Started { .. } | Entry::Ended { .. } => continue,
            };
            self.0.0.lock().unwrap().push(line);
        }
        self.0.1.notify_all();
        Ok(())
    }
}

/// Some runs to a segment.
pub(crate) const OPTIONS: Options = Options { segment_bytes: 2000, room_bytes: 0, snapshot_bytes: u64::MAX };

fn open_with(home: &Path, builder: Builder) -> Engine {
    let mut recovered = Recovered::default();
    let (log, opened) = FileLog::open_folding(home, Mode::Owner, OPTIONS, &mut recovered).unwrap();
    assert_eq!(opened.unused, []);
    builder.open_recovered(log, recovered).unwrap()
}

pub(crate) fn builder(retention: Retention) -> Builder {
    Engine::builder().graph::<Talk>(()).retain::<Talk>(retention)
}

pub(crate) fn open(home: &TempDir, retention: Retention) -> (Engine, Ear) {
    let ear = Ear::default();
    (open_with(home.path(), builder(retention).follower(ear.clone())), ear)
}

pub(crate) fn plenty() -> Budget {
    Budget::new(20, Amount::NONE)
}

pub(crate) async fn start(engine: &Engine, id: u128, whose: &str) -> Run<Talk> {
    let text = format!("secret {id} of {whose}");
    engine.start_as(InstanceId(id), Talking { whose: whose.into(), text }, plenty()).await.unwrap()
}

pub(crate) async fn talk(engine: &Engine, id: u128, whose: &str) {
    let run = start(engine, id, whose).await;
    run.send_as("word", Word { text: format!("word {id} of {whose}") }).await.unwrap();
    run.end().await.unwrap();
}

/// Closes the engine, throws its snapshots away, and waits until it is gone.
pub(crate) async fn close(engine: Engine, home: &TempDir) {
    engine.close();
    engine.closed().await;
    drop(engine);
    for entry in fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "snapshot") {
            fs::remove_file(path).unwrap();
        }
    }
}

pub(crate) fn holds(home: &TempDir, text: &str) -> bool {
    // A file that is gone holds nothing: it was compacted meanwhile.
    let holds = |path: &Path| {
        fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|it| it == text.as_bytes()))
    };
    fs::read_dir(home.path()).unwrap().any(|entry| holds(&entry.unwrap().path()))
}

pub(crate) fn happened(engine: &Engine, id: u128) -> Vec<Happened> {
    engine.journal().past(InstanceId(id)).unwrap().unwrap().1.into_iter().map(|line| line.what).collect()
}

async fn replay(engine: &Engine, id: u128) -> Result<u64, ReplayFault> {
    let replayed = builder(Retention::Forever).replay(&engine.journal(), InstanceId(id)).await?;
    assert_eq!(replayed.difference, None);
    Ok(replayed.moves)
}

#[tokio::test]
async fn a_past_goes_when_its_retention_is_over_and_what_is_left_says_so() {
    let home = tempfile::tempdir().unwrap();
    let (engine, _) = open(&home, Retention::Last(1));
    for id in 1..=6 {
        talk(&engine, id, "ann").await;
    }
    let living = start(&engine, 7, "bob").await;
    engine.compact().await.unwrap();
    close(engine, &home).await;
    let (engine, ear) = open(&home, Retention::Last(1));
    // The run that lives goes on.
    assert_eq!(living.id(), InstanceId(7));
    engine.run::<Talk>(InstanceId(7)).unwrap().send(Word { text: "the last".into() }).await.unwrap();
    // All facts are told, in their order.
    let words: Vec<_> =
        (1..=6).flat_map(|id| [format!("secret {id} of ann"), format!("word {id} of ann")]).collect();
    let told = ear.until("the last");
    assert_eq!(told[..12], words);

    // What is over is known, by its id and by its events, and only that.
    let run = start(&engine, 1, "eve").await;
    assert_eq!(run.end().await.unwrap().text(), "word 1 of ann");
    run.send_as("word", Word { text: "once more".into() }).await.unwrap();
    assert!(matches!(
        happened(&engine, 1)[..],
        [Happened::Started { .. }, .., Happened::Moved { seq: 2, .. }]
    ));
    assert!(happened(&engine, 1).contains(&Happened::Trimmed));
    assert!(matches!(replay(&engine, 1).await, Err(ReplayFault::Trimmed { moves: 2, kept: 0, .. })));
    assert!(matches!(engine.journal().export(InstanceId(1)), Err(ParcelFault::Trimmed(InstanceId(1)))));
    assert!(matches!(engine.journal().point(InstanceId(1), 1), Err(ForkFault::Trimmed { .. })));
    // Its beginning is kept, so it can be begun again.
    let at = engine.journal().point(InstanceId(1), 0).unwrap();
    engine.fork::<Talk>(&at, plenty(), Ok).unwrap().await.unwrap();
    // The last that ended is whole.
    assert_eq!(replay(&engine, 6).await.unwrap(), 2);
    engine.close();
}

impl TalkEnd {
    fn text(self) -> String {
        let TalkEnd::Said(said) = self;
        said.text
    }
}

#[tokio::test]
async fn a_past_that_a_fork_shares_stays_for_as_long_as_the_past_of_the_fork() {
    let home = tempfile::tempdir().unwrap();
    let (engine, _) = open(&home, Retention::Last(0));
    talk(&engine, 1, "ann").await;
    let at = engine.journal().point(InstanceId(1), 1).unwrap();
    let fork = engine.fork::<Talk>(&at, plenty(), Ok).unwrap().await.unwrap();
    for id in 2..=6 {
        talk(&engine, id, "bob").await;
    }
    engine.compact().await.unwrap();
    assert_eq!(replay(&engine, 1).await.unwrap(), 2, "a fork that lives shares it");
    assert!(matches!(replay(&engine, 2).await, Err(ReplayFault::Trimmed { .. })));
    fork.send(Word { text: "the end of the fork".into() }).await.unwrap();
    fork.end().await.unwrap();
    for id in 7..=12 {
        talk(&engine, id, "bob").await;
    }
    engine.compact().await.unwrap();
    assert!(matches!(replay(&engine, 1).await, Err(ReplayFault::Trimmed { .. })));
    engine.close();
}

#[tokio::test]
async fn who_is_forgotten_is_told_to_nobody_and_is_off_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let (engine, ear) = open(&home, Retention::Forever);
    talk(&engine, 1, "ann").await;
    let living = start(&engine, 2, "ann").await;
    talk(&engine, 3, "bob").await;
    let ann = Owner("ann".into());
    // Its run has recorded what it was told with the first effect.
    ear.until("word 3 of bob");
    let refused = engine.forget(&ann).await.unwrap_err();
    assert!(matches!(&refused, ForgetFault::Living { runs, .. } if runs[..] == [InstanceId(2)]), "{refused}");
    assert!(refused.to_string().ends_with(&format!("cancel {} first", InstanceId(2))), "{refused}");
    living.cancel().await.unwrap();
    living.end().await.unwrap();
    assert!(matches!(engine.forget(&Owner("nobody".into())).await, Err(ForgetFault::Unknown(_))));
    let forgotten = engine.forget(&ann).await.unwrap();
    assert_eq!((forgotten.facts, forgotten.runs), (3, 2));
    assert!(matches!(engine.forget(&ann).await, Err(ForgetFault::Unknown(_))), "nothing is left of it");
    ear.until("forgotten: ann");

    // At once nobody can look back, ...
    assert!(matches!(replay(&engine, 1).await, Err(ReplayFault::Forgotten(_))));
    assert!(matches!(engine.journal().export(InstanceId(1)), Err(ParcelFault::Forgotten(_))));
    for seq in [0, 1] {
        let at = engine.journal().point(InstanceId(1), seq);
        let forked = at.and_then(|at| engine.fork::<Talk>(&at, plenty(), Ok).map(drop));
        assert!(matches!(forked, Err(ForkFault::Forgotten(InstanceId(1)))), "{forked:?}");
    }
    let mut facts = Vec::new();
    engine.journal().facts(&mut |fact| facts.push(fact.owner.0)).unwrap();
    assert_eq!(facts, ["bob", "bob"]);
    assert_eq!(happened(&engine, 1).pop(), Some(Happened::Forgotten));
    // ... who follows from the beginning hears nothing of it, compacted or not, ...
    for _ in 0..2 {
        close(engine.clone(), &home).await;
        let (engine, ear) = open(&home, Retention::Forever);
        assert_eq!(ear.until("forgotten: ann"), ["secret 3 of bob", "word 3 of bob", "forgotten: ann"]);
        engine.compact().await.unwrap();
        close(engine, &home).await;
    }
    // ... and its bytes are gone.
    for text in ["secret 1 of ann", "word 1 of ann", "secret 2 of ann"] {
        assert!(!holds(&home, text), "{text}");
    }
    assert!(holds(&home, "secret 3 of bob") && holds(&home, "word 3 of bob"));
    let (engine, _) = open(&home, Retention::Forever);
    let run = engine.run::<Talk>(InstanceId(1)).unwrap();
    let Err(EndFault::Refused(why)) = run.end().await else { panic!("it says nothing any more") };
    assert_eq!(why.0, "what it held was forgotten with the owner of its facts");
    assert!(happened(&engine, 1).contains(&Happened::Forgotten));
    assert!(matches!(replay(&engine, 1).await, Err(ReplayFault::Forgotten(_))));
    assert_eq!(replay(&engine, 3).await.unwrap(), 2);
    // Its name can be used anew.
    talk(&engine, 4, "ann").await;
    let fact = FactId { instance: InstanceId(4), seq: 1, n: 0 };
    assert!(engine.journal().past(fact.instance).unwrap().is_some());
    engine.close();
}

/// What the disk holds now, elsewhere: as if whoever writes died here.
pub(crate) fn copied(home: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(home.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn whoever_dies_before_the_bytes_are_gone_has_them_gone_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let (engine, _) = open(&home, Retention::Forever);
    talk(&engine, 1, "ann").await;
    let ann = Owner("ann".into());
    engine.forget(&ann).await.unwrap();
    // Nothing else has had a turn on this thread since it was durable.
    let copy = copied(&home);
    engine.close();
    assert!(holds(&copy, "secret 1 of ann"));
    let (engine, _) = open(&copy, Retention::Forever);
    while engine.is_forgetting(&ann) {
        tokio::task::yield_now().await;
    }
    engine.close();
    engine.closed().await;
}

#[tokio::test]
async fn no_snapshot_keeps_what_was_said_in_an_imported_run() {
    let (elsewhere, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, _) = open(&elsewhere, Retention::Forever);
    let run = start(&there, 1, "ann").await;
    while happened(&there, 1).len() < 4 {
        tokio::task::yield_now().await;
    }
    there.park(run.id(), "it waits").await.unwrap();
    run.send(Word { text: "hidden".into() }).await.unwrap();
    let parcel = there.journal().export(run.id()).unwrap();
    there.close();
    let (engine, _) = open(&home, Retention::Forever);
    engine.import(&parcel).await.unwrap();
    engine.compact().await.unwrap();
    let kept = || {
        let files = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
        let of = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "snapshot");
        let bytes: Vec<_> = files.filter(of).map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(bytes.len(), 1);
        bytes[0].windows(6).any(|it| it == b"hidden")
    };
    assert!(kept(), "its mail is where it stands");
    let forgotten = engine.forget(&Owner("ann".into())).await.unwrap();
    assert_eq!((forgotten.facts, forgotten.runs), (1, 1));
    engine.compact().await.unwrap();
    assert!(!kept() && !holds(&home, "hidden"));
    engine.close();
    engine.closed().await;
}

#[tokio::test]
async fn compacting_beside_runs_that_move_disturbs_nobody() {
    let home = tempfile::tempdir().unwrap();
    let (engine, ear) = open(&home, Retention::Last(3));
    for id in 1..=30 {
        tokio::join!(talk(&engine, id, "ann"), async {
            if id % 5 == 0 {
                engine.compact().await.unwrap();
            }
        });
    }
    let words: Vec<_> =
        (1..=30).flat_map(|id| [format!("secret {id} of ann"), format!("word {id} of ann")]).collect();
    assert_eq!(ear.until("word 30 of ann"), words);
    close(engine, &home).await;
    let (engine, ear) = open(&home, Retention::Last(3));
    assert_eq!(ear.until("word 30 of ann"), words);
    assert_eq!(engine.journal().runs().unwrap().len(), 30);
    assert!(engine.living::<Talk>().is_empty());
    engine.close();
}

#[tokio::test]
async fn it_is_compacted_by_itself_when_enough_is_sealed() {
    let home = tempfile::tempdir().unwrap();
    // Whoever opens a journal of which much is sealed compacts it too.
    let (engine, _) = open(&home, Retention::Forever);
    for id in 1..=20 {
        talk(&engine, id, "ann").await;
    }
    close(engine, &home).await;
    let left = |extension: &str| {
        let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|it| it == extension)).count()
    };
    assert!(left("seg") > 5 && left("past") == 0);
    let ear = Ear::default();
    let builder = builder(Retention::Last(2)).follower(ear.clone()).compact_after(4000);
    let engine = open_with(home.path(), builder);
    while left("past") == 0 || left("seg") > 1 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(replay(&engine, 1).await, Err(ReplayFault::Trimmed { .. })));
    assert_eq!(replay(&engine, 20).await.unwrap(), 2);
    assert_eq!(ear.until("word 20 of ann").len(), 40);
    engine.close();
}
