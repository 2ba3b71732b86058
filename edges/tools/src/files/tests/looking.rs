//! Reading, listing and searching: what is shown, what is left out, what is refused.
use super::home;
use expect_test::expect;
use serde_json::json;
use std::os::unix::fs::symlink;

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
    symlink("nowhere", home.at("dangling")).unwrap();
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
        "dangling",
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
        FAILED `/shared/dangling` is a link that leads nowhere
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
    home.read(json!({"path": "huge", "offset": 5000}), expect!["FAILED `/shared/huge` is too large for this line range: it has 1.0 GiB, and line 5000 is not among the first 512.0 MiB. file_search finds a text in it"]);
    home.check(
        "file_search",
        json!({"query": "absent", "path": "huge"}),
        expect![
            "[no line holds it; 1 files were searched; stopped after 512 MiB; search below one directory]"
        ],
    );
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
