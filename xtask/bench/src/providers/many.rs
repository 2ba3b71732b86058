//! Many answers at once on two threads: all arrive, and memory stays where it was.
use super::{bodies, question, remote, server};
use crate::{
    Scale,
    measure::{Pairs, nanos},
    memory::resident,
    table::{Row, Unit},
};
use domain::{Fragment, Model};
use futures::{StreamExt, future::join_all};
use providers::Api;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// So many answers come at once.
const STREAMS: usize = 200;

/// The threads that read them.
const THREADS: usize = 2;

/// A word comes so often in each of them: faster than any model writes.
const REST: Duration = Duration::from_millis(5);

pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let words = if scale.quick { 100 } else { 1_000 };
    let (first, word, last) = bodies::parts(Api::Chat);
    let script = server::Script {
        first: first.to_owned(),
        word: word.to_owned(),
        words,
        rest: REST,
        last: last.to_owned(),
    };
    let address = server::serve(script);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let model = Arc::new(remote(Api::Chat, address));
    let heard = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let streams = (0..STREAMS).map(|_| runtime.spawn(hear(model.clone(), heard.clone()))).collect::<Vec<_>>();
    let at = |part: usize| {
        while heard.load(Ordering::Relaxed) < STREAMS * words * part / 10 && began.elapsed() < GIVEN_UP {
            std::thread::sleep(Duration::from_millis(20));
        }
        resident()
    };
    let (early, late) = (at(2), at(9));
    let whole =
        runtime.block_on(join_all(streams)).into_iter().filter(|done| matches!(done, Ok(true))).count();
    let took = began.elapsed();
    let name = format!("{STREAMS} answers at once on {THREADS} threads");
    let (Some(early), Some(late)) = (early, late) else {
        return vec![Row::not_measured(name, "this system does not say how much memory a process has")];
    };
    let (mut memory, mut time) = (Pairs::default(), Pairs::default());
    memory.push(late, early);
    time.push(nanos(took), nanos(REST * u32::try_from(words).unwrap_or(u32::MAX)));
    vec![
        Row::new(format!("{name}: time"), Unit::Nanoseconds, &time)
            .note(format!("{whole} of {STREAMS} whole; the server's own rests are the yardstick")),
        Row::new(format!("{name}: memory"), Unit::Bytes, &memory)
            .at_most(1.05)
            .note("late against early in the answers; the server's threads included"),
    ]
}

/// No answer is waited for longer.
const GIVEN_UP: Duration = Duration::from_secs(120);

/// Hears an answer out, and says whether it was whole.
async fn hear(model: Arc<impl Model>, heard: Arc<AtomicUsize>) -> bool {
    let mut answer = model.ask(question());
    let mut is_whole = false;
    while let Some(fragment) = answer.next().await {
        match fragment {
            Ok(Fragment::Text(_)) => drop(heard.fetch_add(1, Ordering::Relaxed)),
            Ok(Fragment::Finish(_)) => is_whole = true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    is_whole
}
