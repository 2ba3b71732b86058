//! An alarm that rings at each full hour of the wall clock, for years, and kettles that boil for as many seconds as a line
//! on the standard input says (`boil 3`). `cargo run -p engine --example clocks -- DIR` keeps its journal in `DIR`: kill it,
//! suspend it, set the clock, start it again. What is late rings once, nothing rings twice, and no kettle boils longer.
use engine::{
    Amount, InstanceId, Time,
    log::{FileLog, Mode},
    prelude::*,
};
use std::{env, error::Error, future::ready, path::Path, time::Duration};
use tokio::sync::mpsc;

const HOUR: u64 = 3_600_000;

#[state]
struct Armed {
    due: Time,
}
#[state]
struct Ringing;
#[state]
struct Silent;
#[event]
struct Silence;

graph! {
    /// Rings at each full hour.
    graph Alarm v1 {
        start Armed;
        Armed after self.due -> Ringing;   // a time of the wall clock, which the state says
        Armed on Silence     -> Silent;
        Ringing              -> Armed;
        lap Armed;                         // each hour has a budget of its own
        end Silent;
        stop -> Silent;
    }
}
impl On<Elapsed> for Armed {
    async fn on(self, _: Elapsed, _: &mut Cx<Alarm>) -> Next<Self, Elapsed> {
        go(Ringing)
    }
}
impl On<Silence> for Armed {
    async fn on(self, _: Silence, _: &mut Cx<Alarm>) -> Next<Self, Silence> {
        go(Silent)
    }
}
impl Step for Ringing {
    async fn step(self, cx: &mut Cx<Alarm>) -> Next<Self> {
        let hour = cx.at().0 / HOUR;
        say(cx, format!("rang {hour}")).await?;
        // Reckoned from a time that never goes back: the next hour is always a later one.
        go(Armed { due: Time((hour + 1) * HOUR) })
    }
}
impl From<Stop> for Silent {
    fn from(_: Stop) -> Silent {
        Silent
    }
}

#[state]
struct Boiling {
    seconds: u64,
}
#[state]
struct Boiled;

graph! {
    /// Boils for some seconds.
    graph Kettle v1 {
        start Boiling;
        Boiling after self.lasts() -> Boiled;   // a span, which the state says
        end Boiled;
        stop -> Boiled;
    }
}
impl Boiling {
    fn lasts(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
impl On<Elapsed> for Boiling {
    async fn on(self, _: Elapsed, cx: &mut Cx<Kettle>) -> Next<Self, Elapsed> {
        say(cx, format!("boiled {}", self.seconds)).await?;
        go(Boiled)
    }
}
impl From<Stop> for Boiled {
    fn from(_: Stop) -> Boiled {
        Boiled
    }
}

/// Says a line, as an effect: once, unless the process dies while it speaks.
async fn say<G: Graph>(cx: &Cx<G>, line: String) -> Result<(), Fault> {
    let speak = |_| {
        println!("{line}");
        ready(Ok(Settled::new(())))
    };
    cx.effect("say", Hold::NOTHING, speak).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("say where its journal is to be: clocks DIR")?;
    let (log, _) = FileLog::open(Path::new(&dir), Mode::Owner)?;
    let engine = Engine::builder().graph::<Alarm>(()).graph::<Kettle>(()).open(log)?;
    // Under an id of its own: started anew, it is the alarm that is there.
    let next = (engine::Clock::now(&engine::SystemClock).0 / HOUR + 1) * HOUR;
    let armed = engine.start_as(InstanceId(1), Armed { due: Time(next) }, Budget::new(9, Amount::NONE));
    armed.await.map_err(|fault| fault.to_string())?;
    println!("ready");
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let Some(seconds) = line.strip_prefix("boil ").and_then(|seconds| seconds.parse().ok()) else {
            println!("not understood: {line}");
            continue;
        };
        let kettle = engine.start(Boiling { seconds }, Budget::new(9, Amount::NONE));
        kettle.await.map_err(|fault| fault.to_string())?;
        println!("boiling {seconds}");
    }
    engine.close();
    Ok(())
}

/// The lines of the standard input, until it ends.
fn lines() -> mpsc::Receiver<String> {
    const LINES_MAX: usize = 16; // a person does not type ahead further
    let (said, heard) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        for line in lines {
            if said.blocking_send(line).is_err() {
                return;
            }
        }
    });
    heard
}
