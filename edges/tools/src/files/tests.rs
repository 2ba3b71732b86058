//! Each tool as a model calls it: through judgement, approval, a ticket and the scrubber.
use crate::{Context, Failure, Tools};
use domain::{CallOutcome, ToolCall};
use engine::InstanceId;
use expect_test::{Expect, expect};
use policy::{Executor, Proposed, REDACTED, Scrubber, Workspace};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

struct Home {
    dir: tempfile::TempDir,
    tools: Tools,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    for name in ["shared", "tmp", "secret"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let tools = Tools::new(Workspace::open(&dir.path().join("shared"), &dir.path().join("tmp")).unwrap());
    Home { dir, tools }
}

impl Home {
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("shared").join(name)
    }
    fn has(self, name: &str, bytes: impl AsRef<[u8]>) -> Home {
        if let Some(parent) = self.at(name).parent() {
            std::fs::create_dir_all(parent).unwrap();
        }
        std::fs::write(self.at(name), bytes).unwrap();
        self
    }
    fn holds(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }
    /// Calls a tool; what is refused or fails is marked.
    fn call(&self, tool: &str, arguments: Value) -> String {
        let call = ToolCall { id: String::new(), tool: tool.into(), arguments: arguments.to_string() };
        let approved = match Proposed::new(InstanceId(7), 0, call).judge(&self.tools).approve() {
            Ok(approved) => approved,
            Err(refusal) => return format!("REFUSED {}", refusal.words()),
        };
        let journalled = approved.dispatch(engine::testing::ticket(InstanceId(7))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let scrubbed = runtime.block_on(self.tools.execute(journalled)).scrub(&Scrubber::default());
        match scrubbed.outcome() {
            CallOutcome::Done => scrubbed.text().to_owned(),
            CallOutcome::Failed => format!("FAILED {}", scrubbed.text()),
            CallOutcome::Refused => unreachable!("an executor refuses nothing"),
        }
    }
    fn check(&self, tool: &str, arguments: Value, told: Expect) {
        told.assert_eq(&self.call(tool, arguments));
    }
    fn read(&self, arguments: Value, told: Expect) {
        self.check("file_read", arguments, told);
    }
}

#[test]
fn reading_shows_text_as_it_is_and_says_what_it_leaves_out() {
    let lines: String = (1..=10).map(|n| format!("line {n}\n")).collect();
    let home = home().has("a.txt", lines).has("no end", "x\ny").has("empty", "").has("ü\n.md", "odd");
    home.read(
        json!({"path": "a.txt", "limit": 2}),
        expect![[r#"
        line 1
        line 2
        [lines 1-2 of 10; go on with offset = 3]"#]],
    );
    home.read(
        json!({"path": "/shared/a.txt", "offset": 9}),
        expect![[r#"
        line 9
        line 10
        [lines 9-10 of 10]"#]],
    );
    home.read(
        json!({"path": "a.txt", "offset": 3, "limit": 1}),
        expect![[r#"
        line 3
        [lines 3-3 of 10; go on with offset = 4]"#]],
    );
    home.read(json!({"path": "a.txt", "offset": 11}), expect!["FAILED `/shared/a.txt` has only 10 lines"]);
    home.read(json!({"path": "a.txt", "limit": 0}), expect!["FAILED `limit` must be at least 1"]);
    home.read(
        json!({"path": "no end"}),
        expect![[r#"
        x
        y"#]],
    );
    home.read(
        json!({"path": "no end", "offset": 2}),
        expect![[r#"
        y
        [lines 2-2 of 2]"#]],
    );
    home.read(json!({"path": "empty"}), expect!["[the file is empty]"]);
    home.read(json!({"path": "ü\n.md"}), expect!["odd"]);
    assert_eq!(home.call("file_read", json!({"path": "a.txt"})).lines().count(), 10);
}

#[test]
fn reading_stays_within_the_cap() {
    let many: String = (1..=5000).map(|n| format!("line {n}\n")).collect();
    let home = home()
        .has("many", &many)
        .has("long", format!("{}\nnext\n", "ä".repeat(20_000)))
        .has("latin", b"caf\xe9\n");
    let mut seen = String::new();
    let mut offset = 1;
    loop {
        let told = home.call("file_read", json!({"path": "many", "offset": offset}));
        assert!(told.len() <= 16 << 10);
        let (text, note) = told.rsplit_once('[').unwrap();
        seen.push_str(text);
        let Some((_, next)) = note.split_once("offset = ") else { break };
        offset = next.trim_end_matches(']').parse().unwrap();
    }
    assert_eq!(seen.trim_end(), many.trim_end());
    let long = home.call("file_read", json!({"path": "long"}));
    expect!["[line 1 is longer than 16 KiB and is cut; lines 1-1 of 2; go on with offset = 2]"]
        .assert_eq(long.rsplit_once('\n').unwrap().1);
    home.read(
        json!({"path": "long", "offset": 2}),
        expect![[r#"
        next
        [lines 2-2 of 2]"#]],
    );
    home.read(
        json!({"path": "latin"}),
        expect![[r#"
        caf�
        [what is not UTF-8 is shown as �]"#]],
    );
}

#[test]
fn reading_refuses_what_is_no_text_file_of_the_workspace() {
    let home = home().has("notes.txt", "n").has("pic", b"\x89PNG\0\0").has("d/x", "x");
    std::fs::write(home.dir.path().join("secret/key"), "k").unwrap();
    symlink("../secret/key", home.at("out")).unwrap();
    symlink("../secret", home.at("outdir")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.at("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let huge = std::fs::File::create(home.at("huge")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let told: Vec<String> = [
        "note.txt",
        "zzz",
        "none/x",
        "pic",
        "huge",
        "d",
        "notes.txt/x",
        "../secret/key",
        "/etc/passwd",
        "out",
        "outdir/key",
        "pipe",
        "/vault/k",
        "a\0b",
        "",
    ]
    .iter()
    .map(|path| home.call("file_read", json!({"path": path})))
    .collect();
    expect![[r#"
        FAILED `/shared/note.txt` does not exist; did you mean `/shared/notes.txt`?
        FAILED `/shared/zzz` does not exist; `file_list` shows what is in `/shared`
        FAILED `/shared/none/x` does not exist: there is no directory `/shared/none`
        FAILED `/shared/pic` is binary, 6 bytes: it is not shown
        FAILED `/shared/huge` is binary, 1.0 GiB: it is not shown
        FAILED `/shared/d` is refused: it is a directory
        FAILED `/shared/notes.txt/x` is refused: a part of it is a file, not a directory
        FAILED `../secret/key` is refused: it climbs out of its directory with `..`
        FAILED `/etc/passwd` is refused: it is a path of the host; paths begin with /shared or /tmp, or are relative to /shared
        FAILED `/shared/out` is refused: it leads out of /shared
        FAILED `/shared/outdir/key` is refused: it leads out of /shared
        FAILED `/shared/pipe` is refused: it is a named pipe, not a file
        FAILED `/vault/k` is refused: the vault is out of reach of file tools
        FAILED `a\u{0}b` is refused: it holds a NUL byte
        FAILED `` is refused: it is empty"#]].assert_eq(&told.join("\n"));
}

#[test]
fn a_text_of_a_gigabyte_is_streamed() {
    let home = home().has("huge", "first\nsecond\n".repeat(1000));
    let huge = std::fs::OpenOptions::new().write(true).open(home.at("huge")).unwrap();
    huge.set_len(1 << 30).unwrap();
    home.read(
        json!({"path": "huge", "limit": 1}),
        expect![[r#"
        first
        [lines 1-1 of more than 2000; go on with offset = 2]"#]],
    );
    home.check("file_search", json!({"query": "absent", "path": "huge"}), expect!["[no line holds it; 1 files were searched; stopped after 512 MiB; search below one directory]"]);
}

#[test]
fn writing_replaces_appends_and_makes_directories() {
    let home = home().has("a", "old");
    home.check(
        "file_write",
        json!({"path": "a", "content": "new"}),
        expect!["wrote 3 bytes to `/shared/a`, in place of 3 bytes"],
    );
    home.check(
        "file_write",
        json!({"path": "deep/er/b c\n", "content": ""}),
        expect![[r#"wrote 0 bytes to `/shared/deep/er/b c\n`, a new file"#]],
    );
    home.check(
        "file_write",
        json!({"path": "a", "content": " and more", "mode": "append"}),
        expect!["appended 9 bytes to `/shared/a`, behind 3 bytes"],
    );
    home.check(
        "file_write",
        json!({"path": "/tmp/t", "content": "x", "mode": "append"}),
        expect!["wrote 1 byte to `/tmp/t`, a new file"],
    );
    assert_eq!((home.holds("a").as_str(), home.holds("deep/er/b c\n").as_str()), ("new and more", ""));
    let refused = [
        json!({"path": "a", "content": "x", "mode": "prepend"}),
        json!({"path": "a"}),
        json!({"path": "a", "contents": "x"}),
        json!({"path": 7, "content": "x"}),
        json!({"path": "deep", "content": "x"}),
        json!({"path": "a/b", "content": "x"}),
        json!({"path": "../x", "content": "x"}),
        json!({"path": "/shared", "content": "x"}),
        json!("path"),
    ];
    let told: Vec<String> = refused.into_iter().map(|arguments| home.call("file_write", arguments)).collect();
    expect![[r#"
        REFUSED not run: the arguments of `file_write` do not fit: `mode` must be "replace" or "append", not a text. Write the call again.
        REFUSED not run: the arguments of `file_write` do not fit: `content` is missing. Write the call again.
        REFUSED not run: the arguments of `file_write` do not fit: there is no argument `contents`: perhaps `content`. Write the call again.
        REFUSED not run: the arguments of `file_write` do not fit: `path` must be a text, not a number. Write the call again.
        FAILED `/shared/deep` is refused: it is a directory
        FAILED `/shared/a` is refused: a part of it is a file, not a directory
        FAILED `../x` is refused: it climbs out of its directory with `..`
        FAILED `/shared` is refused: it names a directory, not something in one
        REFUSED not run: the arguments of `file_write` do not fit: they are a text; write one object, as {"name": value}. Write the call again."#]].assert_eq(&told.join("\n"));
}

#[test]
fn what_stands_for_a_secret_does_not_take_its_place() {
    let home =
        home().has("env", "password = \"hunter2\"\nport = 1\n").has("doc", format!("write {REDACTED}\n"));
    let seen = home.call("file_read", json!({"path": "env"}));
    assert!(seen.contains(REDACTED) && !seen.contains("hunter2"));
    home.check("file_write", json!({"path": "env", "content": seen}), expect!["FAILED not written: [REDACTED] stands for a secret that you are not shown, and it would be lost from `/shared/env`. Use file_edit around it"]);
    home.check("file_edit", json!({"path": "env", "old_text": seen, "new_text": "x"}), expect!["FAILED `old_text` does not occur in `/shared/env`: [REDACTED] stands for a secret that you are not shown. Choose a passage without it"]);
    home.check(
        "file_edit",
        json!({"path": "env", "old_text": "port = 1", "new_text": format!("port = {REDACTED}")}),
        expect!["FAILED not edited: [REDACTED] stands for a secret that you are not shown, it is not the text of `/shared/env`"],
    );
    home.check(
        "file_edit",
        json!({"path": "env", "old_text": "port = 1", "new_text": "port = 2"}),
        expect!["edited `/shared/env` at line 2"],
    );
    home.check(
        "file_write",
        json!({"path": "doc", "content": format!("not {REDACTED}\n")}),
        expect!["wrote 15 bytes to `/shared/doc`, in place of 17 bytes"],
    );
    assert_eq!(home.holds("env"), "password = \"hunter2\"\nport = 2\n");
}

#[test]
fn editing_wants_to_know_which_passage() {
    let home =
        home().has("a", "one\ntwo\none\n  three\n").has("dos", "a\r\nb\r\nc\r\n").has("bin", b"\0\x01");
    let edit = |path: &str, old: &str, new: &str| {
        home.call("file_edit", json!({"path": path, "old_text": old, "new_text": new}))
    };
    let told = [
        edit("a", "one", "1"),
        edit("a", "\tthree", "3"),
        edit("a", "four", "4"),
        edit("a", "", "x"),
        edit("a", "two", "two"),
        edit("none", "x", "y"),
        edit("new/none", "x", "y"),
        edit("bin", "x", "y"),
        edit("a", "two\none", "2\n1"),
        edit("dos", "b\nc", "B\nC"),
        home.call("file_edit", json!({"path": "a", "old_text": "e", "new_text": "E", "replace_all": true})),
    ];
    expect![[r#"
        FAILED `old_text` occurs 2 times in `/shared/a`, at lines 1, 3: give more of the text around the one you mean, or set `replace_all`
        FAILED `old_text` does not occur in `/shared/a` as it is written; line 4 is alike: `  three`. Blanks and line ends count
        FAILED `old_text` does not occur in `/shared/a`; file_read shows what does
        FAILED `old_text` is empty: say which passage to replace
        FAILED `old_text` and `new_text` are the same: there is nothing to do
        FAILED `/shared/none` does not exist; `file_list` shows what is in `/shared`
        FAILED `/shared/new/none` does not exist: there is no directory `/shared/new`
        FAILED `/shared/bin` is binary, not text
        edited `/shared/a` at line 2
        edited `/shared/dos` at line 2
        edited `/shared/a` at lines 1, 4"#]].assert_eq(&told.join("\n"));
    assert_eq!(
        (home.holds("a").as_str(), home.holds("dos").as_str()),
        ("onE\n2\n1\n  thrEE\n", "a\r\nB\r\nC\r\n")
    );
    assert!(!home.at("new").exists(), "a failed edit makes no directories");
}

#[test]
fn deleting_asks_before_a_directory_goes() {
    let home = home().has("a", "").has("d/x", "").has("d/e/y", "");
    symlink("../secret", home.at("link")).unwrap();
    let told: Vec<String> = [
        json!({"path": "a"}),
        json!({"path": "a"}),
        json!({"path": "d"}),
        json!({"path": "d", "recursive": true}),
        json!({"path": "link"}),
        json!({"path": "/shared", "recursive": true}),
        json!({"path": "../secret", "recursive": true}),
        json!({"path": "d", "recursive": "yes"}),
    ]
    .into_iter()
    .map(|arguments| home.call("file_delete", arguments))
    .collect();
    expect![[r#"
        deleted `/shared/a`
        FAILED `/shared/a` does not exist; `file_list` shows what is in `/shared`
        FAILED `/shared/d` is a directory with 2 names in it; set `recursive` to delete it with all of them
        deleted `/shared/d` and 3 names below it
        deleted `/shared/link`
        FAILED `/shared` is refused: it names a directory, not something in one
        FAILED `../secret` is refused: it climbs out of its directory with `..`
        REFUSED not run: the arguments of `file_delete` do not fit: `recursive` must be true or false, not a text. Write the call again."#]].assert_eq(&told.join("\n"));
    assert!(home.dir.path().join("secret").exists());
}

#[test]
fn listing_names_sizes_and_kinds() {
    let home = home().has("b.txt", "12345").has("a b", "").has("d/x", "").has("n\new", "");
    symlink("b.txt", home.at("link")).unwrap();
    home.check(
        "file_list",
        json!({}),
        expect![[r#"
        a b	0 bytes
        b.txt	5 bytes
        d/
        link	a symlink
        n\new	0 bytes
    "#]],
    );
    home.check(
        "file_list",
        json!({"path": "d"}),
        expect![[r#"
        x	0 bytes
    "#]],
    );
    home.check("file_list", json!({"path": "/tmp", "offset": null}), expect!["[the directory is empty]"]);
    home.check(
        "file_list",
        json!({"path": "b.txt"}),
        expect!["FAILED `/shared/b.txt` is a file: file_read shows what is in it"],
    );
    home.check(
        "file_list",
        json!({"path": "e"}),
        expect!["FAILED `/shared/e` does not exist; `file_list` shows what is in `/shared`"],
    );
    for n in 0..1200 {
        std::fs::write(home.at(&format!("d/{n:04} a longer name")), "").unwrap();
    }
    let told = home.call("file_list", json!({"path": "d"}));
    expect!["[names 1-587 of 1201; go on with offset = 588]"].assert_eq(told.lines().last().unwrap());
    let told = home.call("file_list", json!({"path": "d", "offset": 1200}));
    expect![[r#"
        1199 a longer name	0 bytes
        x	0 bytes
        [names 1200-1201 of 1201]"#]]
    .assert_eq(&told);
}

#[test]
fn searching_names_path_line_and_text() {
    let home = home()
        .has("a.txt", "one\n  two words\n")
        .has("d/b: 7", "two\r\n")
        .has("bin", b"two\0")
        .has("dir/c", format!("{}two{}", "x".repeat(900), "y".repeat(900)));
    symlink("a.txt", home.at("link")).unwrap();
    home.check("file_search", json!({"query": "two"}), expect![[r#"
        /shared/a.txt:2: two words
        /shared/d/b: 7:1: two
        /shared/dir/c:1: …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxtwoyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…
    "#]]);
    home.check(
        "file_search",
        json!({"query": "two", "path": "a.txt"}),
        expect![[r#"
        /shared/a.txt:2: two words
    "#]],
    );
    home.check(
        "file_search",
        json!({"query": "TWO"}),
        expect!["[no line holds it; 4 files were searched; 1 of them are binary and were passed over]"],
    );
    home.check(
        "file_search",
        json!({"query": ""}),
        expect!["FAILED `query` must be some text within one line"],
    );
    home.check(
        "file_search",
        json!({"query": "x", "path": "none"}),
        expect!["FAILED `/shared/none` does not exist; `file_list` shows what is in `/shared`"],
    );
    let home = home.has("many", "hit\n".repeat(300));
    let told = home.call("file_search", json!({"query": "hit"}));
    assert_eq!(told.lines().count(), 201);
    expect!["[the first 200 hits; there are more; narrow the query or the path]"]
        .assert_eq(told.lines().last().unwrap());
}

/// Runs the second attempt at a call whose first one did its work.
fn again(home: &Home, call: impl AsyncFn(&Context) -> Result<String, Failure>) -> (String, String) {
    let workspace = Workspace::open(&home.at(""), &home.dir.path().join("tmp")).unwrap();
    let workspace = Arc::new(workspace);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut run = |attempt| {
        let context = Context::new(workspace.clone(), "the key".into(), attempt);
        runtime.block_on(call(&context)).unwrap_or_else(|failure| format!("FAILED {failure}"))
    };
    (run(1), run(2))
}

#[test]
fn a_repeated_call_changes_nothing_the_second_time() {
    let home = home().has("log", "a\n").has("text", "aa").has("gone", "");
    let mode = Some(super::write::Mode::Append);
    let appended =
        again(&home, async |cx| super::write::file_write(cx, "log".into(), "b\n".into(), mode).await);
    // A filesystem that does not remember who wrote says that it does not know.
    let knows = home.holds("log") == "a\nb\n" && !appended.1.starts_with("FAILED");
    assert!(knows || appended.1.contains("cannot be told"), "{appended:?}");
    assert_eq!(home.holds("log"), "a\nb\n");
    let edited = again(&home, async |cx| {
        super::edit::file_edit(cx, "text".into(), "a".into(), "aa".into(), Some(true)).await
    });
    assert!(
        !knows || (home.holds("text"), edited.1.as_str()) == ("aaaa".into(), "edited `/shared/text`"),
        "{edited:?}"
    );
    let deleted = again(&home, async |cx| super::delete::file_delete(cx, "gone".into(), None).await);
    assert_eq!(deleted, ("deleted `/shared/gone`".into(), "deleted `/shared/gone`".into()));
}

#[test]
fn an_edit_whose_first_attempt_cannot_be_told_is_not_done_twice() {
    let home = home().has("text", "a");
    let workspace = Arc::new(Workspace::open(&home.at(""), &home.dir.path().join("tmp")).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let context = Context::new(workspace, "another".into(), 2);
    let edited =
        runtime.block_on(super::edit::file_edit(&context, "text".into(), "a".into(), "aa".into(), None));
    assert!(edited.is_ok() || edited.unwrap_err().to_string().contains("cannot be told"));
}
