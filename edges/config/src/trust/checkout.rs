//! Whether version control brought a file: git's own list says it; other systems keep none that is as simple, so all of
//! what they checked out counts as brought. What cannot be told counts as brought.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The marks of other version control systems at the root of a checkout.
const OTHERS: [&str; 6] = [".hg", ".svn", ".jj", ".bzr", ".pijul", "_darcs"];

/// Says whether version control brought the file, by any checkout around it.
pub(super) fn brought(file: &Path) -> bool {
    // As the file is reached and as it is: either way may lead through a checkout.
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let real = fs::canonicalize(file).unwrap_or_else(|_| absolute.clone());
    brought_by_name(&absolute) || real != absolute && brought_by_name(&real)
}

fn brought_by_name(file: &Path) -> bool {
    file.ancestors().skip(1).any(|root| {
        let git = root.join(".git");
        let by_git = git.exists() && file.strip_prefix(root).is_ok_and(|name| git_lists(&git, name));
        by_git || OTHERS.iter().any(|mark| root.join(mark).is_dir())
    })
}

/// Says whether the index of git lists a name.
fn git_lists(git: &Path, name: &Path) -> bool {
    let Some(dir) = git_dir(git) else { return true };
    // An index in two parts, one of them shared: what is not in the one may be in the other.
    let is_split = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("sharedindex."));
    match fs::read(dir.join("index")) {
        Ok(_) if is_split => true,
        Ok(index) => listed(&index, name.as_os_str().as_encoded_bytes()),
        // No index: nothing was checked out or added yet.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
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

/// Looks for a name among the entries of an index. Versions 2 and 3 write names whole; version 4 leaves out what an entry
/// shares with the one before it, so that nothing can be said without reading it all.
fn listed(index: &[u8], name: &[u8]) -> bool {
    let (Some(b"DIRC"), Some(version)) = (index.get(..4), index.get(4..8)) else { return true };
    match version {
        [0, 0, 0, 2 | 3] => {
            let entry: Vec<u8> = name.iter().copied().chain([0]).collect();
            index.windows(entry.len()).any(|window| window == entry)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index as git writes it, as far as it is looked at here.
    fn index(version: u8, names: &[&str]) -> Vec<u8> {
        let mut bytes = b"DIRC\0\0\0".to_vec();
        bytes.push(version);
        bytes.extend(u32::try_from(names.len()).expect("they are few").to_be_bytes());
        for name in names {
            bytes.extend([7; 62]);
            bytes.extend(name.as_bytes());
            bytes.push(0);
        }
        bytes
    }

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
        write(index(3, &["README.md", "deep/.oxydra/agent.toml"]));
        assert!(brought(&file));
        write(index(4, &["README.md"]));
        assert!(brought(&file), "nobody can tell");
        write(b"what is this".to_vec());
        assert!(brought(&file), "nobody can tell");
        write(index(2, &[]));
        assert!(!brought(&file));
        fs::write(git.join("sharedindex.1"), "").expect("the index is written");
        assert!(brought(&file), "the other half may list it");
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
