//! What version control brought: git's own list says it, with what it brought there; other systems keep none that is as
//! simple, so all of what they checked out may be brought. What cannot be told counts as brought.
use super::index::{self, Entry};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The marks of other version control systems at the root of a checkout.
const OTHERS: [&str; 6] = [".hg", ".svn", ".jj", ".bzr", ".pijul", "_darcs"];

/// What version control lists at a place and below it.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Named from the place; the place itself has no name.
    pub(super) entries: Vec<Entry>,
    /// Whether there is a checkout around it that does not say all it brought.
    pub(super) is_partial: bool,
}

/// Says whether version control brought the file, by any checkout around it.
pub(super) fn brought(file: &Path) -> bool {
    let listed = listed(file);
    listed.is_partial || !listed.entries.is_empty()
}

/// What the checkouts around a place list there.
pub(super) fn listed(place: &Path) -> Listed {
    // As the place is reached and as it is: either way may lead through a checkout.
    let absolute = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let real = fs::canonicalize(place).unwrap_or_else(|_| absolute.clone());
    let mut listed = Listed::default();
    take(&absolute, &mut listed);
    if real != absolute {
        take(&real, &mut listed);
    }
    listed
}

fn take(place: &Path, listed: &mut Listed) {
    // The place itself too: it may be a checkout within another one, which lists no more than that it is one.
    for root in place.ancestors() {
        let git = root.join(".git");
        listed.is_partial |= OTHERS.iter().any(|mark| root.join(mark).is_dir());
        let Ok(name) = place.strip_prefix(root) else { continue };
        if git.exists() {
            match git_lists(&git, name) {
                Some(entries) => listed.entries.extend(entries),
                None => listed.is_partial = true,
            }
        }
    }
}

/// What the index of git lists at a name and below it; `None` when it cannot be told.
fn git_lists(git: &Path, name: &Path) -> Option<Vec<Entry>> {
    let dir = git_dir(git)?;
    // An index in two parts, one of them shared: what is not in the one may be in the other.
    let is_split = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("sharedindex."));
    match fs::read(dir.join("index")) {
        Ok(_) if is_split => None,
        Ok(bytes) => index::below(&bytes, name),
        // No index: nothing was checked out or added yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Vec::new()),
        Err(_) => None,
    }
}

/// Where the data of git is: in a worktree or a submodule, a file says it.
fn git_dir(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = fs::read_to_string(git).ok()?;
    let path = text.strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(path))
}

#[cfg(test)]
mod tests {
    use super::{super::index::fixture::index, *};

    #[test]
    fn git_brought_what_its_index_lists() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let root = place.path().join("work");
        let home = root.join("deep/.oxydra");
        fs::create_dir_all(&home).expect("the directory is made");
        let file = home.join("agent.toml");
        fs::write(&file, "").expect("the file is written");
        assert!(!brought(&file), "there is no checkout");
        let git = root.join(".git");
        fs::create_dir(&git).expect("the directory is made");
        assert!(!brought(&file), "nothing is checked out");
        let write = |bytes: Vec<u8>| fs::write(git.join("index"), bytes).expect("the index is written");
        write(index(2, &["README.md", "agent.toml"]));
        assert!(!brought(&file), "another file");
        for version in [2, 3, 4] {
            write(index(version, &["README.md", "deep/.oxydra/agent.toml", "deep/x"]));
            assert!(brought(&file), "version {version}");
            write(index(version, &["README.md"]));
            assert!(!brought(&file), "version {version}");
        }
        write(b"what is this".to_vec());
        assert!(brought(&file), "nobody can tell");
        write(index(2, &[]));
        assert!(!brought(&file));
        fs::write(git.join("sharedindex.1"), "").expect("the index is written");
        assert!(brought(&file), "the other half may list it");
    }

    #[test]
    fn a_place_that_is_a_checkout_of_its_own_says_itself_what_came() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let home = place.path().join("work/.oxydra");
        fs::create_dir_all(place.path().join("work/.git/modules/home")).expect("the directory is made");
        fs::create_dir_all(&home).expect("the directory is made");
        let git = place.path().join("work/.git");
        fs::write(git.join("index"), index(2, &[".oxydra/"])).expect("the index is written");
        fs::write(git.join("modules/home/index"), index(2, &["journal/1.seg"]))
            .expect("the index is written");
        fs::write(home.join(".git"), "gitdir: ../.git/modules/home\n").expect("the file is written");
        let names: Vec<_> = listed(&home).entries.into_iter().map(|entry| entry.name).collect();
        assert!(names.contains(&PathBuf::from("journal/1.seg")), "{names:?}");
    }

    #[test]
    fn a_worktree_says_where_its_index_is_and_a_link_does_not_hide() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let root = place.path().join("work");
        fs::create_dir_all(root.join(".oxydra")).expect("the directory is made");
        fs::create_dir_all(place.path().join("main/.git/worktrees/work")).expect("the directory is made");
        fs::write(root.join(".git"), "gitdir: ../main/.git/worktrees/work\n").expect("the file is written");
        fs::write(place.path().join("main/.git/worktrees/work/index"), index(2, &[".oxydra/agent.toml"]))
            .expect("the index is written");
        fs::write(root.join(".oxydra/agent.toml"), "").expect("the file is written");
        assert!(brought(&root.join(".oxydra/agent.toml")));
        let link = place.path().join("home");
        std::os::unix::fs::symlink(root.join(".oxydra"), &link).expect("the link is made");
        assert!(brought(&link.join("agent.toml")));
        fs::write(root.join(".git"), "nonsense").expect("the file is written");
        assert!(brought(&root.join(".oxydra/agent.toml")), "nobody can tell");
    }
}
