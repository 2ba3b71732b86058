//! Writing, editing and deleting: what changes, what is refused, and what a second attempt does.
use super::{Home, home};
use crate::{Context, Failure};
use expect_test::expect;
use policy::{REDACTED, Workspace};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::sync::Arc;

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
        REFUSED not run: the arguments of `file_write` do not fit: `mode` must be "replace", "append" or "new", not a text. Write the call again.
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
    home.check("file_write", json!({"path": "env", "content": seen}), expect!["FAILED not written: [REDACTED] stands for something that was taken out before you saw it, and it would be lost from `/shared/env`. Write without it; file_edit changes a file around it"]);
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
fn what_stands_for_a_secret_is_no_content_of_another_file_either() {
    let home = home().has("env", "password = \"hunter2\"\n").has("log", "one\n");
    let seen = home.call("file_read", json!({"path": "env"}));
    for (path, mode) in [("copy/env", "new"), ("copy/env", "replace"), ("log", "append")] {
        let told = home.call("file_write", json!({"path": path, "content": seen, "mode": mode}));
        let expected = format!("FAILED not written: {REDACTED} stands for something that was taken out");
        assert!(told.starts_with(&expected), "{path} {mode}: {told}");
    }
    assert!(!home.at("copy").exists(), "a refused write makes no directories");
    assert_eq!(
        (home.holds("log").as_str(), home.holds("env").as_str()),
        ("one\n", "password = \"hunter2\"\n")
    );
}

#[test]
fn a_file_that_must_be_new_takes_the_place_of_nothing() {
    let home = home().has("a", "old").has("d/x", "");
    symlink("nowhere", home.at("dangling")).unwrap();
    let new = |path: &str| home.call("file_write", json!({"path": path, "content": "new", "mode": "new"}));
    let told = [new("b"), new("b"), new("a"), new("./a"), new("d"), new("dangling"), new("e/f")];
    expect![[r#"
        wrote 3 bytes to `/shared/b`, a new file
        FAILED not written: `/shared/b` exists already, and the mode `new` takes the place of nothing
        FAILED not written: `/shared/a` exists already, and the mode `new` takes the place of nothing
        FAILED not written: `/shared/a` exists already, and the mode `new` takes the place of nothing
        FAILED not written: `/shared/d` exists already, and the mode `new` takes the place of nothing
        FAILED not written: `/shared/dangling` exists already, and the mode `new` takes the place of nothing
        wrote 3 bytes to `/shared/e/f`, a new file"#]]
    .assert_eq(&told.join("\n"));
    assert_eq!((home.holds("a").as_str(), home.holds("b").as_str()), ("old", "new"));
    assert!(!home.at("nowhere").exists());
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
        edit("dos", "b\nc", "b\r\nc"),
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
        FAILED `old_text` and `new_text` are the same: there is nothing to do
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
        json!({"path": "."}),
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
        FAILED `/shared` is refused: it names a directory, not something in one
        FAILED `../secret` is refused: it climbs out of its directory with `..`
        REFUSED not run: the arguments of `file_delete` do not fit: `recursive` must be true or false, not a text. Write the call again."#]].assert_eq(&told.join("\n"));
    assert!(home.dir.path().join("secret").exists());
}

/// Runs the second attempt at a call whose first one did its work.
fn again(home: &Home, call: impl AsyncFn(&Context) -> Result<String, Failure>) -> (String, String) {
    let workspace = Workspace::open(&home.at(""), &home.dir.path().join("tmp")).unwrap();
    let workspace = Arc::new(workspace);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let run = |attempt| {
        let context = Context::new(workspace.clone(), "the key".into(), attempt);
        runtime.block_on(call(&context)).unwrap_or_else(|failure| format!("FAILED {failure}"))
    };
    (run(1), run(2))
}

#[test]
fn a_repeated_write_changes_nothing_the_second_time() {
    let home = home().has("log", "a\n").has("whole", "old");
    let append = Some(crate::files::write::Mode::Append);
    let appended = again(&home, async |cx| {
        crate::files::write::file_write(cx, "log".into(), "b\n".into(), append).await
    });
    // A filesystem that does not remember who wrote says that it does not know.
    let knows = appended.1 == "wrote 2 bytes to `/shared/log`";
    assert!(knows || appended.1.contains("cannot be told"), "{appended:?}");
    assert_eq!(home.holds("log"), "a\nb\n");
    let whole = again(&home, async |cx| {
        crate::files::write::file_write(cx, "whole".into(), "new".into(), None).await
    });
    assert_eq!(
        whole,
        (
            "wrote 3 bytes to `/shared/whole`, in place of 3 bytes".into(),
            "wrote 3 bytes to `/shared/whole`".into()
        )
    );
}

#[test]
fn a_repeated_write_whose_first_attempt_did_nothing_is_carried_out() {
    let home = home().has("a", "old");
    let workspace = Arc::new(Workspace::open(&home.at(""), &home.dir.path().join("tmp")).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let second = Context::new(workspace, "the key".into(), 2);
    let write = crate::files::write::file_write(&second, "a".into(), "new".into(), None);
    assert_eq!(runtime.block_on(write).unwrap(), "wrote 3 bytes to `/shared/a`, in place of 3 bytes");
    assert_eq!(home.holds("a"), "new");
}
