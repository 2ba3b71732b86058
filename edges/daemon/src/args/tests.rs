//! The command line as a table: what is meant by it, or why it is refused.
use super::{Command, Format, Input, Run, Which, parse};
use expect_test::{Expect, expect};
use lexopt::Parser;
use std::{ffi::OsString, os::unix::ffi::OsStringExt};

fn parsed<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> String {
    match parse(Parser::from_args(args)) {
        Ok(command) => shown(&command),
        Err(failure) => format!("refused ({}): {failure}", failure.exit() as u8),
    }
}

fn shown(command: &Command) -> String {
    match command {
        Command::Help(text) => format!("help: {}", text.lines().next().unwrap_or_default()),
        Command::Run(Run { home, user, session, input, json, model }) => {
            let session = match session {
                Which::Latest => "latest session".to_owned(),
                Which::New => "new session".to_owned(),
                Which::Named(id) => format!("session {id}"),
            };
            let input = match input {
                Input::Lines => "lines".to_owned(),
                Input::Text(text) => format!("prompt {text:?}"),
                Input::Piped => "piped".to_owned(),
            };
            let json = if *json { ", json" } else { "" };
            let model = model.as_ref().map(|model| format!(", model {model}")).unwrap_or_default();
            format!("run in {}: {user}, {session}, {input}{json}{model}", home.display())
        }
        Command::Sessions(of) => format!("sessions of {} in {}, json {}", of.user, of.home.display(), of.json),
        Command::Instances(of) => format!("instances in {}, json {}", of.home.display(), of.json),
        Command::Instance(of) => format!("instance {} in {}, json {}", of.id.as_str(), of.home.display(), of.json),
        Command::GraphList { json } => format!("graphs, json {json}"),
        Command::GraphDraw { name, format } => {
            let format = match format {
                Format::Mermaid => "mermaid",
                Format::Dot => "dot",
            };
            format!("draw {name:?} as {format}")
        }
    }
}

fn check(lines: &[&str], expected: Expect) {
    let parsed = |line: &&str| format!("{line}\n    {}\n", parsed(line.split_whitespace()));
    expected.assert_eq(&lines.iter().map(parsed).collect::<String>());
}

#[test]
fn every_flag_of_run() {
    check(
        &[
            "run",
            "run -p hello",
            "run -phello",
            "run --prompt=hello --json",
            "run -p -",
            "run --new -p hello",
            "run --session s-1 --user ada --home h --model rehearsal",
            "run --session=a --session=b",
            "run --new --new",
            "run -h",
            "run --nonsense --help",
            "run --help --nonsense",
        ],
        expect![[r#"
            run
                run in .oxydra: default, latest session, lines
            run -p hello
                run in .oxydra: default, latest session, prompt "hello"
            run -phello
                run in .oxydra: default, latest session, prompt "hello"
            run --prompt=hello --json
                run in .oxydra: default, latest session, prompt "hello", json
            run -p -
                run in .oxydra: default, latest session, piped
            run --new -p hello
                run in .oxydra: default, new session, prompt "hello"
            run --session s-1 --user ada --home h --model rehearsal
                run in h: ada, session s-1, lines, model rehearsal
            run --session=a --session=b
                run in .oxydra: default, session b, lines
            run --new --new
                run in .oxydra: default, new session, lines
            run -h
                help: usage: oxydra run [OPTIONS]
            run --nonsense --help
                refused (2): oxydra run does not know --nonsense: try --help
            run --help --nonsense
                help: usage: oxydra run [OPTIONS]
        "#]],
    );
}

#[test]
fn what_run_refuses() {
    check(
        &[
            "run hello",
            "run -p",
            "run -p a -p b",
            "run --new --session s",
            "run --session s --new",
            "run --session a/b",
            "run --session",
            "run --user ..",
            "run --user a/../b",
            "run --json=yes",
            "run --home=",
            "run --h",
            "run -x",
        ],
        expect![[r#""#]],
    );
}

#[test]
fn the_other_commands() {
    check(
        &[
            "",
            "--help",
            "-V",
            "help",
            "help run",
            "help instances",
            "help weather",
            "help --me",
            "dance",
            "--dance",
            "sessions",
            "sessions --user ada --home h --json",
            "sessions all",
            "sessions --new",
            "instances",
            "instances list --json",
            "instances show",
            "instances show 12AB --home h",
            "instances show 12ab more",
            "instances show xyz",
            "instances show 0123456789012345678901234567890123",
            "instances --user ada",
            "graph",
            "graph list --json",
            "graph list --format dot",
            "graph draw",
            "graph draw turn --format dot",
            "graph draw --format svg",
            "graph draw --json",
            "graph draw a b",
        ],
        expect![[r#""#]],
    );
}

#[test]
fn what_is_not_text_is_named_and_refused() {
    let odd = || OsString::from_vec(b"a\xff".to_vec());
    let with = |before: &[&str]| parsed(before.iter().map(OsString::from).chain([odd()]));
    expect!["refused (2): the value of -p is not UTF-8"].assert_eq(&with(&["run", "-p"]));
    expect!["refused (2): the value of --session is not UTF-8"].assert_eq(&with(&["run", "--session"]));
    expect![""].assert_eq(&with(&["instances", "show"]));
    expect![""].assert_eq(&with(&[]));
    // A directory may have any name.
    assert!(with(&["run", "--home"]).starts_with("run in a"));
}
