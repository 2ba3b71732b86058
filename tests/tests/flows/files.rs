//! Files that are no files, and paths that lead elsewhere. Whatever a model asks for, the turn ends and the host is safe.
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{fs, os::unix::fs::symlink};
use tests::{Place, Running};

fn talking(place: &Place) -> Running {
    place.oxydra(&["run", "--json"]).start()
}

#[test]
fn paths_stay_beneath_the_workspace() {
    let place = Place::new();
    fs::write(place.root().join("outside.txt"), "secret").expect("it is written");
    let outside = place.root().join("outside.txt");
    symlink(&outside, place.shared().join("link")).expect("the link is made");
    symlink(place.root(), place.shared().join("up")).expect("the link is made");
    let mut talk = talking(&place);
    for path in
        ["../../../../outside.txt", "link", "up/outside.txt", "a/../../../../../outside.txt", "/etc/passwd"]
    {
        let prompts = [
            format!("read {path}"),
            format!("write into {path}: gone"),
            format!("append \"gone\" to {path}"),
            format!("replace secret with gone in {path}"),
            format!("list the files in {path}"),
        ];
        for prompt in prompts {
            let seen = talk.ask(&prompt);
            assert!(!seen.answer().contains("secret"), "{prompt}: {}", seen.answer());
            assert!(
                seen.called().iter().all(|call| !call.ends_with(" done")),
                "{prompt}: {:?}",
                seen.called()
            );
        }
    }
    // The link itself may go: it is the user's own.
    assert_eq!(talk.ask("delete link").called(), ["file_delete done"]);
    assert_eq!(fs::read_to_string(outside).expect("it is there"), "secret");
}

#[test]
fn a_pipe_or_a_device_never_blocks() {
    let place = Place::new();
    let pipe = place.shared().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("the pipe is made");
    place.write("plain.txt", "needle");
    let mut talk = talking(&place);
    for prompt in ["read pipe", "write into pipe: x", "append \"x\" to pipe", "replace a with b in pipe"] {
        let called = talk.ask(prompt).called();
        assert!(called.iter().all(|call| !call.ends_with(" done")), "{prompt}: {called:?}");
    }
    let found = talk.ask("search for needle");
    assert!(found.answer().contains("plain.txt"), "{}", found.answer());
    assert!(talk.ask("list the files").answer().contains("pipe"));
}

#[test]
fn a_huge_file_is_shown_in_part_and_a_binary_one_not_at_all() {
    let place = Place::new();
    let huge = fs::File::create(place.shared().join("huge.txt")).expect("it is made");
    huge.set_len(1 << 30).expect("it is sparse");
    place.write("long.txt", "a line of text\n".repeat(200_000));
    place.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    place.write("latin.txt", b"caf\xe9\n");
    let mut talk = talking(&place);
    for (prompt, shown) in [
        ("read huge.txt", "binary"),
        ("read image.png", "binary"),
        ("replace a with b in huge.txt", "could not"),
        ("read long.txt", "a line of text"),
        ("read lines 199999 to 200000 of long.txt", "a line of text"),
    ] {
        let seen = talk.ask(prompt);
        assert!(seen.answer().contains(shown), "{prompt}: {}", seen.answer());
        assert!(seen.answer().len() < 40_000, "{prompt}: {} bytes", seen.answer().len());
    }
    talk.ask("read latin.txt");
    assert!(talk.ask("search for \"line of text\"").answer().contains("long.txt"));
    let deleted = talk.ask("delete huge.txt");
    assert_eq!(deleted.called(), ["file_delete done"]);
}

#[test]
fn a_call_that_is_not_json_or_misses_a_field_is_fed_back() {
    let place = Place::new();
    let mut talk = talking(&place);
    let seen = talk.ask("rehearse a malformed call");
    assert!(seen.corrections.iter().any(|why| why.contains("they are not JSON")), "{:?}", seen.corrections);
    assert_eq!(seen.called(), ["file_list refused", "file_list done"]);
    let seen = talk.ask("rehearse an unknown tool");
    assert!(seen.corrections[0].contains("file_read"), "the tools are named: {:?}", seen.corrections);
    assert!(seen.called()[0].ends_with(" refused"));
}
