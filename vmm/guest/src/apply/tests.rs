//! Lists of changes against workspaces, with what is there afterwards.
use super::*;
use crate::{
    changes::{Limits, path_of},
    tree::remove_tree,
};
use expect_test::{Expect, expect};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    thread,
};
use wire::{Chunk, Directory, Entry, File, Removed, Symlink, Tally};

struct Workspace {
    home: tempfile::TempDir,
    sent: Tree,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // Before its own end, which does not know what to do about read-only directories.
        let _left = remove_tree(self.home.path());
    }
}

/// A workspace with more in it, sent but for its vault.
fn workspace_with(more: impl FnOnce(&Path)) -> Workspace {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root");
    fs::create_dir_all(root.join("d")).unwrap();
    fs::write(root.join("d/f"), "one").unwrap();
    fs::write(root.join("g"), "two").unwrap();
    fs::write(home.path().join("outside"), "outside").unwrap();
    symlink("..", root.join("out")).unwrap();
    more(&root);
    let sent = Tree::read(&root, &[path("vault"), path("d/vault")]).unwrap();
    Workspace { home, sent }
}

fn workspace() -> Workspace {
    workspace_with(|_| ())
}

impl Workspace {
    fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    fn staging(&self) -> PathBuf {
        self.home.path().join("staging")
    }

    /// Applies entries, files with the text that stands behind them.
    fn apply(&mut self, entries: &[(Entry, &str)]) -> String {
        let mut changes = Changes::begin(&self.staging(), Limits::default()).unwrap();
        let mut bytes = 0;
        for (entry, text) in entries {
            if let Err(error) = changes.entry(entry.clone()) {
                return error.to_string();
            }
            if !text.is_empty() {
                changes.data(text.as_bytes()).unwrap();
                bytes += text.len() as u64;
            }
        }
        let changes = changes.end(&Tally { entries: entries.len() as u64, bytes }).unwrap();
        let root = self.root();
        let applied = changes.apply(&root, &mut self.sent);
        applied.map_or_else(|error| error.to_string(), |()| "applied".to_owned())
    }

    fn shown(&self) -> String {
        let mut lines = Vec::new();
        let mut open = vec![self.root()];
        while let Some(directory) = open.pop() {
            for found in fs::read_dir(directory).unwrap() {
                let place = found.unwrap().path();
                let about = fs::symlink_metadata(&place).unwrap();
                let name = place.strip_prefix(self.root()).unwrap().as_os_str().as_bytes().escape_ascii();
                let mode = about.permissions().mode() & 0o7777;
                if about.is_dir() {
                    lines.push(format!("{name}/ {mode:o}"));
                    open.push(place.clone());
                } else if about.is_symlink() {
                    lines.push(format!("{name} -> {}", fs::read_link(&place).unwrap().display()));
                } else if about.is_file() {
                    lines.push(format!("{name} {mode:o} {}", fs::read_to_string(&place).unwrap()));
                } else {
                    lines.push(format!("{name}, which is no file"));
                }
            }
        }
        lines.sort();
        lines.join(", ")
    }

    fn check(&mut self, entries: &[(Entry, &str)], outcome: Expect) {
        let applied = self.apply(entries);
        outcome.assert_eq(&format!("{applied}\n{}", self.shown()));
        assert!(!self.staging().exists(), "the staging directory is gone");
        assert_eq!(fs::read_to_string(self.home.path().join("outside")).unwrap(), "outside");
    }

    /// Applies entries that are refused, and changes nothing.
    fn check_refused(&mut self, entries: &[(Entry, &str)], why: &str) {
        let before = self.shown();
        assert_eq!(self.apply(entries), why);
        assert_eq!(self.shown(), before, "{why}");
        assert!(!self.staging().exists(), "the staging directory is gone");
        assert_eq!(fs::read_to_string(self.home.path().join("outside")).unwrap(), "outside");
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn file(name: &str, mode: u16, text: &'static str) -> (Entry, &'static str) {
    let bytes = text.len() as u64;
    (Entry::File(File { path: path(name), mode, bytes, modified: 1_000_000_000 }), text)
}

fn gone(name: &str) -> (Entry, &'static str) {
    (Entry::Removed(Removed { path: path(name) }), "")
}

fn directory(name: &str, mode: u16, replaces: bool) -> (Entry, &'static str) {
    (Entry::Directory(Directory { path: path(name), mode, replaces }), "")
}

fn link(name: &str, target: &str) -> (Entry, &'static str) {
    (Entry::Symlink(Symlink { path: path(name), target: Chunk::new(target).unwrap() }), "")
}

fn changed(name: &str) -> String {
    format!("{name} was changed on the host meanwhile; nothing was changed")
}

fn unsent(name: &str) -> String {
    format!("{name} was never sent, and is the host's alone; nothing was changed")
}

#[test]
fn exactly_what_changed_is_applied_and_nothing_is_left_to_send() {
    let mut workspace = workspace();
    let changes = [
        directory("d", 0o700, false),
        file("d/f", 0o4755, "1"),
        directory("e", 0o755, false),
        file("e/new", 0o640, "new"),
        gone("g"),
        link("l", "/etc/passwd"),
    ];
    workspace.check(
        &changes,
        expect![[r#"
        applied
        d/ 700, d/f 755 1, e/ 755, e/new 640 new, l -> /etc/passwd, out -> .."#]],
    );
    let now = Tree::read(&workspace.root(), &[]).unwrap();
    assert!(workspace.sent.delta(&now).is_empty(), "both sides have the same");
}

#[test]
fn kinds_can_change() {
    let mut workspace = workspace_with(|root| {
        fs::create_dir(root.join("d/e")).unwrap();
        fs::write(root.join("d/e/f"), "two").unwrap();
    });
    let changes = [
        directory("d", 0o755, true),
        directory("d/e", 0o700, false),
        // Names that were there before, too.
        link("d/e/f", "x"),
        file("d/f", 0o644, "1"),
        file("d/other", 0o644, "2"),
        directory("g", 0o755, true),
        file("g/in", 0o600, "3"),
        directory("out", 0o755, true),
        file("out/outside", 0o644, "in here"),
    ];
    workspace.check(
        &changes,
        expect![[r#"
        applied
        d/ 755, d/e/ 700, d/e/f -> x, d/f 644 1, d/other 644 2, g/ 755, g/in 600 3, out/ 755, out/outside 644 in here"#]],
    );
    workspace.check(
        &[file("d", 0o644, "flat"), gone("g"), link("out", "d")],
        expect![[r#"
        applied
        d 644 flat, out -> d"#]],
    );
    let now = Tree::read(&workspace.root(), &[]).unwrap();
    assert!(workspace.sent.delta(&now).is_empty(), "both sides have the same");
}

#[test]
fn a_list_that_makes_no_sense_is_refused_when_it_comes() {
    let lists = [
        vec![file("g", 0o644, "1"), file("g", 0o644, "2")],
        vec![directory("d", 0o755, false), gone("d")],
        vec![file("g", 0o644, "1"), file("g/in", 0o644, "2")],
        vec![gone("d"), file("d/f", 0o644, "1")],
        vec![link("l", "d"), file("l/f", 0o644, "1")],
        vec![file("out/outside", 0o644, "1")],
        vec![file("d/f", 0o644, "1")],
        vec![directory("d", 0o755, false), file("d/e/f", 0o644, "1")],
        vec![gone("g"), directory("d", 0o755, false)],
        vec![directory("d", 0o755, false), gone("d.txt"), gone("d/f")],
    ];
    for list in lists {
        let last = path_of(&list.last().unwrap().0).unwrap();
        let why = format!(
            "the guest answered a list of changes with {last} out of its order, which nobody asked for"
        );
        workspace().check_refused(&list, &why);
    }
}

#[test]
fn what_was_never_sent_is_not_touched() {
    let begin = || {
        workspace_with(|root| {
            fs::create_dir_all(root.join("vault/old")).unwrap();
            fs::write(root.join("vault/key"), "secret").unwrap();
            fs::set_permissions(root.join("vault"), fs::Permissions::from_mode(0o700)).unwrap();
            drop(UnixListener::bind(root.join("socket")).unwrap());
            fs::create_dir_all(root.join("e/deep")).unwrap();
            drop(UnixListener::bind(root.join("e/deep/socket")).unwrap());
        })
    };
    let vault = |more| [directory("vault", 0o777, false), more];
    let all = [
        (vault(file("vault/planted", 0o644, "x")).to_vec(), "vault"),
        (vault(gone("vault/key")).to_vec(), "vault"),
        (vault(directory("vault/x", 0o755, false)).to_vec(), "vault"),
        (vec![directory("vault", 0o777, true)], "vault"),
        (vec![file("vault", 0o644, "x")], "vault"),
        (vec![link("vault", "d")], "vault"),
        (vec![gone("vault")], "vault"),
        (vec![file("socket", 0o644, "x")], "socket"),
        (vec![gone("socket")], "socket"),
        (vec![directory("socket", 0o755, false)], "socket"),
        // What the guest could not see would go with the directory that it removes.
        (vec![gone("e")], "e/deep/socket"),
        (vec![directory("e", 0o755, true)], "e/deep/socket"),
        (vec![file("e", 0o755, "x")], "e/deep/socket"),
    ];
    for (list, whose) in all {
        begin().check_refused(&list, &unsent(whose));
    }
    // What stays stays also where there is nothing.
    let nothing = [
        (vec![file("vault", 0o644, "x")], "vault"),
        (vec![directory("d", 0o755, false), file("d/vault", 0o644, "x")], "d/vault"),
        (vec![directory("d", 0o755, true), directory("d/vault", 0o755, false)], "d/vault"),
    ];
    for (list, whose) in nothing {
        workspace().check_refused(&list, &unsent(whose));
    }
    // And it does not go with what it is in.
    let inner = |root: &Path| {
        fs::create_dir(root.join("d/vault")).unwrap();
        fs::write(root.join("d/vault/key"), "secret").unwrap();
    };
    workspace_with(inner).check_refused(&[gone("d")], &unsent("d/vault"));
    let mut beside = begin();
    assert_eq!(beside.apply(&[directory("v", 0o755, false), file("vaults", 0o644, "1")]), "applied");
}

#[test]
fn what_is_in_conflict_is_told_once_and_with_its_number() {
    let list = [
        file("g", 0o644, "1"),
        directory("socket", 0o755, false),
        file("socket/in", 0o644, "1"),
        directory("vault", 0o755, false),
    ];
    let mut workspace = workspace_with(|root| drop(UnixListener::bind(root.join("socket")).unwrap()));
    let why = "socket was never sent, and is the host's alone, and 1 more places are the host's; nothing was changed";
    workspace.check_refused(&list, why);
}

#[test]
fn what_the_host_changed_meanwhile_is_not_lost() {
    let mut workspace = workspace_with(|root| fs::create_dir(root.join("e")).unwrap());
    let root = workspace.root();
    fs::write(root.join("g"), "mine").unwrap();
    fs::write(root.join("d/mine"), "mine").unwrap();
    fs::create_dir(root.join("new")).unwrap();
    fs::rename(root.join("e"), root.join("moved")).unwrap();
    fs::create_dir(root.join("e")).unwrap();
    let in_d = |entry| [directory("d", 0o755, false), entry];
    let in_e = [directory("e", 0o755, false), file("e/f", 0o644, "theirs")];
    workspace.check_refused(&[file("g", 0o644, "theirs"), file("h", 0o644, "x")], &changed("g"));
    workspace.check_refused(&[gone("d")], &changed("d/mine"));
    workspace.check_refused(&[directory("d", 0o755, true)], &changed("d/mine"));
    workspace.check_refused(&in_d(file("d/mine", 0o644, "theirs")), &changed("d/mine"));
    workspace.check_refused(&in_d(directory("d/mine", 0o755, false)), &changed("d/mine"));
    workspace.check_refused(&in_e, &changed("e"));
    workspace.check_refused(&[directory("new", 0o700, false)], &changed("new"));
    fs::remove_file(root.join("g")).unwrap();
    workspace.check_refused(&[file("g", 0o644, "theirs")], &changed("g"));
    // Both removed it.
    assert_eq!(workspace.apply(&[gone("g")]), "applied");
}

#[test]
fn permissions_of_a_directory_are_whose_that_changed_them() {
    let mode = |workspace: &Workspace, mode| {
        fs::set_permissions(workspace.root().join("d"), fs::Permissions::from_mode(mode)).unwrap();
    };
    let list = |mode| [directory("d", mode, false), file("d/new", 0o644, "1")];
    let mut workspace = workspace();
    mode(&workspace, 0o2700);
    workspace.check_refused(&list(0o777), &changed("d"));
    workspace.check(
        &list(0o755),
        expect![[r#"
        applied
        d/ 2700, d/f 644 one, d/new 644 1, g 644 two, out -> .."#]],
    );
    let now = Tree::read(&workspace.root(), &[]).unwrap();
    assert_eq!(workspace.sent.delta(&now).entries(), [directory("d", 0o700, false).0], "the guest is told");
    workspace.sent = now;
    // Bits that no guest knows of stay.
    workspace.check(
        &[directory("d", 0o711, false)],
        expect![[r#"
        applied
        d/ 2711, d/f 644 one, d/new 644 1, g 644 two, out -> .."#]],
    );
}

/// Tells a story as somebody to whom permissions mean something, which they do not to root.
fn as_an_ordinary_user(story: impl FnOnce() + Send) {
    let told = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective = CapabilitySet::empty();
            set_capabilities(None, sets).unwrap();
            story();
        });
        thread.join()
    });
    told.unwrap();
}

fn shut(root: &Path, names: &[&str]) {
    for name in names {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o555)).unwrap();
    }
}

#[test]
fn a_read_only_directory_is_made_with_what_is_in_it_and_removed_again() {
    as_an_ordinary_user(|| {
        let mut workspace = workspace();
        let module = [
            directory("mod", 0o555, false),
            file("mod/file", 0o444, "1"),
            directory("mod/in", 0o555, false),
            file("mod/in/file", 0o444, "2"),
            link("mod/in/link", "file"),
        ];
        workspace.check(
            &module,
            expect![[r#"
                applied
                d/ 755, d/f 644 one, g 644 two, mod/ 555, mod/file 444 1, mod/in/ 555, mod/in/file 444 2, mod/in/link -> file, out -> .."#]],
        );
        workspace.check(
            &[gone("mod")],
            expect![[r#"
                applied
                d/ 755, d/f 644 one, g 644 two, out -> .."#]],
        );
    });
}

#[test]
fn what_is_in_a_read_only_directory_of_the_host_can_be_changed() {
    let begin = || {
        workspace_with(|root| {
            fs::create_dir_all(root.join("d/in/old")).unwrap();
            fs::write(root.join("d/in/old/f"), "three").unwrap();
            fs::create_dir(root.join("d/stays")).unwrap();
            shut(root, &["d/in/old", "d/in", "d/stays", "d"]);
        })
    };
    as_an_ordinary_user(|| {
        let changes = [
            directory("d", 0o555, false),
            file("d/f", 0o444, "1"),
            directory("d/in", 0o500, false),
            directory("d/in/new", 0o555, false),
            file("d/in/new/f", 0o444, "2"),
            gone("d/in/old"),
        ];
        begin().check(
            &changes,
            expect![[r#"
                applied
                d/ 555, d/f 444 1, d/in/ 500, d/in/new/ 555, d/in/new/f 444 2, d/stays/ 555, g 644 two, out -> .."#]],
        );
        let kinds =
            [directory("d", 0o700, false), file("d/in", 0o644, "flat"), directory("d/stays", 0o555, true)];
        begin().check(
            &kinds,
            expect![[r#"
                applied
                d/ 700, d/f 644 one, d/in 644 flat, d/stays/ 555, g 644 two, out -> .."#]],
        );
    });
}

#[test]
fn what_fails_in_a_read_only_directory_is_taken_back() {
    as_an_ordinary_user(|| {
        let workspace = workspace_with(|root| {
            fs::create_dir_all(root.join("d/old")).unwrap();
            fs::write(root.join("d/old/f"), "three").unwrap();
            shut(root, &["d/old", "d"]);
        });
        let list = [
            directory("d", 0o511, false),
            gone("d/f"),
            directory("d/new", 0o555, false),
            link("d/new/l", "x"),
            gone("d/old"),
            gone("g"),
        ];
        let told = stopped(&workspace, &list, |root| fs::write(root.join("g"), "mine").unwrap());
        expect![[r#"
            g: it was changed on the host just now
            d/ 555, d/f 644 one, d/old/ 555, d/old/f 644 three, g 644 mine, out -> .."#]]
        .assert_eq(&told);
        assert!(!workspace.staging().exists(), "the staging directory is gone");
    });
}

#[test]
fn whatever_a_guest_says_its_owner_can_read_what_it_made() {
    as_an_ordinary_user(|| {
        let mut workspace = workspace();
        workspace.check(
            &[
                directory("d", 0o000, false),
                directory("e", 0o007, false),
                file("e/f", 0o000, "1"),
                file("g", 0o002, "2"),
            ],
            expect![[r#"
                applied
                d/ 500, d/f 644 one, e/ 507, e/f 400 1, g 402 2, out -> .."#]],
        );
        let now = Tree::read(&workspace.root(), &[]).unwrap();
        assert!(workspace.sent.delta(&now).is_empty(), "both sides have the same");
    });
}

#[test]
fn names_are_bytes_and_hard_links_are_files() {
    let mut workspace = workspace_with(|root| {
        fs::hard_link(root.join("d/f"), root.join("d/second")).unwrap();
    });
    let name = TreePath::new(b"\xff\n\x1b[2J".to_vec()).unwrap();
    let strange = Entry::File(File { path: name, mode: 0o644, bytes: 0, modified: 0 });
    workspace.check(
        &[directory("d", 0o755, false), file("d/f", 0o644, "1"), gone("g"), (strange, "")],
        expect![[r#"
            applied
            \xff\n\x1b[2J 644 , d/ 755, d/f 644 1, d/second 644 one, out -> .."#]],
    );
    assert_eq!(fs::metadata(workspace.root().join("d/second")).unwrap().nlink(), 1);
}

#[test]
fn the_staging_directory_is_no_place_for_changes() {
    let mut workspace = workspace();
    let inside = workspace.root().join("staging");
    let list = [directory("staging", 0o755, false), file("staging/1", 0o644, "x")];
    let mut changes = Changes::begin(&inside, Limits::default()).unwrap();
    for (entry, text) in &list {
        changes.entry(entry.clone()).unwrap();
        if !text.is_empty() {
            changes.data(text.as_bytes()).unwrap();
        }
    }
    let changes = changes.end(&Tally { entries: 2, bytes: 1 }).unwrap();
    let refused = changes.apply(&workspace.root(), &mut workspace.sent).unwrap_err();
    assert_eq!(refused.to_string(), changed("staging"));
    assert!(!inside.exists());
}

/// Carries out a plan that the owner stops, who is quicker than its steps, and takes it back.
fn stopped(workspace: &Workspace, list: &[(Entry, &str)], owner: impl FnOnce(&Path)) -> String {
    let (root, staging) = (workspace.root(), workspace.staging());
    let mut changes = Changes::begin(&staging, Limits::default()).unwrap();
    for (entry, _) in list {
        changes.entry(entry.clone()).unwrap();
    }
    let changes = changes.end(&Tally { entries: list.len() as u64, bytes: 0 }).unwrap();
    let opened = Root::open(&root).unwrap();
    let plan = Plan::make(&opened, &workspace.sent, changes.list()).unwrap();
    owner(&root);
    let mut ledger = Ledger::begin(&opened, &workspace.sent, &staging).unwrap();
    let (place, why) = ledger.carry_out(&plan).unwrap_err();
    ledger.take_back().unwrap();
    format!("{place}: {why}\n{}", workspace.shown())
}

#[test]
fn what_fails_in_the_middle_is_taken_back() {
    let mut workspace = workspace();
    let list = [
        directory("d", 0o711, false),
        gone("d/f"),
        link("d/l", "x"),
        directory("e", 0o750, false),
        link("e/l", "x"),
        file("g", 0o600, ""),
    ];
    let told = stopped(&workspace, &list, |root| fs::write(root.join("g"), "mine").unwrap());
    expect![[r#"
        g: it was changed on the host just now
        d/ 755, d/f 644 one, g 644 mine, out -> .."#]]
    .assert_eq(&told);
    workspace.sent = Tree::read(&workspace.root(), &[]).unwrap();
    workspace.check(
        &[file("g", 0o644, "3")],
        expect![[r#"
        applied
        d/ 755, d/f 644 one, g 644 3, out -> .."#]],
    );
}

#[test]
fn what_its_owner_does_late_in_a_directory_that_goes_is_not_lost() {
    let deep = |root: &Path| {
        fs::create_dir(root.join("d/e")).unwrap();
        fs::write(root.join("d/e/f"), "two").unwrap();
    };
    let late: [(fn(&Path), _); 3] = [
        (
            |root| fs::write(root.join("d/e/mine"), "mine").unwrap(),
            expect![[r#"
                d: d/e/mine was changed on the host meanwhile
                d/ 755, d/e/ 755, d/e/f 644 two, d/e/mine 644 mine, d/f 644 one, g 644 two, out -> .."#]],
        ),
        (
            |root| fs::write(root.join("d/e/f"), "mine").unwrap(),
            expect![[r#"
                d: d/e/f was changed on the host meanwhile
                d/ 755, d/e/ 755, d/e/f 644 mine, d/f 644 one, g 644 two, out -> .."#]],
        ),
        (
            |root| drop(UnixListener::bind(root.join("d/e/socket")).unwrap()),
            expect![[r#"
                d: d/e/socket was never sent, and is the host's alone
                d/ 755, d/e/ 755, d/e/f 644 two, d/e/socket, which is no file, d/f 644 one, g 644 two, out -> .."#]],
        ),
    ];
    for (owner, expected) in late {
        for list in [[gone("d")], [directory("d", 0o755, true)], [link("d", "x")]] {
            expected.assert_eq(&stopped(&workspace_with(deep), &list, owner));
        }
    }
}

#[test]
fn what_was_moved_away_and_back_is_known_as_what_was_sent() {
    let mut workspace = workspace();
    let list = [directory("d", 0o755, false), gone("d/f"), gone("g")];
    let mut changes = Changes::begin(&workspace.staging(), Limits::default()).unwrap();
    for (entry, _) in &list {
        changes.entry(entry.clone()).unwrap();
    }
    // In the way of the second one that goes.
    fs::create_dir(workspace.staging().join("old-1")).unwrap();
    let changes = changes.end(&Tally { entries: 3, bytes: 0 }).unwrap();
    let failed = changes.apply(&workspace.root(), &mut workspace.sent).unwrap_err();
    assert_eq!(failed.to_string(), "cannot apply g: Is a directory (os error 21); nothing was changed");
    assert_eq!(workspace.apply(&list), "applied");
}

#[test]
fn what_its_owner_changed_on_its_way_back_is_not_known() {
    let mut workspace = workspace();
    let list = [gone("g"), gone("out")];
    stopped(&workspace, &list, |root| {
        fs::remove_file(root.join("out")).unwrap();
        symlink("mine", root.join("out")).unwrap();
    });
    let root = Root::open(&workspace.root()).unwrap();
    workspace.sent.moved_back(&[path("g"), path("out"), path("nothing")], &root);
    let now = Tree::read(&workspace.root(), &[]).unwrap();
    assert_eq!(workspace.sent.delta(&now).entries(), [link("out", "mine").0]);
}

#[test]
fn what_its_owner_saves_over_what_was_applied_outlives_the_way_back() {
    let workspace = workspace();
    let (root, staging) = (workspace.root(), workspace.staging());
    let mut changes = Changes::begin(&staging, Limits::default()).unwrap();
    let list = [
        directory("d", 0o700, false),
        gone("d/f"),
        directory("e", 0o755, false),
        file("e/f", 0o644, ""),
        file("g", 0o644, ""),
        file("h", 0o644, ""),
        link("l", "x"),
        link("m", "x"),
    ];
    for (entry, _) in &list {
        changes.entry(entry.clone()).unwrap();
    }
    let changes = changes.end(&Tally { entries: list.len() as u64, bytes: 0 }).unwrap();
    let opened = Root::open(&root).unwrap();
    let plan = Plan::make(&opened, &workspace.sent, changes.list()).unwrap();
    let mut ledger = Ledger::begin(&opened, &workspace.sent, &staging).unwrap();
    ledger.carry_out(&plan).unwrap();
    // Saved by a rename, into what is there, and instead of a link.
    fs::write(root.join("new"), "mine").unwrap();
    fs::rename(root.join("new"), root.join("g")).unwrap();
    fs::write(root.join("e/f"), "mine").unwrap();
    fs::remove_file(root.join("h")).unwrap();
    fs::remove_file(root.join("l")).unwrap();
    fs::write(root.join("l"), "mine").unwrap();
    let why = ledger.take_back().unwrap_err().to_string();
    assert_eq!(why, "it was changed on the host just now");
    // All others are as they were.
    expect!["d/ 755, d/f 644 one, e/ 700, e/f 644 mine, g 644 mine, l 644 mine, out -> .."]
        .assert_eq(&workspace.shown());
    assert_eq!(fs::read_to_string(staging.join("old-3")).unwrap(), "two", "what was in the way is kept");
}

#[test]
fn an_apply_that_was_interrupted_is_told_with_what_it_moved() {
    let workspace = workspace();
    let (root, staging) = (workspace.root(), workspace.staging());
    let mut changes = Changes::begin(&staging, Limits::default()).unwrap();
    for (entry, _) in [directory("d", 0o755, false), gone("d/f"), gone("g")] {
        changes.entry(entry).unwrap();
    }
    let changes = changes.end(&Tally { entries: 3, bytes: 0 }).unwrap();
    let opened = Root::open(&root).unwrap();
    let plan = Plan::make(&opened, &workspace.sent, changes.list()).unwrap();
    Ledger::begin(&opened, &workspace.sent, &staging).unwrap().carry_out(&plan).unwrap();
    // Here the process ends, and takes nothing back.
    let told = Changes::begin(&staging, Limits::default()).unwrap_err().to_string();
    let told = told.replace(&*workspace.home.path().to_string_lossy(), "");
    expect!["cannot use /staging: an apply was interrupted; /staging/what-was-where says what it moved there, which is to be put back, and the directory removed: File exists (os error 17)"].assert_eq(&told);
    expect![[r#"
        old-0 was d/f
        old-1 was g
    "#]]
    .assert_eq(&fs::read_to_string(staging.join("what-was-where")).unwrap());
    assert_eq!(fs::read_to_string(staging.join("old-1")).unwrap(), "two");
    // Nothing says so any more, and it is the host's all the same.
    fs::write(staging.join("what-was-where"), "").unwrap();
    assert!(Changes::begin(&staging, Limits::default()).unwrap_err().to_string().contains("to be put back"));
}

#[test]
fn a_pull_that_was_interrupted_is_told_and_what_is_somebody_elses_is_not_taken_for_one() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let told = || {
        let told = Changes::begin(&staging, Limits::default()).unwrap_err().to_string();
        told.replace(&*home.path().to_string_lossy(), "")
    };
    let mut changes = Changes::begin(&staging, Limits::default()).unwrap();
    changes.entry(file("f", 0o644, "").0).unwrap();
    // Here the process ends, and removes nothing.
    std::mem::forget(changes);
    expect!["cannot use /staging: a pull or an apply was interrupted, or is under way; nothing of the host's was moved there: if it was interrupted, remove the directory: File exists (os error 17)"].assert_eq(&told());
    fs::write(staging.join("notes"), "mine").unwrap();
    expect!["cannot make /staging: File exists (os error 17)"].assert_eq(&told());
}

#[test]
fn a_guest_that_brings_too_much_or_breaks_its_word_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let limits = Limits { entries: 2, bytes: 10 };
    let begin = || Changes::begin(&staging, limits).unwrap();
    let huge = Entry::File(File { path: path("f"), mode: 0, bytes: u64::MAX, modified: 0 });
    assert!(begin().entry(huge).unwrap_err().to_string().contains("10 bytes"));
    let mut many = begin();
    many.entry(gone("a").0).unwrap();
    many.entry(gone("b").0).unwrap();
    assert!(many.entry(gone("c").0).unwrap_err().to_string().contains("2 entries"));
    drop(many);
    assert!(begin().data(b"stray").is_err());
    let mut short = begin();
    short.entry(file("f", 0, "123").0).unwrap();
    assert!(short.data(b"1234").is_err());
    assert!(short.entry(gone("g").0).is_err());
    drop(short);
    assert!(begin().end(&Tally { entries: 1, bytes: 0 }).is_err());
    assert!(!staging.exists());
}
