//! The walk-through of `edges/daemon/STEERING.md`, run as it stands: every `sh` block in order, in one shell that stops at the
//! first command that fails.
use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};
use tests::Place;

/// The commands of a document, in order.
fn commands(text: &str) -> String {
    let mut is_shell = false;
    let mut script = String::new();
    for line in text.lines() {
        match line {
            "```sh" => is_shell = true,
            "```" => is_shell = false,
            command if is_shell => {
                script.push_str(command);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn run(script: &str, place: &Place) -> Output {
    let oxydra = place.oxydra(&[]).into_command().get_program().to_owned();
    let bin = Path::new(&oxydra).parent().expect("it lies in a directory").to_owned();
    let inherited = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&inherited))).expect("a path");
    let mut shell = Command::new("sh");
    shell.args(["-eux", "-c", script]).current_dir(place.root());
    shell.env_clear().env("HOME", place.root()).env("PATH", path);
    shell.output().expect("there is a shell")
}

#[test]
fn the_walk_through_of_steering_works_as_it_is_written() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edges/daemon/STEERING.md");
    let text = fs::read_to_string(document).expect("it is there");
    let script = commands(&text);
    for command in
        ["kill -9", "instances wait", "instances fork", "--at 1", "instances replay", "instances park"]
    {
        assert!(script.contains(command), "the walk-through shows `{command}`");
    }
    let place = Place::new();
    let done = run(&script, &place);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}\n{err}");
    assert!(out.contains("began answer, attempt 2"), "the killed attempt is shown: {out}");
    assert!(err.contains("the files of the workspace are not forked"), "{err}");
    // A command that fails ends it, so that nothing above is believed for nothing.
    assert!(!run("oxydra instances show ffff\ntrue", &place).status.success());
}
