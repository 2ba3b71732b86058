//! What came with a checkout and acts, or leads elsewhere: a journal whose runs go on by themselves, lists of what was said,
//! guests, and links. It looks at names and kinds only; what is in them is for those who read them.
use super::{
    Ledger,
    checkout::{self, Listed},
    index::{Entry, Kind},
};
use std::{
    collections::VecDeque,
    fmt, fs,
    path::{Path, PathBuf},
};

/// The parts of a home that act, and what they bring.
const PARTS: [(&str, &str); 3] = [
    ("journal", "runs, which go on by themselves, and what was said in them"),
    ("view", "lists of what was said"),
    ("guest", "guests, and what they start from"),
];

/// Where files of the work lie, in a workspace: no link in there is followed out.
const WORK: [&str; 2] = ["shared", "tmp"];

/// So deep links of the program's own matter: `workspaces/<user>/<name>`.
const DEPTH_MAX: usize = 3;

/// So many names are looked at where no list says what came; a home of this program has far fewer.
const NAMES_MAX: usize = 10_000;

/// Something that came with a checkout and waits for a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brought {
    name: PathBuf,
    what: What,
    /// What tells it from another of the same name.
    pub(super) id: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Part(&'static str),
    Link(PathBuf),
    Tree,
    Unseen,
}

impl fmt::Display for Brought {
    /// One line, whatever is in the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.as_os_str().is_empty() { Path::new(".") } else { &self.name };
        let name = name.as_os_str().to_string_lossy();
        match &self.what {
            What::Part(what) => write!(f, "{}: {what}", name.escape_debug()),
            What::Link(to) => {
                let to = to.as_os_str().to_string_lossy();
                write!(f, "{}: a link to {}", name.escape_debug(), to.escape_debug())
            }
            What::Tree => write!(f, "{}: a checkout of its own", name.escape_debug()),
            What::Unseen => {
                write!(
                    f,
                    "{}: more than {NAMES_MAX} names, not all of which were looked at",
                    name.escape_debug()
                )
            }
        }
    }
}

impl Brought {
    /// Whether it is something that acts by itself.
    pub(super) fn acts(&self) -> bool {
        matches!(self.what, What::Part(_))
    }
}

/// What came with a checkout around a home and acts there. What was begun here did not come.
pub fn brought(home: &Path, ledger: Option<&Ledger>) -> Vec<Brought> {
    let listed = checkout::listed(home);
    let is_begun = || ledger.is_some_and(|ledger| ledger.began(home));
    let is_unlisted = listed.is_partial && !is_begun();
    let parts = PARTS.iter().filter_map(|(name, what)| part(home, name, what, &listed, is_unlisted));
    let mut all: Vec<_> = parts.chain(links(home, &listed)).collect();
    all.sort();
    all.dedup_by(|one, other| one.name == other.name && one.what == other.what && one.id == other.id);
    all
}

/// Whether something around a home does not say all that it brought, so that it is worth writing down what begins here.
pub(super) fn is_unlisted(home: &Path) -> bool {
    checkout::listed(home).is_partial
}

fn part(home: &Path, name: &str, what: &'static str, listed: &Listed, is_unlisted: bool) -> Option<Brought> {
    let there = |entry: &Entry| fs::symlink_metadata(home.join(&entry.name)).is_ok();
    let hits = || listed.entries.iter().filter(|entry| entry.name.starts_with(name));
    let holds_something = || fs::read_dir(home.join(name)).is_ok_and(|mut entries| entries.next().is_some());
    let is_there = hits().any(there) || is_unlisted && holds_something();
    if !is_there {
        return None;
    }
    // By what git brought, not by what stands there: runs that go on write more, and take away.
    let mut hasher = blake3::Hasher::new();
    for Entry { name, id, .. } in hits() {
        hasher.update(name.as_os_str().as_encoded_bytes()).update(b"\0").update(id);
    }
    let id = hasher.finalize().as_bytes().to_vec();
    Some(Brought { name: name.into(), what: What::Part(what), id })
}

fn links(home: &Path, listed: &Listed) -> Vec<Brought> {
    let mut all = Vec::new();
    for Entry { name, kind, id } in listed.entries.iter().filter(|entry| !is_work(&entry.name)) {
        let to = fs::read_link(at(home, name));
        let what = match (kind, to) {
            (Kind::Link, Ok(to)) => What::Link(to),
            // A tree around the home has brought files, which say so themselves.
            (Kind::Tree, _) if !name.as_os_str().is_empty() => What::Tree,
            (Kind::Link | Kind::File | Kind::Tree, _) => continue,
        };
        all.push(Brought { name: name.clone(), what, id: id.clone() });
    }
    if listed.is_partial {
        look(home, &mut all);
    }
    all
}

/// The path of a name. A home joined with nothing would end with a stroke, and be what it leads to.
fn at(home: &Path, name: &Path) -> PathBuf {
    if name.as_os_str().is_empty() { home.to_owned() } else { home.join(name) }
}

/// Whether a name lies in a directory of the work.
fn is_work(name: &Path) -> bool {
    let parts: Vec<_> = name.iter().collect();
    parts.len() > DEPTH_MAX && parts[0] == "workspaces" && WORK.iter().any(|work| parts[2] == *work)
}

/// Finds the links of a home where no list says which of them came, and says where it stopped looking.
fn look(home: &Path, all: &mut Vec<Brought>) {
    let mut left = NAMES_MAX;
    let mut open = VecDeque::from([PathBuf::new()]);
    while let Some(name) = open.pop_front() {
        let path = at(home, &name);
        if let Ok(to) = fs::read_link(&path) {
            all.push(Brought { name, what: What::Link(to), id: Vec::new() });
            continue;
        }
        if name.iter().count() >= DEPTH_MAX {
            continue;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let Some(fewer) = left.checked_sub(1) else {
                all.push(Brought { name: PathBuf::new(), what: What::Unseen, id: Vec::new() });
                return;
            };
            left = fewer;
            open.push_back(name.join(entry.file_name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::index::fixture::index, *};
    use std::os::unix::fs::symlink;

    struct Made(tempfile::TempDir);

    impl Made {
        /// A home with a journal and a workspace whose shared directory leads elsewhere.
        fn new() -> Made {
            let place = tempfile::tempdir().expect("a directory for the test");
            let home = place.path().join(".oxydra");
            for name in ["journal", "view", "workspaces/default/tmp"] {
                fs::create_dir_all(home.join(name)).expect("it is made");
            }
            fs::write(home.join("journal/1.seg"), "").expect("it is written");
            symlink("../../..", home.join("workspaces/default/shared")).expect("it is made");
            symlink("/etc", home.join("workspaces/default/tmp/in")).expect("it is made");
            Made(place)
        }
        fn home(&self) -> PathBuf {
            self.0.path().join(".oxydra")
        }
        fn lists(&self, names: &[&str]) {
            fs::create_dir_all(self.0.path().join(".git")).expect("it is made");
            fs::write(self.0.path().join(".git/index"), index(2, names)).expect("it is written");
        }
        fn said(&self, ledger: Option<&Ledger>) -> Vec<String> {
            brought(&self.home(), ledger).iter().map(ToString::to_string).collect()
        }
    }

    const JOURNAL: &str = "journal: runs, which go on by themselves, and what was said in them";
    const SHARED: &str = "workspaces/default/shared: a link to ../../..";

    #[test]
    fn only_what_git_lists_came() {
        let made = Made::new();
        assert!(made.said(None).is_empty(), "there is no checkout");
        made.lists(&["README.md"]);
        assert!(made.said(None).is_empty(), "a link and a journal of one's own");
        made.lists(&[".oxydra/journal/1.seg", ".oxydra/journal/gone.seg"]);
        assert_eq!(made.said(None), [JOURNAL]);
        made.lists(&[".oxydra/view/gone", ".oxydra/workspaces/default/shared@"]);
        assert_eq!(made.said(None), [SHARED]);
        made.lists(&[".oxydra/workspaces/default/tmp/in@", ".oxydra/workspaces/default/shared"]);
        assert!(made.said(None).is_empty(), "no link out of the work is followed, and a file is no link");
        // What was listed and is gone by now is part of what the owner was told of.
        made.lists(&[".oxydra/journal/1.seg", ".oxydra/journal/gone.seg"]);
        let with = brought(&made.home(), None);
        fs::write(made.home().join("journal/gone.seg"), "").expect("it is written");
        assert_eq!(brought(&made.home(), None), with);
        made.lists(&[".oxydra/workspaces/sub/"]);
        assert_eq!(made.said(None), ["workspaces/sub: a checkout of its own"]);
    }

    #[test]
    fn a_home_that_is_a_link_and_a_name_that_steers_are_said() {
        let made = Made::new();
        fs::rename(made.home(), made.0.path().join("other")).expect("it is moved");
        symlink("other", made.home()).expect("it is made");
        made.lists(&[".oxydra@"]);
        assert_eq!(made.said(None), [".: a link to other"]);
        let to = made.0.path().join("other/logs");
        symlink("a\n\u{1b}[2J", &to).expect("it is made");
        made.lists(&["other/logs@"]);
        assert_eq!(made.said(None), [r"logs: a link to a\n\u{1b}[2J"]);
    }

    #[test]
    fn names_that_nobody_looked_at_are_said() {
        let made = Made::new();
        fs::create_dir(made.0.path().join(".hg")).expect("it is made");
        fs::create_dir(made.home().join("a")).expect("it is made");
        for n in 0..=NAMES_MAX {
            fs::write(made.home().join(format!("a/{n}")), "").expect("it is written");
        }
        let said = made.said(None);
        assert!(
            said.contains(&".: more than 10000 names, not all of which were looked at".to_owned()),
            "{said:?}"
        );
    }

    #[test]
    fn where_no_list_says_it_what_was_begun_here_did_not_come() {
        let made = Made::new();
        fs::create_dir(made.0.path().join(".hg")).expect("it is made");
        let ledger = Ledger::at(made.0.path().join("state"));
        assert_eq!(made.said(Some(&ledger)), [JOURNAL, SHARED]);
        ledger.begin(&made.home()).expect("it is written");
        assert_eq!(made.said(Some(&ledger)), [SHARED]);
        fs::rename(made.home(), made.0.path().join("old")).expect("it is moved");
        fs::create_dir_all(made.home().join("journal")).expect("it is made");
        fs::write(made.home().join("journal/1.seg"), "").expect("it is written");
        assert_eq!(made.said(Some(&ledger)), [JOURNAL], "another home in the same place");
    }
}
