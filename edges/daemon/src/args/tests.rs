//! The command line as a table: what is meant by it, or why it is refused.
use super::{Command, Files, Format, Input, Run, Wanted, Which, parse};
use expect_test::{Expect, expect};
use lexopt::Parser;
use std::{ffi::OsString, os::unix::ffi::OsStringExt};

fn parsed<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> String {
    match parse(Parser::from_args(args)) {
        Ok(command) => shown(&command),
        Err(failure) => format!("refused ({}): {failure}", failure.exit().code()),
    }
}

fn shown(command: &Command) -> String {
    match command {
        Command::Help(text) => format!("help: {}", text.lines().next().unwrap_or_default()),
        Command::Run(Run { home, user, session, input, json, model, thinking, schema, attach }) => {
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
            let thinking = thinking.as_ref().map(|how| format!(", thinking {how}")).unwrap_or_default();
            let attach: String = attach.iter().map(|file| format!(", with {}", file.display())).collect();
            let schema = schema.as_ref().map(|file| format!(", schema {file}")).unwrap_or_default();
            format!(
                "run in {}: {user}, {session}, {input}{json}{model}{thinking}{schema}{attach}",
                home.display()
            )
        }
        Command::Completions(shell) => format!("completions for {shell:?}"),
        Command::Sessions(of) => {
            format!("sessions of {} in {}, json {}", of.user, of.home.display(), of.json)
        }
        Command::Session(of) => {
            format!("session {} of {}, json {}", of.session, of.listing.user, of.listing.json)
        }
        Command::SessionForget(of) => format!("forget session {} of {}", of.session, of.listing.user),
        Command::SessionFork(of) => {
            format!("fork session {} of {} at {}", of.session, of.listing.user, of.at)
        }
        Command::Instances(of) if of.wanted == Wanted::default() => {
            format!("instances in {}, json {}", of.home.display(), of.json)
        }
        Command::Instances(of) => format!("{:?}", of.wanted),
        Command::Steer(of) => format!("{:?} {}, json {}", of.act, of.id.as_str(), of.json),
        Command::Wait(of) => format!("wait for {}, json {}", of.id.as_str(), of.json),
        Command::Export(of) => format!("export {} to {}", of.id.as_str(), of.file.display()),
        Command::Import(of) => format!("import {}, json {}", of.file.display(), of.json),
        Command::Replay(of) => format!("replay {}, json {}", of.id.as_str(), of.json),
        Command::Fork(of) => {
            let (prompt, answer, model) = (&of.prompt, of.answer, &of.model);
            match &of.files {
                Files::Kept => {
                    format!("fork {} at {}, {prompt:?}, {answer:?}, {model:?}", of.id.as_str(), of.at)
                }
                Files::These(files) => {
                    format!("fork {} at {}, {prompt:?} with {files:?}", of.id.as_str(), of.at)
                }
            }
        }
        Command::Instance(of) => {
            let id = of.id.as_ref().map_or("latest", |id| id.as_str());
            format!("instance {id} in {}, json {}", of.home.display(), of.json)
        }
        Command::Answer(of) => {
            format!("answer {:?} to {} in {}, json {}", of.how, of.id.as_str(), of.home.display(), of.json)
        }
        Command::Configuration(of) => {
            format!("config {:?} of {} in {}, json {}", of.what, of.user, of.home.display(), of.json)
        }
        Command::Doctor(of) => format!("doctor of {} in {}, json {}", of.user, of.home.display(), of.json),
        Command::CostOf(of) => format!("cost of session {} of {}", of.session, of.listing.user),
        Command::Cost(of) => format!("cost of {} in {}, json {}", of.user, of.home.display(), of.json),
        Command::Catalog(of) => format!("catalog {:?} in {}, json {}", of.doing, of.home.display(), of.json),
        Command::Guest(of) => format!("guest {:?}, json {}", of.command, of.json),
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
        expect![[r#"
            run hello
                refused (2): a prompt is given with -p and in quotes: oxydra run -p "hello"
            run -p
                refused (2): missing argument for option '-p'
            run -p a -p b
                refused (2): -p is given twice: one prompt at a time, or one per line without -p
            run --new --session s
                refused (2): --new and --session exclude each other
            run --session s --new
                refused (2): --new and --session exclude each other
            run --session a/b
                refused (2): `a/b` cannot be a session id: only ASCII letters, digits and - _ . : @ are allowed
            run --session
                refused (2): missing argument for option '--session'
            run --user ..
                refused (2): `..` cannot be a user id: it would name a directory
            run --user a/../b
                refused (2): `a/../b` cannot be a user id: only ASCII letters, digits and - _ . : @ are allowed
            run --json=yes
                refused (2): unexpected argument for option '--json': "yes"
            run --home=
                refused (2): --home is empty: name a directory, or leave it out
            run --h
                refused (2): oxydra run does not know --h: try --help
            run -x
                refused (2): oxydra run does not know -x: try --help
        "#]],
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
            "instances answer 12ab Drop --json",
            "instances answer 12ab perhaps",
            "instances answer 12ab",
            "instances show",
            "instances show 12AB --home h",
            "instances show 12ab more",
            "instances show xyz",
            "instances show 0123456789012345678901234567890123",
            "instances --user ada",
            "instances --graph Turn --state asking --life in-doubt --session s --older 2d --newer 90s",
            "instances --life alive",
            "instances --older soon",
            "instances --user ada --user bob",
            "instances show 12ab --user ada",
            "instances show 12ab --life ended",
            "instances park 12ab --why looking",
            "instances park",
            "instances park 12ab 34cd",
            "instances unpark 12ab --why x",
            "instances cancel 12ab --json",
            "instances wait 12ab",
            "instances replay 12ab --json",
            "instances replay",
            "instances export 12ab a.run",
            "instances export 12ab",
            "instances import a.run --json",
            "instances import",
            "instances fork 12ab",
            "instances fork 12ab --at one",
            "instances fork 12ab --at 1",
            "instances fork 12ab --at 1 --prompt hi --model m",
            "instances fork 12ab --at 1 --prompt hi --attach a --attach b",
            "instances fork 12ab --at 1 --prompt hi --no-attach",
            "instances fork 12ab --at 1 --prompt hi --no-attach --attach a",
            "instances fork 12ab --at 1 --attach a",
            "instances park 12ab --attach a",
            "instances fork 12ab --at 4 --answer drop",
            "instances fork 12ab --at 4 --answer maybe",
            "instances fork 12ab --at 4 --answer drop --prompt hi",
            "sessions show s",
            "sessions fork s",
            "sessions fork s --at 2",
            "sessions fork s --at two",
            "sessions show s --at 2",
            "sessions forget s --user ada",
            "sessions forget",
            "sessions dance",
            "graph",
            "graph list --json",
            "graph list --format dot",
            "graph draw",
            "graph draw turn --format dot",
            "graph draw --format svg",
            "graph draw --json",
            "graph draw a b",
            "config",
            "config check --json --home h --user ada",
            "config show runtime selection --origin",
            "config keys",
            "config schema",
            "config schema user",
            "config schema users",
            "config trust",
            "catalog",
            "catalog show openai --json",
            "catalog show a b",
            "catalog fetch --pinned source.json --output out.json",
            "catalog fetch",
            "catalog verify source.json --home h",
            "catalog verify --pinned",
            "catalog fecth",
            "doctor --json",
            "doctor --help",
            "cost --user ada",
            "cost --hepl",
            "cost show s-1",
            "cost show",
            "cost shwo s-1",
            "config migrate --dry-run",
            "config check --dry-run",
            "config chek",
            "config --origin",
            "config --orgin",
            "confg",
            "guest list --home h",
            "guest boot",
            "guest shell --help",
            "run --sesion x",
        ],
        expect![[r#"

                refused (2): what should it do? Try `oxydra run`, or `oxydra --help`
            --help
                help: oxydra: an AI agent on your own machine, whose turns are typed, durable state graphs
            -V
                help: oxydra 0.1.0
            help
                help: oxydra: an AI agent on your own machine, whose turns are typed, durable state graphs
            help run
                help: usage: oxydra run [OPTIONS]
            help instances
                help: usage: oxydra instances [FILTERS] [--home DIR] [--json]
            help weather
                refused (2): no help on "weather": the commands are run, sessions, instances, graph, guest, config, catalog, doctor, cost and completions (`oxydra --help`)
            help --me
                refused (2): oxydra help does not know --me: try --help
            dance
                refused (2): unknown command "dance": the commands are run, sessions, instances, graph, guest, config, catalog, doctor, cost and completions (`oxydra --help`)
            --dance
                refused (2): oxydra does not know --dance: try --help
            sessions
                sessions of default in .oxydra, json false
            sessions --user ada --home h --json
                sessions of ada in h, json true
            sessions all
                refused (2): `oxydra sessions all` is no command: write `show ID`, `fork ID --at N`, `forget ID` or nothing
            sessions --new
                refused (2): oxydra sessions does not know --new: try --help
            instances
                instances in .oxydra, json false
            instances list --json
                instances in .oxydra, json true
            instances answer 12ab Drop --json
                answer Drop to 12ab in .oxydra, json true
            instances answer 12ab perhaps
                refused (2): `perhaps` is no answer: write again, done or drop
            instances answer 12ab
                refused (2): write `oxydra instances answer ID` and again, done or drop
            instances show
                instance latest in .oxydra, json false
            instances show 12AB --home h
                instance 12ab in h, json false
            instances show 12ab more
                refused (2): `oxydra instances show 12ab more` is no command: write `show ID`, `answer ID HOW`, `park ID`, `unpark ID`, `cancel ID`, `wait ID`, `fork ID --at N`, `replay ID`, `export ID FILE`, `import FILE` or nothing
            instances show xyz
                refused (2): `xyz` is not an instance id: 1 to 32 hexadecimal digits are expected, as `oxydra instances` prints them
            instances show 0123456789012345678901234567890123
                refused (2): `0123456789012345678901234567890123` is not an instance id: 1 to 32 hexadecimal digits are expected, as `oxydra instances` prints them
            instances --user ada
                Wanted { graph: None, state: None, life: None, user: Some(UserId("ada")), session: None, older: None, newer: None }
            instances --graph Turn --state asking --life in-doubt --session s --older 2d --newer 90s
                Wanted { graph: Some("Turn"), state: Some("asking"), life: Some(InDoubt), user: None, session: Some(SessionId("s")), older: Some(172800s), newer: Some(90s) }
            instances --life alive
                refused (2): --life is one of running, waiting, stopping, in-doubt, parked, ended, not `alive`
            instances --older soon
                refused (2): --older is a time such as 90s, 10m, 12h or 7d, not `soon`
            instances --user ada --user bob
                refused (2): --user is given twice
            instances show 12ab --user ada
                refused (2): `oxydra instances show` finds the runs of all users: leave --user out
            instances show 12ab --life ended
                refused (2): `oxydra instances show 12ab` does not take --life: try --help
            instances park 12ab --why looking
                Park { why: "looking" } 12ab, json false
            instances park
                refused (2): write `oxydra instances park ID`: one id, or its beginning
            instances park 12ab 34cd
                refused (2): write `oxydra instances park ID`: one id, or its beginning
            instances unpark 12ab --why x
                refused (2): `oxydra instances unpark 12ab` does not take --why: try --help
            instances cancel 12ab --json
                Cancel 12ab, json true
            instances wait 12ab
                wait for 12ab, json false
            instances replay 12ab --json
                replay 12ab, json true
            instances replay
                refused (2): write `oxydra instances replay ID`: one id, or its beginning
            instances export 12ab a.run
                export 12ab to a.run
            instances export 12ab
                refused (2): write `oxydra instances export ID FILE`
            instances import a.run --json
                import a.run, json true
            instances import
                refused (2): write `oxydra instances import FILE`
            instances fork 12ab
                refused (2): say where: `--at N`, after how many moves; `oxydra instances show ID` numbers its states
            instances fork 12ab --at one
                refused (2): --at is a number of moves, not `one`
            instances fork 12ab --at 1
                fork 12ab at 1, None, None, None
            instances fork 12ab --at 1 --prompt hi --model m
                fork 12ab at 1, Some("hi"), None, Some("m")
            instances fork 12ab --at 1 --prompt hi --attach a --attach b
                fork 12ab at 1, Some("hi") with ["a", "b"]
            instances fork 12ab --at 1 --prompt hi --no-attach
                fork 12ab at 1, Some("hi") with []
            instances fork 12ab --at 1 --prompt hi --no-attach --attach a
                refused (2): --attach and --no-attach exclude each other
            instances fork 12ab --at 1 --attach a
                refused (2): --attach and --no-attach go with another message: add --prompt TEXT
            instances park 12ab --attach a
                refused (2): `oxydra instances park 12ab` does not take --attach: try --help
            instances fork 12ab --at 4 --answer drop
                fork 12ab at 4, None, Some(Drop), None
            instances fork 12ab --at 4 --answer maybe
                refused (2): `maybe` is no answer: write again, done or drop
            instances fork 12ab --at 4 --answer drop --prompt hi
                refused (2): --prompt begins the turn again, --answer settles a doubt in it: give one
            sessions show s
                session s of default, json false
            sessions fork s
                refused (2): say where: `oxydra sessions fork ID --at N`; `oxydra sessions show ID` numbers its messages
            sessions fork s --at 2
                fork session s of default at 2
            sessions fork s --at two
                refused (2): --at is the number of a message, not `two`
            sessions show s --at 2
                refused (2): --at belongs to `oxydra sessions fork ID`
            sessions forget s --user ada
                forget session s of ada
            sessions forget
                refused (2): `oxydra sessions forget` is no command: write `show ID`, `fork ID --at N`, `forget ID` or nothing
            sessions dance
                refused (2): `oxydra sessions dance` is no command: write `show ID`, `fork ID --at N`, `forget ID` or nothing
            graph
                refused (2): write `oxydra graph list` or `oxydra graph draw [NAME]`
            graph list --json
                graphs, json true
            graph list --format dot
                refused (2): --format belongs to `oxydra graph draw`
            graph draw
                draw None as mermaid
            graph draw turn --format dot
                draw Some("turn") as dot
            graph draw --format svg
                refused (2): --format is `mermaid` or `dot`, not `svg`
            graph draw --json
                refused (2): --json belongs to `oxydra graph list`
            graph draw a b
                refused (2): write `oxydra graph list` or `oxydra graph draw [NAME]`
            config
                config Check of default in .oxydra, json false
            config check --json --home h --user ada
                config Check of ada in h, json true
            config show runtime selection --origin
                config Show { keys: ["runtime", "selection"], with_origin: true } of default in .oxydra, json false
            config keys
                config Keys { keys: [] } of default in .oxydra, json false
            config schema
                config Schema(Agent) of default in .oxydra, json false
            config schema user
                config Schema(User) of default in .oxydra, json false
            config schema users
                refused (2): `oxydra config schema` is of agent, runner or user, not of `users`
            config trust
                config Trust of default in .oxydra, json false
            catalog
                catalog Show { name: None } in .oxydra, json false
            catalog show openai --json
                catalog Show { name: Some("openai") } in .oxydra, json true
            catalog show a b
                refused (2): `oxydra catalog show` takes one name
            catalog fetch --pinned source.json --output out.json
                catalog Fetch { is_pinned: true, source: Some("source.json"), output: Some("out.json") } in .oxydra, json false
            catalog fetch
                catalog Fetch { is_pinned: false, source: None, output: None } in .oxydra, json false
            catalog verify source.json --home h
                catalog Verify { source: Some("source.json") } in h, json false
            catalog verify --pinned
                refused (2): --pinned belongs to `oxydra catalog fetch`
            catalog fecth
                refused (2): `oxydra catalog fecth` is no command: did you mean `fetch`? there are show, fetch, verify
            doctor --json
                doctor of default in .oxydra, json true
            doctor --help
                help: usage: oxydra doctor [--home DIR] [--user U] [--json]
            cost --user ada
                cost of ada in .oxydra, json false
            cost --hepl
                refused (2): oxydra cost does not know --hepl: did you mean `--help`? try --help
            cost show s-1
                cost of session s-1 of default
            cost show
                refused (2): `oxydra cost show` takes the id of one session
            cost shwo s-1
                refused (2): `oxydra cost shwo` is no command: did you mean `show`? there are show
            config migrate --dry-run
                config Migrate { is_dry: true } of default in .oxydra, json false
            config check --dry-run
                refused (2): --dry-run belongs to `oxydra config migrate`
            config chek
                refused (2): `oxydra config chek` is no command: did you mean `check`? there are check, show, keys, schema, trust, migrate
            config --origin
                refused (2): --origin belongs to `oxydra config show`
            config --orgin
                refused (2): oxydra config does not know --orgin: did you mean `--origin`? try --help
            confg
                refused (2): unknown command "confg": did you mean `config`? the commands are run, sessions, instances, graph, guest, config, catalog, doctor, cost and completions (`oxydra --help`)
            guest list --home h
                guest List, json false
            guest boot
                refused (2): write `boot NAME` (`oxydra guest --help`)
            guest shell --help
                help: usage: oxydra guest COMMAND
            run --sesion x
                refused (2): oxydra run does not know --sesion: did you mean `--session`? try --help
        "#]],
    );
}

#[test]
fn what_is_not_text_is_named_and_refused() {
    let odd = || OsString::from_vec(b"a\xff".to_vec());
    let with = |before: &[&str]| parsed(before.iter().map(OsString::from).chain([odd()]));
    expect!["refused (2): the value of -p is not UTF-8"].assert_eq(&with(&["run", "-p"]));
    expect!["refused (2): the value of --session is not UTF-8"].assert_eq(&with(&["run", "--session"]));
    expect![[r#"refused (2): argument is invalid unicode: "a\xFF""#]]
        .assert_eq(&with(&["instances", "show"]));
    expect![[r#"refused (2): unknown command "a\xFF": the commands are run, sessions, instances, graph, guest, config, catalog, doctor, cost and completions (`oxydra --help`)"#]].assert_eq(&with(&[]));
    // A directory may have any name.
    assert!(with(&["run", "--home"]).starts_with("run in a"));
}

#[test]
fn completions_are_for_one_shell() {
    check(
        &["completions bash", "completions", "completions sh", "completions zsh fish"],
        expect![[r#"
        completions bash
            completions for Bash
        completions
            refused (2): `oxydra completions` is for one shell: bash, zsh or fish
        completions sh
            refused (2): `oxydra completions` is for one shell: bash, zsh or fish
        completions zsh fish
            refused (2): `oxydra completions` is for one shell: bash, zsh or fish
    "#]],
    );
}

#[test]
fn a_flag_that_says_one_thing_is_given_once_and_not_blank() {
    check(
        &[
            "run -p hi --thinking low --thinking high",
            "run -p hi --model m --model n",
            "run -p hi --json-schema a --json-schema b",
            "run -p hi --thinking=",
            "run -p hi --attach=",
            "run -p hi --attach a --attach a",
        ],
        expect![[r#"
            run -p hi --thinking low --thinking high
                refused (2): --thinking is given twice
            run -p hi --model m --model n
                refused (2): --model is given twice
            run -p hi --json-schema a --json-schema b
                refused (2): --json-schema is given twice
            run -p hi --thinking=
                refused (2): --thinking is blank: say something, or leave it out
            run -p hi --attach=
                refused (2): --attach names no file: it is blank
            run -p hi --attach a --attach a
                run in .oxydra: default, latest session, prompt "hi", with a, with a
        "#]],
    );
}
