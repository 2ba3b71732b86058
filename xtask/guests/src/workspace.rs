//! The workspace of a thousand files: sent, edited in the guest, brought back and applied, and a second time undone. What
//! the host has afterwards is compared with the same edits made on a copy by hand: contents, permissions, links, and what
//! is gone.
use crate::{
    Fallible, failed,
    work::{SESSION, done, require, text},
};
use guest::{ApplyError, Conversation, Limits, Tree};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use wire::{HostFrame, KillSession, TreePath};

/// How many files there are.
const FILES: usize = 1000;
/// What the guest does. Each line has its counterpart in `by_hand`.
const EDITS: &str = "set -e; cd /workspace
echo changed > dir-1/file-11; echo more >> dir-2/file-2
chmod 600 dir-3/file-3; chmod 711 dir-4
rm dir-5/file-5; rm -r dir-6
rm dir-7/file-7; mkdir dir-7/file-7; echo in > dir-7/file-7/in
rm -r dir-8; mkdir dir-8; echo fresh > dir-8/fresh; echo again > dir-8/file-8
mkdir -p new/deep; echo new > new/deep/file; ln -s ../dir-1 new/link
mkdir -p mod/in; echo 1 > mod/file; echo 2 > mod/in/file; chmod 444 mod/file; chmod 555 mod/in mod
mv dir-9/file-9 dir-9/moved; echo '' > 'dir-9/a name with spaces'
seq 1 20000 > new/large";

fn write(place: &Path, text: &str) -> Fallible<()> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(failed("make a directory"))?;
    }
    fs::write(place, text).map_err(failed(format!("write {}", place.display())))
}

fn fill(root: &Path) -> Fallible<()> {
    for number in 0..FILES {
        write(&root.join(format!("dir-{}/file-{number}", number % 10)), &format!("file {number}\n"))?;
    }
    write(&root.join("vault/key"), "the guest must never see this\n")
}

/// What no guest is sent.
fn vault() -> TreePath {
    TreePath::new("vault").expect("a plain name")
}

/// The guest's edits, made here.
fn by_hand(root: &Path) -> Fallible<()> {
    let at = |name: &str| root.join(name);
    let mode = |name: &str, mode| {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).map_err(failed("set permissions"))
    };
    let gone = |name: &str| {
        let place = at(name);
        let removed = if place.is_dir() { fs::remove_dir_all(place) } else { fs::remove_file(place) };
        removed.map_err(failed("remove"))
    };
    write(&at("dir-1/file-11"), "changed\n")?;
    write(&at("dir-2/file-2"), "file 2\nmore\n")?;
    mode("dir-3/file-3", 0o600)?;
    mode("dir-4", 0o711)?;
    for name in ["dir-5/file-5", "dir-6", "dir-7/file-7", "dir-8"] {
        gone(name)?;
    }
    write(&at("dir-7/file-7/in"), "in\n")?;
    write(&at("dir-8/fresh"), "fresh\n")?;
    write(&at("dir-8/file-8"), "again\n")?;
    write(&at("new/deep/file"), "new\n")?;
    symlink("../dir-1", at("new/link")).map_err(failed("make a link"))?;
    write(&at("mod/file"), "1\n")?;
    write(&at("mod/in/file"), "2\n")?;
    mode("mod/file", 0o444)?;
    mode("mod/in", 0o555)?;
    mode("mod", 0o555)?;
    fs::rename(at("dir-9/file-9"), at("dir-9/moved")).map_err(failed("move"))?;
    write(&at("dir-9/a name with spaces"), "\n")?;
    let numbers: Vec<_> = (1..=20_000).map(|number| format!("{number}\n")).collect();
    write(&at("new/large"), &numbers.concat())
}

/// Everything in a tree: what it is, its permissions and its contents.
fn everything(root: &Path) -> Fallible<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for found in fs::read_dir(&directory).map_err(failed("read a directory"))? {
            let place = found.map_err(failed("read a directory"))?.path();
            let about = fs::symlink_metadata(&place).map_err(failed("look at a file"))?;
            let name = place.strip_prefix(root).expect("it was found beneath it").display().to_string();
            let mode = about.permissions().mode() & 0o7777;
            let what = if about.is_dir() {
                open.push(place);
                format!("directory {mode:o}")
            } else if about.is_symlink() {
                format!("link to {}", fs::read_link(&place).map_err(failed("read a link"))?.display())
            } else {
                format!("file {mode:o} {}", fs::read_to_string(&place).map_err(failed("read a file"))?)
            };
            all.insert(name, what);
        }
    }
    Ok(all)
}

fn same(what: &str, expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Fallible<()> {
    let names = expected.keys().chain(found.keys());
    let wrong: Vec<_> = names.filter(|name| expected.get(*name) != found.get(*name)).take(5).collect();
    require(wrong.is_empty(), || format!("{what}: not as it should be: {wrong:?}"))
}

/// Sends, edits, brings back, applies; edits again and undoes.
pub(crate) fn workspace(guest: &mut Conversation, home: &Path) -> Fallible<()> {
    let (root, copy, staging) = (home.join("workspace"), home.join("by-hand"), home.join("staging"));
    for place in [&root, &copy] {
        fs::create_dir_all(place).map_err(failed("make a workspace"))?;
        fill(place)?;
    }
    by_hand(&copy)?;
    let read = || Tree::read(&root, &[vault()]).map_err(failed("read the workspace"));
    let mut sent = read()?;
    let tally =
        guest.push(&root, &Tree::default().delta(&sent), true).map_err(failed("push the workspace"))?;
    require(tally.entries == FILES as u64 + 10, || format!("{} entries were pushed", tally.entries))?;
    let counted = text(guest, "find /workspace -type f | wc -l; ls -d /workspace/vault 2>/dev/null || true")?;
    require(counted == FILES.to_string(), || format!("the guest counts {counted} files"))?;
    done("a workspace of 1,000 files pushed, the vault not");

    text(guest, EDITS)?;
    let changes = guest.pull(&staging, Limits::default()).map_err(failed("pull the changes"))?;
    let count = changes.list().len();
    changes.apply(&root, &mut sent).map_err(failed("apply the changes"))?;
    same("the workspace after the call", &everything(&copy)?, &everything(&root)?)?;
    require(sent.delta(&read()?).is_empty(), || "there is something left to push after an apply".to_owned())?;
    leave(guest)?;
    guest.settle(true).map_err(failed("keep the changes"))?;
    done(&format!("{count} changes pulled and applied: contents, modes, links and deletions are exact"));

    text(guest, "cd /workspace; rm -r dir-1 new; echo undone > dir-2/file-2; mkdir other")?;
    let changes = guest.pull(&staging, Limits::default()).map_err(failed("pull the changes"))?;
    require(!changes.list().is_empty(), || "the second call changed nothing".to_owned())?;
    drop(changes);
    leave(guest)?;
    guest.settle(false).map_err(failed("drop the changes"))?;
    same("the workspace after an undo", &everything(&copy)?, &everything(&root)?)?;
    let seen = text(guest, "cd /workspace; cat dir-2/file-2 new/deep/file; ls other 2>/dev/null || true")?;
    require(seen == "file 2\nmore\nnew", || format!("after the undo the guest sees {seen}"))?;
    done("a second call undone leaves host and guest as they were");

    // The guest never saw that there is such a directory here.
    text(
        guest,
        "cd /workspace; mkdir -p vault/x; chmod 777 vault; echo planted > vault/key; echo too > dir-2/file-2",
    )?;
    let changes = guest.pull(&staging, Limits::default()).map_err(failed("pull the changes"))?;
    let refused = changes.apply(&root, &mut sent);
    let is_named =
        matches!(&refused, Err(ApplyError::Conflicts(all)) if all.iter().all(|one| one.path == vault()));
    require(is_named, || format!("an apply over the vault: {refused:?}"))?;
    leave(guest)?;
    guest.settle(false).map_err(failed("drop the changes"))?;
    same("the workspace after a refusal", &everything(&copy)?, &everything(&root)?)?;
    done("what a guest makes where the vault is is refused whole, and by name");

    fs::write(root.join("dir-2/file-12"), "from the host\n").map_err(failed("write"))?;
    fs::remove_file(root.join("dir-0/file-10")).map_err(failed("remove"))?;
    let now = read()?;
    let delta = sent.delta(&now);
    require(delta.entries().len() == 2, || format!("the delta is {:?}", delta.entries()))?;
    leave(guest)?;
    guest.push(&root, &delta, false).map_err(failed("push the delta"))?;
    let seen = text(guest, "cd /workspace; cat dir-2/file-12; ls dir-0/file-10 2>/dev/null || true")?;
    require(seen == "from the host", || format!("after the delta the guest sees {seen}"))?;
    done("a delta of two pushed before the next call");
    text(guest, "cd /")?;
    Ok(())
}

/// Makes sure that no process of the session stands in the workspace.
fn leave(guest: &mut Conversation) -> Fallible<()> {
    const KILL: u8 = 9;
    guest
        .ask(&HostFrame::KillSession(KillSession { session: SESSION, signal: KILL }))
        .map_err(failed("end the session"))?;
    guest.ask(&machines::session(SESSION)).map_err(failed("open the session again"))
}
