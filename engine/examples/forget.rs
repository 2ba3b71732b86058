//! What is kept, and for how long: pasts by the retention of their graph, facts until their owner is forgotten. A compaction
//! takes both off the disk. `cargo run -p engine --example forget`
use engine::{
    Fact, InstanceId, Owner, Retention,
    durable::fact,
    journal::Happened,
    log::{FileLog, LogFault, Mode, Options},
    prelude::*,
};
use std::{error::Error, fs, future::ready, io::ErrorKind, path::Path};

/// Whose it is decides when it goes.
#[fact("entry")]
struct Entry {
    whose: String,
    text: String,
}
impl Fact for Entry {
    fn owner(&self) -> Owner {
        Owner(format!("diary:{}", self.whose))
    }
}

#[state]
struct Writing {
    whose: String,
    text: String,
}
#[state]
struct Written;

graph! {
    /// Write an entry into somebody's diary.
    graph Diary v1 {
        start Writing;
        Writing -> Written;
        end Written;
        stop -> Written;
    }
}
impl Step for Writing {
    async fn step(self, cx: &mut Cx<Diary>) -> Next<Self> {
        cx.effect("sharpen the pencil", Hold::NOTHING, |_| ready(Ok(Settled::new(())))).await?;
        cx.record(&Entry { whose: self.whose, text: self.text });
        go(Written)
    }
}
impl From<Stop> for Written {
    fn from(_: Stop) -> Written {
        Written
    }
}

/// Small segments, so that a short story seals some: only what is sealed is compacted.
const OPTIONS: Options = Options { segment_bytes: 1_000, room_bytes: 0, snapshot_bytes: 1 << 20 };

/// Whether anybody who reads the files finds these words.
fn holds(home: &Path, words: &str) -> Result<bool, Box<dyn Error>> {
    for file in fs::read_dir(home)? {
        match fs::read(file?.path()) {
            Ok(read) if read.windows(words.len()).any(|bytes| bytes == words.as_bytes()) => return Ok(true),
            Ok(_) => {}
            // The engine at work has renamed or removed it since the directory was read.
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(false)
}

/// Says what is left of a run.
fn shown(engine: &Engine, run: InstanceId) -> Result<String, Box<dyn Error>> {
    let (_, past) = engine.journal().past(run)?.ok_or("it is there")?;
    let words = past.into_iter().map(|line| match line.what {
        Happened::Started { state } => format!("started in {state}"),
        Happened::Moved { to, .. } => format!("moved to {to}"),
        Happened::Began { effect, .. } => format!("{effect}: began"),
        Happened::Done { effect, .. } => format!("{effect}: done"),
        Happened::Trimmed => "the rest is not kept any more".to_owned(),
        other => format!("{other:?}"),
    });
    Ok(words.collect::<Vec<_>>().join(", "))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let (log, _) = FileLog::open_with::<LogFault>(home.path(), Mode::Owner, OPTIONS, &mut |_| Ok(()))?;
    // Of the runs that have ended, the past of the last two is kept; facts are kept whatever becomes of pasts.
    let builder = Engine::builder().graph::<Diary>(()).retain::<Diary>(Retention::Last(2));
    let engine = builder.open(log)?;
    for (id, whose) in (1..).zip(["ann", "ann", "bob", "bob", "bob", "bob", "bob", "bob"]) {
        let writing = Writing { whose: whose.into(), text: format!("secret {id} of {whose}") };
        let run = engine.start_as(InstanceId(id), writing, Budget::new(9, Amount::NONE)).await?;
        run.end().await?;
    }
    engine.compact().await?;
    println!("the first run: {}", shown(&engine, InstanceId(1))?);
    println!("the last run: {}", shown(&engine, InstanceId(8))?);
    println!("what Ann wrote is on the disk: {}", holds(home.path(), "secret 1 of ann")?);

    let forgotten = engine.forget(&Owner("diary:ann".into())).await?;
    println!("forgotten: {} facts, the past of {} runs", forgotten.facts, forgotten.runs);
    engine.compact().await?;
    println!("what Ann wrote is on the disk: {}", holds(home.path(), "of ann")?);
    println!("what Bob wrote is on the disk: {}", holds(home.path(), "secret 3 of bob")?);
    let again = engine.forget(&Owner("diary:ann".into())).await.err().ok_or("nothing is left of it")?;
    println!("once more: {again}");
    engine.close();
    Ok(())
}
