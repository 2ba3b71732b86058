//! The process is killed in the middle of a turn, after each frame that it says, and started again: the turn is finished
//! as if nothing had happened.
use frames::{CallStatus, Frame};
use serde_json::Value;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tests::{Place, Seen, turns};

/// What is asked for.
pub(crate) struct Sentence;

impl Sentence {
    /// It answers for ten seconds, if nobody stops it.
    pub(crate) const SLOW: &str = "rehearse a slow answer of 200 words";
    /// Three calls, one of which would be seen if it were done twice.
    const CALLS: &str =
        "list the files, then write n.txt with the names of all files; append the line end to n.txt";
}

/// So many homes are worked on at once: the processes wait much more than they compute.
const AT_ONCE: usize = 6;

#[test]
fn killed_after_any_frame_it_finishes_the_turn() {
    let next = AtomicUsize::new(0);
    let reached = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let after = next.fetch_add(1, Ordering::SeqCst);
                    let Some(killed) = killed_after(after) else { return };
                    reached.lock().expect("no test panicked").push(killed);
                }
            });
        }
    });
    let reached = reached.into_inner().expect("no test panicked");
    assert!(reached.len() > 20, "a turn of three calls says more: {}", reached.len());
    assert!(reached.iter().any(|resumed| *resumed), "some turn was finished by another process");
}

/// Kills a turn after this many frames and has it finished; `None` when it does not say so many. Returns whether there was
/// anything left to finish.
fn killed_after(frames: usize) -> Option<bool> {
    let place = Place::new();
    place.write("a.txt", "a");
    place.write("b.txt", "b");
    let mut running = place.oxydra(&["run", "--json", "-p", Sentence::CALLS]).start();
    let mut turn = None;
    for _ in 0..=frames {
        let frame = running.frame()?;
        if let Frame::TurnStarted(started) = frame {
            turn = Some(started.turn.turn_id);
        }
    }
    running.kill();
    let resumed = finished(&place, &turn.expect("the first frame begins the turn"));
    assert_eq!(place.read("n.txt").as_deref(), Some("a.txt\nb.txt\nend\n"), "killed after frame {frames}");
    settled(&place, &["file_list", "file_write", "file_write"]);
    let said = place.run(&["run", "-p", "what did I say first?"]).ended(0).text();
    assert!(said.contains(Sentence::CALLS), "{said}");
    Some(resumed)
}

/// Starts the process again, with nothing to ask. What it shows, if there is anything left, is the same turn.
fn finished(place: &Place, turn: &str) -> bool {
    let seen = turns(&place.run(&["run", "--json"]).ended(0).frames());
    for resumed in &seen {
        assert_eq!(resumed.turn, turn, "no other turn");
        assert_eq!(resumed.called(), ["file_list done", "file_write done", "file_write done"]);
        assert!(resumed.answer().ends_with("I added “end” to n.txt."), "{}", resumed.answer());
    }
    assert!(seen.len() <= 1, "{seen:#?}");
    assert!(turns(&place.run(&["run", "--json"]).ended(0).frames()).is_empty(), "it is finished once");
    !seen.is_empty()
}

/// The journal holds one run: one message of the person, one result for each call, one answer.
fn settled(place: &Place, tools: &[&str]) {
    let list = json(place, &["instances", "--json"]);
    let [run] = &list.as_array().expect("it is a list")[..] else { panic!("one run: {list}") };
    assert_eq!((&run["life"], &run["state"]), (&"ended".into(), &"Answered".into()));
    let past = json(place, &["instances", "show", run["instance"].as_str().expect("it has an id"), "--json"]);
    let lines = past["past"].as_array().expect("it has a past").iter();
    let facts = lines.flat_map(|line| line["facts"].as_array().expect("they are listed"));
    let said =
        facts.filter(|fact| fact["fact"] == "message").map(|fact| fact["text"].as_str().expect("it is text"));
    let said: Vec<_> = said.collect();
    let users = said.iter().filter(|text| text.starts_with("user says")).count();
    let results: Vec<_> = said.iter().filter_map(|text| text.strip_prefix("file_")).collect();
    assert_eq!((users, results.len()), (1, tools.len()), "{said:#?}");
    for (result, tool) in results.iter().zip(tools) {
        assert!(format!("file_{result}").starts_with(tool), "{said:#?}");
    }
    assert!(said.last().is_some_and(|last| last.starts_with("model says")), "{said:#?}");
}

fn json(place: &Place, args: &[&str]) -> Value {
    serde_json::from_str(&place.run(args).ended(0).text()).expect("it is JSON")
}

#[test]
fn killed_while_a_call_runs_it_is_done_once() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "-p", "append \"once\" to log.txt"]).start();
    running.until(|frame| {
        matches!(frame, Frame::TurnProgress(it) if it.progress.call.as_ref().is_some_and(|call| call.status == CallStatus::Running))
    });
    running.kill();
    let done = place.run(&["run"]).ended(0);
    assert!(
        done.err.starts_with("oxydra: finishing the turn that was interrupted\n") || done.err.is_empty(),
        "{done:?}"
    );
    assert_eq!(place.read("log.txt").as_deref(), Some("once\n"));
    settled(&place, &["file_write"]);
}

#[test]
fn killed_while_the_model_speaks_the_answer_is_whole() {
    let place = Place::new();
    let prompt = "rehearse a slow answer of 12 words";
    let mut running = place.oxydra(&["run", "--json", "-p", prompt]).start();
    let mut words = 0;
    running.until(|frame| {
        words += usize::from(matches!(frame, Frame::AssistantDelta(_)));
        words == 5
    });
    running.kill();
    // A person sees the answer from its first word on, and a new prompt waits until it is there.
    let done = place.run(&["run", "-p", "what did I ask before?"]).ended(0);
    // Whoever reads the answer that was asked for gets no other.
    let answer = done.err.strip_prefix("oxydra: finishing the turn that was interrupted\n");
    assert_eq!(answer.map(|answer| answer.split_whitespace().count()), Some(12), "{}", done.err);
    assert!(done.out.len() == 1 && done.text().contains(prompt), "{}", done.text());
}

#[test]
fn a_turn_is_killed_again_and_again_and_still_ends() {
    let place = Place::new();
    let is_word = |frame: &Frame| matches!(frame, Frame::AssistantDelta(delta) if !delta.delta.is_empty());
    let mut turn: Option<String> = None;
    for again in 0..3 {
        let prompt: &[&str] = if again == 0 { &["-p", "list the files then say done"] } else { &[] };
        let mut running = place.oxydra(&[&["run", "--json"], prompt].concat()).start();
        let frames = running.until(is_word);
        running.kill();
        let Some(Frame::TurnStarted(started)) = frames.first() else { panic!("{frames:?}") };
        let known = turn.get_or_insert(started.turn.turn_id.clone());
        assert_eq!(*known, started.turn.turn_id);
    }
    let seen = turns(&place.run(&["run", "--json"]).ended(0).frames());
    let [last] = &seen[..] else { panic!("one turn: {seen:#?}") };
    assert_eq!((Some(&last.turn), last.called()), (turn.as_ref(), vec!["file_list done".to_owned()]));
    assert!(last.answer().ends_with("done"), "{}", last.answer());
    assert!(Seen::is_last(
        place.run(&["run", "--json", "-p", "hello"]).ended(0).frames().last().expect("it says something")
    ));
}

#[test]
fn a_turn_in_another_session_is_named_and_ends_before_the_process_does() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "--session", "old", "-p", Sentence::SLOW]).start();
    running.until(|frame| matches!(frame, Frame::AssistantDelta(_)));
    running.kill();
    let done = place.run(&["run", "--new", "-p", "say hi"]).ended(0);
    assert_eq!(done.text(), "hi\n");
    assert!(done.err.contains("goes on in session old: `--session old` shows it"), "{}", done.err);
    assert!(done.err.contains("waiting for the interrupted turn of another session"), "{}", done.err);
    let again = place.run(&["run", "--new", "-p", "say hi"]).ended(0);
    assert!(!again.err.contains("goes on"), "it was waited for: {}", again.err);
}
