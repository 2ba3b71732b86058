//! The first minute of a newcomer: files are listed and written, the answer streams, and what happened can be looked at.
use domain::SessionId;
use frames::Frame;
use serde_json::Value;
use std::process::Command;
use tests::{Place, turns};

/// A name that nobody could have prepared for.
fn random_name(suffix: &str) -> String {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    let letters: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    format!("{letters}{suffix}")
}

/// A place with three files of random names.
fn three_files() -> (Place, Vec<String>) {
    let place = Place::new();
    let mut names = [".txt", "-ä b.md", ""].map(random_name).to_vec();
    names.sort();
    names.iter().for_each(|name| place.write(name, "content"));
    (place, names)
}

fn named_in(place: &Place, file: &str) -> Vec<String> {
    place.read(file).expect("the file is there").lines().map(str::to_owned).collect()
}

#[test]
fn the_files_are_listed_and_written_to_a_file() {
    let (place, names) = three_files();
    let file = random_name(".list");
    let prompt = format!("list the files, then write a file {file} that names them");
    let done = place.run(&["run", "-p", &prompt]).ended(0);
    let answer = done.text();
    names.iter().for_each(|name| assert!(answer.contains(name), "{name} in {answer}"));
    assert!(answer.ends_with(&format!("I wrote 3 names to {file}.\n")), "{answer}");
    assert_eq!(named_in(&place, &file), names);
    let shown = format!("· file_list {{}}\n· file_write {{\"content\":\"{}\\n", names[0]);
    assert!(done.err.starts_with(&shown), "{}", done.err);
    both_calls_are_shown(&place, &file);
}

fn both_calls_are_shown(place: &Place, file: &str) {
    let list = place.run(&["instances"]).ended(0).text();
    let line = list.lines().next().expect("there is one");
    assert!(
        list.lines().count() == 1 && line.contains("ended") && line.contains("Turn v3  Answered"),
        "{list}"
    );
    let id = line.split_whitespace().next().expect("it begins with its id");
    let shown = place.run(&["instances", "show", &id[..8]]).ended(0).text();
    let tools: Vec<_> = shown.lines().filter(|line| line.contains("message: file_")).collect();
    assert_eq!(tools.len(), 2, "{shown}");
    assert!(
        tools[0].contains("file_list {} Done") && tools[1].contains("file_write") && tools[1].contains(file)
    );

    let json = place.run(&["instances", "show", id, "--json"]).ended(0).text();
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((&json["life"], &json["state"]), (&"ended".into(), &"Answered".into()));
    let past = json["past"].as_array().expect("it has a past");
    let done: Vec<_> = past.iter().filter(|line| line["kind"] == "done").map(|line| &line["name"]).collect();
    assert_eq!(done, ["answer", "call/0", "answer", "call/0", "answer"]);
    let list: Value =
        serde_json::from_str(&place.run(&["instances", "--json"]).ended(0).text()).expect("it is JSON");
    assert_eq!((list.as_array().map(Vec::len), &list[0]["instance"]), (Some(1), &id.into()));
}

#[test]
fn a_program_reads_the_same_as_frames() {
    let (place, names) = three_files();
    let done =
        place.run(&["run", "--json", "-p", "list the files, then write a file out that names them"]).ended(0);
    let frames = done.frames();
    let seen = turns(&frames);
    let [turn] = &seen[..] else { panic!("one turn: {seen:#?}") };
    assert_eq!(
        (turn.called(), turn.rounds, turn.resets),
        (vec!["file_list done".into(), "file_write done".into()], 3, 0)
    );
    names.iter().for_each(|name| assert!(turn.answer().contains(name)));
    let deltas = frames.iter().filter(|frame| matches!(frame, Frame::AssistantDelta(_))).count();
    assert!(deltas > 10, "it streams word by word: {deltas}");
    assert_eq!((named_in(&place, "out"), done.err.as_str()), (names, ""));
}

#[test]
fn the_same_in_other_words() {
    for words in [
        "Please show me all the files; then create a new file called n.txt listing them.",
        "what files are there? then write a file n.txt which lists them",
        "write the names of all files to n.txt",
        "ls; save the result as n.txt",
        "create a file n.txt naming all files",
    ] {
        let (place, names) = three_files();
        place.run(&["run", "-p", words]).ended(0);
        assert_eq!(named_in(&place, "n.txt"), names, "{words}");
    }
}

#[test]
fn sessions_are_listed_the_latest_first() {
    let place = Place::new();
    place.run(&["run", "-p", "say one", "--session", "first"]).ended(0);
    place.run(&["run", "-p", "say two", "--new"]).ended(0);
    place.run(&["run", "-p", "say three", "--session", "first"]).ended(0);
    let list = place.run(&["sessions"]).ended(0).text();
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(lines[0].starts_with("first  ") && lines[0].contains("2 turns  say one  (since 20"), "{list}");
    assert!(lines[1].ends_with("1 turn   say two"), "{list}");

    let frames = place.run(&["sessions", "--json"]).ended(0).frames();
    let [Frame::SessionList(list)] = &frames[..] else { panic!("one frame: {frames:?}") };
    assert_eq!((list.sessions[0].session_id.as_str(), list.sessions[0].turns), ("first", 2));
    assert!(SessionId::parse(&list.sessions[1].session_id).is_ok());
    // It is known by what it began with.
    let first = &list.sessions[0];
    assert_eq!(first.display_name.as_deref(), Some("say one"));
    assert!(first.created_at.is_some_and(|begun| begun < first.last_active_at), "{first:?}");
}

#[test]
fn bash_completes_what_there_is() {
    let place = Place::new();
    let script = place.run(&["completions", "bash"]).ended(0).text();
    let completed = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let last = words.len() - 1;
        let ask = format!(
            "{script}\nCOMP_WORDS=({}) COMP_CWORD={last}; _oxydra; echo \"${{COMPREPLY[@]}}\"",
            words.iter().map(|word| format!("'{word}' ")).collect::<String>()
        );
        let done = Command::new("bash").args(["-c", &ask]).output().expect("bash is there");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    };
    for (line, found) in [
        ("oxydra se", "sessions"),
        ("oxydra config sh", "show"),
        ("oxydra config show --or", "--origin"),
        ("oxydra run --sess", "--session"),
        ("oxydra run sh", ""),
    ] {
        assert_eq!(completed(line), found, "{line}");
    }
}

#[test]
fn the_graphs_are_listed_and_drawn() {
    let place = Place::new();
    let list = place.run(&["graph", "list"]).ended(0).text();
    assert!(list.starts_with("Turn v3  "), "{list}");
    let drawn = place.run(&["graph", "draw", "turn"]).ended(0).text();
    for state in ["Gathering", "Asking", "Judging", "Correcting", "Acting", "Answered", "Stopped"] {
        assert!(drawn.contains(state), "{state} in {drawn}");
    }
    place.run(&["graph", "draw", "weather"]).refused(2, &["no graph `weather`", "Turn"]);
    assert!(!place.home().exists(), "looking at graphs makes no home");
}
