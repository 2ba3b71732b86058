//! A workspace with everything in it that an attacker would put there.
use super::*;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::unix::{fs::symlink, net::UnixListener};
use std::path::PathBuf;

struct Home {
    dir: tempfile::TempDir,
    workspace: Workspace,
}

impl Home {
    fn shared(&self, name: &str) -> PathBuf {
        self.dir.path().join("shared").join(name)
    }
    fn read(&self, path: &str) -> Result<String, String> {
        let path = VirtualPath::parse(path).map_err(|e| e.to_string())?;
        let mut text = String::new();
        self.workspace
            .read(&path)
            .map_err(|e| e.to_string())?
            .read_to_string(&mut text)
            .map_err(|e| e.to_string())?;
        Ok(text)
    }
    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        let path = VirtualPath::parse(path).map_err(|e| e.to_string())?;
        let mut draft = self.workspace.draft(&path, "k1").map_err(|e| e.to_string())?;
        draft.file().write_all(text.as_bytes()).map_err(|e| e.to_string())?;
        draft.commit().map_err(|e| e.to_string())
    }
    fn names(&self, path: &str) -> Vec<String> {
        let path = VirtualPath::parse(path).unwrap();
        self.workspace.list(&path).unwrap().entries.into_iter().map(|e| e.name).collect()
    }
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    for name in ["shared/sub", "tmp", "secret"] {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("secret/key"), "s3cret").unwrap();
    std::fs::write(at("shared/a.txt"), "alpha").unwrap();
    symlink("a.txt", at("shared/inside")).unwrap();
    symlink("../a.txt", at("shared/sub/up")).unwrap();
    symlink("../secret/key", at("shared/out")).unwrap();
    symlink("../secret", at("shared/outdir")).unwrap();
    symlink(at("shared/a.txt"), at("shared/absolute")).unwrap();
    symlink("/proc/self/root", at("shared/magic")).unwrap();
    symlink("ring2", at("shared/ring1")).unwrap();
    symlink("ring1", at("shared/ring2")).unwrap();
    symlink("sub/later", at("shared/dangling")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("shared/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    drop(UnixListener::bind(at("shared/socket")).unwrap());
    let workspace = Workspace::open(&at("shared"), &at("tmp")).unwrap();
    Home { dir, workspace }
}

#[test]
fn links_inside_are_followed_and_links_out_are_refused() {
    let home = home();
    for path in ["a.txt", "inside", "sub/up", "sub/../a.txt", "/shared/sub/../inside"] {
        assert_eq!(home.read(path).as_deref(), Ok("alpha"), "{path}");
    }
    let refusals = [
        ("out", "leads out of /shared"),
        ("outdir/key", "leads out of /shared"),
        ("absolute", "leads out of /shared"),
        ("magic/etc/passwd", "leads out of /shared"),
        ("outdir/../a.txt", "leads out of /shared"),
        ("ring1", "in a circle"),
        ("pipe", "a named pipe"),
        ("socket", "a socket"),
        ("sub", "a directory"),
        ("a.txt/b", "not a directory"),
        ("none", "does not exist"),
        ("dangling", "does not exist"),
    ];
    for (path, why) in refusals {
        let error = home.read(path).expect_err(path);
        assert!(error.contains(why), "{path}: {error}");
    }
}

#[test]
fn writing_goes_where_the_link_leads_or_is_refused() {
    let home = home();
    home.write("inside", "beta").unwrap();
    assert_eq!(std::fs::read_to_string(home.shared("a.txt")).unwrap(), "beta");
    assert!(home.shared("inside").is_symlink());
    home.write("dangling", "new").unwrap();
    assert_eq!(home.read("sub/later").as_deref(), Ok("new"));
    home.write("deep/er/est/ü \n.txt", "x").unwrap();
    assert_eq!(home.read("deep/er/est/ü \n.txt").as_deref(), Ok("x"));
    assert_eq!(home.names("deep/er/est"), ["ü \\n.txt"]);
    for path in [
        "out",
        "outdir/new",
        "outdir/new/er",
        "absolute",
        "ring1",
        "magic/tmp/x",
        "pipe",
        "socket",
        "sub",
        "a.txt/b",
        "/tmp",
    ] {
        assert!(home.write(path, "evil").is_err(), "{path}");
    }
    assert_eq!(std::fs::read_to_string(home.dir.path().join("secret/key")).unwrap(), "s3cret");
    assert_eq!(std::fs::read_dir(home.dir.path().join("secret")).unwrap().count(), 1);
    assert!(home.names(".").iter().all(|name| !name.contains("oxydra")), "no draft is left");
}

#[test]
fn a_draft_that_is_dropped_or_refused_leaves_no_trace() {
    let home = home();
    let path = VirtualPath::parse("a.txt").unwrap();
    let mut draft = home.workspace.draft(&path, "k1").unwrap();
    draft.file().write_all(b"half").unwrap();
    drop(draft);
    assert_eq!(home.read("a.txt").as_deref(), Ok("alpha"));
    std::mem::forget(home.workspace.draft(&path, "k1").unwrap());
    home.write("a.txt", "whole").unwrap();
    assert!(home.names(".").iter().all(|name| !name.contains("oxydra")));
    let mut permissions = std::fs::metadata(home.shared("a.txt")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(home.shared("a.txt"), permissions).unwrap();
    assert!(home.write("a.txt", "no").unwrap_err().contains("read-only"));
}

#[test]
fn a_file_remembers_the_call_that_wrote_it() {
    let home = home();
    let path = VirtualPath::parse("a.txt").unwrap();
    let before = home.workspace.wrote(&path, "k1").unwrap();
    let draft = home.workspace.draft(&path, "k1").unwrap();
    draft.sign("k1");
    draft.commit().unwrap();
    match home.workspace.wrote(&path, "k1").unwrap() {
        Some(wrote) => assert_eq!((before, wrote), (Some(false), true)),
        None => assert_eq!(before, None, "a filesystem without attributes says so both times"),
    }
    assert_ne!(home.workspace.wrote(&path, "k2").unwrap(), Some(true));
}

#[test]
fn deleting_removes_links_and_never_what_they_lead_to() {
    let home = home();
    let delete = |path: &str| {
        let path = VirtualPath::parse(path).unwrap();
        home.workspace.remove_tree(&path, &|| true).map_err(|e| e.to_string())
    };
    assert_eq!(delete("out"), Ok(1));
    symlink("../../secret", home.shared("sub/out")).unwrap();
    std::fs::create_dir_all(home.shared("sub/x/y")).unwrap();
    assert_eq!(delete("sub"), Ok(5));
    assert!(home.dir.path().join("secret/key").exists());
    for (path, why) in
        [("outdir/key", "leads out"), ("/shared", "names a directory"), ("sub", "does not exist")]
    {
        assert!(delete(path).unwrap_err().contains(why), "{path}");
    }
    let path = VirtualPath::parse("a.txt").unwrap();
    assert!(home.workspace.remove_tree(&path, &|| false).is_err());
    home.workspace.remove(&path).unwrap();
    assert!(home.workspace.remove(&path).is_err());
    std::fs::create_dir(home.shared("d")).unwrap();
    assert!(
        home.workspace
            .remove(&VirtualPath::parse("d").unwrap())
            .unwrap_err()
            .to_string()
            .contains("a directory")
    );
}

#[test]
fn a_fingerprint_changes_with_what_it_is_of() {
    let home = home();
    let print = |path: &str| {
        let path = VirtualPath::parse(path).unwrap();
        home.workspace.fingerprint(&path, &|| true).map_err(|e| e.to_string())
    };
    let is = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(print("a.txt"), is(&fingerprint_of(b"alpha")));
    assert_eq!((print("none"), print("no/ne")), (is(ABSENT), is(ABSENT)));
    assert!(print("outdir/key").unwrap_err().contains("leads out"));
    assert!(print("/shared").unwrap_err().contains("names a directory"));
    for (path, what) in [("inside", "a symlink, "), ("out", "a symlink, "), ("pipe", "a named pipe, ")] {
        assert!(print(path).unwrap().unwrap().starts_with(what), "{path}");
    }
    assert_ne!(print("inside"), print("out"));

    let mut prints = vec![print("sub")];
    let mut note = || prints.push(print("sub"));
    std::fs::create_dir_all(home.shared("sub/x/y")).unwrap();
    note();
    std::fs::write(home.shared("sub/x/f"), "1").unwrap();
    note();
    std::fs::write(home.shared("sub/x/f"), "12").unwrap();
    note();
    std::fs::rename(home.shared("sub/x/f"), home.shared("sub/x/y/f")).unwrap();
    note();
    std::fs::rename(home.shared("sub/x/y/f"), home.shared("sub/x/y/g")).unwrap();
    note();
    std::fs::remove_file(home.shared("sub/up")).unwrap();
    symlink("../b.txt", home.shared("sub/up")).unwrap();
    note();
    let distinct: std::collections::BTreeSet<_> = prints.iter().map(|print| print.clone().unwrap()).collect();
    assert_eq!(distinct.len(), prints.len(), "{prints:?}");
    assert_eq!(print("sub"), *prints.last().unwrap(), "looking changes nothing");
    let sub = VirtualPath::parse("sub").unwrap();
    assert!(home.workspace.fingerprint(&sub, &|| false).unwrap_err().to_string().contains("stopped"));
}

#[test]
fn what_is_too_large_has_another_fingerprint_or_none() {
    let home = home();
    let print =
        |path: &str| home.workspace.fingerprint(&VirtualPath::parse(path).unwrap(), &|| true).unwrap();
    let file = std::fs::File::create(home.shared("large")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    assert!(print("large").unwrap().starts_with("a large file, blake3 "));
    let mut deep = home.shared("deep");
    for _ in 0..130 {
        std::fs::create_dir(&deep).unwrap();
        deep.push("d");
    }
    std::fs::create_dir(home.shared("wide")).unwrap();
    for name in 0..=10_000 {
        std::fs::File::create(home.shared(&format!("wide/{name}"))).unwrap();
    }
    assert_eq!((print("deep"), print("wide")), (None, None));
}

#[test]
fn a_walk_sees_each_regular_file_once() {
    let home = home();
    std::fs::write(home.shared("sub/b"), "").unwrap();
    let walk = |path: &str| {
        let mut seen = Vec::new();
        let path = VirtualPath::parse(path).unwrap();
        let walked = home.workspace.walk(&path, &mut |path, _| {
            seen.push(path.to_string());
            ControlFlow::Continue(())
        });
        walked.map(|w| (seen, w)).map_err(|e| e.to_string())
    };
    let whole = Walked { unread: 0, is_stopped: false };
    assert_eq!(walk("."), Ok((vec!["/shared/a.txt".to_owned(), "/shared/sub/b".to_owned()], whole)));
    assert_eq!(walk("inside"), Ok((vec!["/shared/inside".to_owned()], whole)));
    assert!(walk("outdir").is_err() && walk("pipe").is_err() && walk("none").is_err());
}

#[test]
fn a_workspace_that_is_not_there_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let error = Workspace::open(&dir.path().join("none"), dir.path()).unwrap_err().to_string();
    assert!(error.contains("/shared") && error.contains("none"), "{error}");
}

#[test]
fn drafts_lie_where_nobody_lists_them_and_what_a_kill_leaves_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["shared", "tmp", "drafts"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    let open = || Workspace::open(&at("shared"), &at("tmp")).unwrap().with_drafts(&at("drafts")).unwrap();
    let workspace = open();
    let path = VirtualPath::parse("deep/a.txt").unwrap();
    let mut draft = workspace.draft(&path, "k1").unwrap();
    std::io::Write::write_all(draft.file(), b"alpha").unwrap();
    assert_eq!(std::fs::read_dir(at("shared/deep")).unwrap().count(), 0);
    assert!(at("drafts/.oxydra-k1.tmp").exists());
    draft.commit().unwrap();
    assert_eq!(std::fs::read_to_string(at("shared/deep/a.txt")).unwrap(), "alpha");
    assert_eq!(std::fs::read_dir(at("drafts")).unwrap().count(), 0);
    // A process that is killed drops nothing.
    std::mem::forget(workspace.draft(&path, "k2").unwrap());
    std::fs::write(at("drafts/somebody's"), "").unwrap();
    open();
    let left: Vec<_> =
        std::fs::read_dir(at("drafts")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["somebody's"], "nothing of others is removed");
}

#[test]
fn a_new_file_takes_no_place_that_was_taken_while_it_was_written() {
    let home = home();
    let path = VirtualPath::parse("late.txt").unwrap();
    let mut draft = home.workspace.draft(&path, "k1").unwrap();
    draft.file().write_all(b"ours").unwrap();
    std::fs::write(home.shared("late.txt"), "theirs").unwrap();
    assert!(matches!(draft.commit_new(), Err(FileError::Taken { .. })));
    assert_eq!(home.read("late.txt").unwrap(), "theirs");
    let link = VirtualPath::parse("sub/link").unwrap();
    let draft = home.workspace.draft(&link, "k2").unwrap();
    symlink("nowhere", home.shared("sub/link")).unwrap();
    assert!(matches!(draft.commit_new(), Err(FileError::Taken { .. })), "a symlink has its place too");
    let mut draft = home.workspace.draft(&VirtualPath::parse("early.txt").unwrap(), "k3").unwrap();
    draft.file().write_all(b"first").unwrap();
    draft.commit_new().unwrap();
    assert_eq!(home.read("early.txt").unwrap(), "first");
}
