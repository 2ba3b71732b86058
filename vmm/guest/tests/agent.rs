//! The host's side against the agent's, over a pair of sockets: what one says, the other understands.
use agent::{
    hands::Hands,
    launch::Launcher,
    reaper::Reaper,
    serve::{Guest, serve},
    sessions::Sessions,
    workspace::Workspace,
};
use guest::{Conversation, GuestError, Limits, Tree};
use std::{
    fs::{self, File},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Mutex,
    thread,
};
use wire::Refusal;

#[test]
fn a_tree_goes_to_a_guest_and_changes_come_back() {
    let home = tempfile::tempdir().expect("a directory");
    let at = |name: &str| home.path().join(name);
    let workspace = Workspace::new(at("layers"), None).expect("layers");
    let hands = Hands::ready().expect("threads");
    let launcher = Launcher::new(Reaper::start(), "/nowhere".into(), hands, Vec::new());
    let sessions = Sessions::new(launcher, at("sessions"), at("layers/upper"), None);
    let served = Guest { sessions, workspace: Mutex::new(workspace), power_off: || () };
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    thread::spawn(move || serve(&served, File::from(OwnedFd::from(theirs))));
    let mut conversation = Conversation::begin(ours, "test").expect("it is an agent");
    assert_eq!(conversation.welcome().agent.as_str(), agent::VERSION);

    let root = at("root");
    for number in 0..20 {
        let folder = root.join(format!("folder-{}", number % 3));
        fs::create_dir_all(&folder).expect("a directory");
        fs::write(folder.join(format!("{number}.txt")), "x".repeat(number * 10_000)).expect("a file");
    }
    let mut sent = Tree::read(&root, &[]).expect("a tree");
    let tally = conversation.push(&root, &Tree::default().delta(&sent), true).expect("it is taken");
    assert_eq!(tally.entries, 23);
    let same = |name: &str| fs::read(root.join(name)).ok() == fs::read(at("layers/lower").join(name)).ok();
    assert!(same("folder-1/19.txt") && same("folder-0/0.txt"));

    // A delta of the host, then a change of the guest.
    fs::remove_file(root.join("folder-0/0.txt")).expect("it is there");
    let now = Tree::read(&root, &[]).expect("a tree");
    let delta = sent.delta(&now);
    assert_eq!(delta.entries().len(), 1);
    conversation.push(&root, &delta, false).expect("it is taken");
    sent = now;
    assert!(same("folder-0/0.txt"));

    fs::create_dir_all(at("layers/upper/made")).expect("a directory");
    fs::write(at("layers/upper/made/in-the-guest"), "y".repeat(200_000)).expect("a file");
    // Where there is no place for them, they are not asked for: the next answer is the next question's.
    fs::create_dir(at("staging")).expect("a directory");
    assert!(matches!(conversation.pull(&at("staging"), Limits::default()), Err(GuestError::Host { .. })));
    fs::remove_dir(at("staging")).expect("it is empty");
    let changes = conversation.pull(&at("staging"), Limits::default()).expect("they come");
    let told: Vec<_> = changes.list().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["directory made/ 755", "file      made/in-the-guest 644, 200000 bytes"]);
    changes.apply(&root, &mut sent).expect("they apply");
    conversation.settle(true).expect("it keeps them");
    assert!(same("made/in-the-guest"));
    assert!(sent.delta(&Tree::read(&root, &[]).expect("a tree")).is_empty());

    // What is over the limit is not brought.
    fs::write(at("layers/upper/more"), "z".repeat(100)).expect("a file");
    let limits = Limits { entries: 1, bytes: 99 };
    assert!(matches!(conversation.pull(&at("staging"), limits), Err(GuestError::TooMuch { .. })));
}

#[test]
fn a_refusal_is_told_as_one() {
    let home = tempfile::tempdir().expect("a directory");
    let at = |name: &str| home.path().join(name);
    let workspace = Workspace::new(at("layers"), None).expect("layers");
    let hands = Hands::ready().expect("threads");
    let launcher = Launcher::new(Reaper::start(), "/nowhere".into(), hands, Vec::new());
    let sessions = Sessions::new(launcher, at("sessions"), at("layers/upper"), None);
    let served = Guest { sessions, workspace: Mutex::new(workspace), power_off: || () };
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    thread::spawn(move || serve(&served, File::from(OwnedFd::from(theirs))));
    let mut conversation = Conversation::begin(ours, "test").expect("it is an agent");
    let refused = conversation.attach(wire::CallId(1), (0, 0), |_, _| ()).expect_err("there is no call");
    assert!(matches!(refused, GuestError::Refused(refused) if refused.kind == Refusal::Unknown));
    assert!(conversation.status().expect("the conversation goes on").sessions.as_slice().is_empty());
}
