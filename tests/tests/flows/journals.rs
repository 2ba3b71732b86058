//! Journals that are damaged, torn or in use. What cannot be understood is refused by name, and never changed.
use crate::killed::Sentence;
use frames::Frame;
use std::fs;
use tests::{Place, turns};

/// A place in which something was said.
fn said() -> Place {
    let place = Place::new();
    let done =
        place.oxydra(&["run", "--session", "s"]).input("My name is Ada.\nlist the files\nsay hello\n").done();
    done.ended(0);
    place
}

#[test]
fn damage_in_the_middle_is_refused_and_nothing_changes() {
    let place = said();
    let file = place.last_segment();
    let whole = fs::read(&file).expect("it can be read");
    for at in [50, whole.len() / 3, whole.len() / 2, whole.len() - 30] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, &bytes).expect("it is written");
        let before = place.journal_bytes();
        let name = file.file_name().and_then(|name| name.to_str()).expect("it has a name").to_owned();
        place
            .run(&["run", "-p", "hello"])
            .refused(1, &["the journal is damaged", &name, "nothing was changed", "backup"]);
        place.run(&["sessions"]).refused(1, &["damaged", &name]);
        place.run(&["instances"]).refused(1, &["damaged", &name]);
        assert_eq!(place.journal_bytes(), before, "byte {at}");
    }
    fs::write(&file, &whole).expect("it is written");
    let after = place.run(&["run", "--session", "s", "-p", "what is my name?"]).ended(0).text();
    assert!(after.contains("Ada"), "{after}");
}

#[test]
fn a_torn_tail_is_cut_and_said_once() {
    let place = said();
    let file = place.last_segment();
    let whole = fs::read(&file).expect("it can be read");
    fs::write(&file, [&whole[..], &whole[whole.len() - 40..whole.len() - 3]].concat())
        .expect("it is written");
    let listed = place.run(&["instances"]).ended(0).text();
    assert_eq!(listed.lines().count(), 3, "who only reads sees what is whole: {listed}");
    let first = place.run(&["run", "--session", "s", "-p", "what is my name?"]).ended(0);
    assert!(first.text().contains("Ada"));
    let notice = format!(
        "oxydra: the last write did not come to its end (a crash, a kill or a full disk): 37 bytes of {}",
        ".oxydra/journal/"
    );
    assert!(first.err.starts_with(&notice), "{}", first.err);
    let second = place.run(&["run", "--session", "s", "-p", "say hi"]).ended(0);
    assert_eq!(second.err, "", "it is said once");
}

#[test]
fn a_write_that_was_torn_in_a_turn_is_made_again() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "-p", "list the files then write n.txt: done"]).start();
    running.until(|frame| matches!(frame, Frame::TurnProgress(it) if it.progress.call.is_some()));
    running.kill();
    let file = place.last_segment();
    let whole = fs::read(&file).expect("it can be read");
    // Behind what was written there may be room for more, which is zeros.
    let end = whole.iter().rposition(|byte| *byte != 0).expect("something was written");
    fs::write(&file, &whole[..end - 3]).expect("it is written");
    let done = place.run(&["run", "--json"]).ended(0);
    assert!(done.err.contains("did not come to its end"), "{}", done.err);
    let seen = turns(&done.frames());
    assert_eq!(
        (seen.len(), seen[0].called()),
        (1, vec!["file_list done".to_owned(), "file_write done".to_owned()])
    );
    assert_eq!(place.read("n.txt").as_deref(), Some("done\n"));
}

#[test]
fn a_segment_that_is_missing_or_is_none_is_refused() {
    let place = said();
    let first = place.last_segment();
    let whole = fs::read(&first).expect("it can be read");
    fs::write(place.journal().join("00000000000000000999.seg"), &whole).expect("it is written");
    let before = place.journal_bytes();
    place.run(&["run", "-p", "hello"]).refused(1, &["damaged", "the next segment begins with 999"]);
    assert_eq!(place.journal_bytes(), before);
    fs::remove_file(place.journal().join("00000000000000000999.seg")).expect("it is there");

    fs::write(
        &first,
        "These are the notes of somebody who took a wrong turn on the way to their own directory.",
    )
    .expect("it is written");
    let before = place.journal_bytes();
    place.run(&["run", "-p", "hello"]).refused(1, &["00000000000000000001.seg", "nothing was changed"]);
    assert_eq!(place.journal_bytes(), before);
}

#[test]
fn a_second_process_is_refused_and_readers_are_not() {
    let place = Place::new();
    let mut first = place.oxydra(&["run", "--json", "--session", "s"]).start();
    first.ask("say one");
    let owner = format!("process {}", first.pid());
    place.run(&["run", "-p", "say two"]).refused(1, &["in use by", &owner, "another home"]);
    assert!(place.run(&["sessions"]).ended(0).text().starts_with("s  "));
    assert_eq!(place.run(&["instances"]).ended(0).text().lines().count(), 1);
    // Readers see a turn under way, and hold nobody up.
    first.say(Sentence::SLOW);
    first.until(|frame| matches!(frame, Frame::AssistantDelta(_)));
    let listed = place.run(&["instances"]).ended(0).text();
    assert!(listed.contains("running   Turn v3  Asking"), "{listed}");
    first.interrupt();
    first.until(|frame| matches!(frame, Frame::TurnCancelled(_)));
    assert_eq!(first.ask("say three").answer(), "three");
    first.kill();
    place.run(&["run", "-p", "say four"]).ended(0);
}
