//! What a large view costs: printed, not judged. `cargo test -p store --release -- --ignored --nocapture measure`
use super::damage::files;
use crate::{
    Bodies, MemoryView, ReadFault, SledView, Store, StoreFollower, View,
    fixtures::{id, said, session, spent, touched, user},
    referee::RedbView,
};
use engine::{
    Encoded, Fact, FactId,
    follow::{Entry, FactEntry, Follower},
    log::Lsn,
};
use std::{env, fs, path::Path, process::Command, sync::Arc, time::Instant};

const STAGE: &str = "STORE_TEST_MEASURED";
const SESSIONS: u64 = 1_000;
const FACTS_PER_TURN: u64 = 6;

/// A journal that is computed, so that it takes no memory.
struct Computed {
    turns: u64,
}

impl Computed {
    fn entry(lsn: u64) -> FactEntry {
        fn of<F: Fact>(lsn: u64, id: FactId, fact: &F) -> FactEntry {
            let (owner, key, blobs) = (fact.owner(), fact.key(), fact.blobs());
            FactEntry { lsn: Lsn(lsn), id, owner, key, blobs, fact: Encoded::durable(fact) }
        }
        let (turn, n) = ((lsn - 1) / FACTS_PER_TURN, (lsn - 1) % FACTS_PER_TURN);
        let session = format!("0199a3c1-7b6e-7d3c-9f0a-{:012}", turn % SESSIONS);
        // Random as instance ids are.
        let instance = u128::from(turn).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let id = id(instance, n, 0);
        match n {
            0 => of(lsn, id, &touched(&session, "ann", "What is the weather like in the mountains today?")),
            5 => of(lsn, id, &spent(&session, 1, turn)),
            _ => of(lsn, id, &said(&session, "so it was said")),
        }
    }
}

impl Bodies for Computed {
    fn fact(&self, lsn: Lsn, _: FactId) -> Result<Encoded, ReadFault> {
        Ok(Computed::entry(lsn.0).fact)
    }
    fn durable(&self) -> Lsn {
        Lsn(self.turns * FACTS_PER_TURN)
    }
}

fn memory(of: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(of)).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

fn view_of(engine: &str, dir: &Path) -> Box<dyn View> {
    match engine {
        "sled" => Box::new(SledView::open(&dir.join("sled")).expect("it opens")),
        "redb" => Box::new(RedbView::open(&dir.join("redb"))),
        _ => Box::new(MemoryView::new()),
    }
}

fn fill(follower: &mut StoreFollower, turns: u64) {
    for lsn in follower.applied().0 + 1..=turns * FACTS_PER_TURN {
        follower.apply(Lsn(lsn), &[Entry::Fact(Computed::entry(lsn))]).expect("healthy");
    }
}

#[test]
#[ignore = "a stage of `measure`"]
fn stage() {
    let Ok(stage) = env::var(STAGE) else { return };
    let parts: Vec<&str> = stage.split(' ').collect();
    let [engine, turns, dir] = parts[..] else { panic!("a stage has three parts") };
    let (turns, dir) = (turns.parse().expect("a number"), Path::new(dir));
    let (before, begun) = (memory("VmRSS:"), Instant::now());
    let bodies = Arc::new(Computed { turns });
    let view = view_of(engine, dir);
    let found = begun.elapsed();
    let (store, mut follower) = Store::open(view, bodies).expect("it opens");
    let (opened, from) = (begun.elapsed(), follower.applied().0);
    let begun = Instant::now();
    fill(&mut follower, turns);
    let filled = begun.elapsed();
    let begun = Instant::now();
    let listed = store.sessions(&user("ann")).expect("readable").len();
    let list = begun.elapsed();
    let begun = Instant::now();
    let one = store.session(&session("0199a3c1-7b6e-7d3c-9f0a-000000000007")).expect("readable");
    let row = begun.elapsed();
    let rss = memory("VmRSS:") - before;
    let begun = Instant::now();
    drop(follower);
    let closed = begun.elapsed();
    let size: u64 = files(dir).iter().map(|file| fs::metadata(file).expect("there").len()).sum();
    println!(
        "\n{engine:>6}, {turns:>6} turns from record {from}: open {opened:?} (the engine {found:?}), fill {filled:?}, list of {listed} {list:?}, \
         one session ({} turns) {row:?}, close {closed:?}, RSS +{rss} MiB (peak {} in all), {} KiB on disk",
        one.map_or(0, |row| row.turns),
        memory("VmHWM:"),
        size / 1024
    );
}

#[test]
#[ignore = "prints what a large view costs"]
fn measure() {
    for turns in [4_000, 20_000] {
        for engine in ["memory", "sled", "redb"] {
            let dir = tempfile::tempdir().expect("a directory");
            for _ in 0..3 {
                let stage = format!("{engine} {turns} {}", dir.path().display());
                let told = Command::new(env::current_exe().expect("this test"))
                    .args(["--exact", "--ignored", "tests::measure::stage", "--nocapture"])
                    .env(STAGE, stage)
                    .output()
                    .expect("it runs");
                let told = String::from_utf8_lossy(&told.stdout).into_owned();
                told.lines().filter(|line| line.contains("turns from")).for_each(|line| println!("{line}"));
            }
        }
    }
}
