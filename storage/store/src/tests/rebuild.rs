//! A view is a function of the journal: however it was fed, and how often, it holds the same rows.
use crate::{
    Store,
    fixtures::{House, Journal, Moody, feed, id, lsn_of, said, spent, touched},
};
use engine::{
    follow::{Entry, Follower},
    log::Lsn,
};
use proptest::prelude::*;
use std::sync::Arc;

const SESSIONS: [&str; 3] = ["s", "s2", "t"];
const USERS: [&str; 2] = ["ann", "bob"];

#[derive(Debug, Clone)]
enum Said {
    Message { session: usize, instance: u128, seq: u64 },
    Touch { session: usize, user: usize },
    Spent { session: usize, attempt: u32 },
}

fn any_said() -> impl Strategy<Value = Said> {
    let session = 0..SESSIONS.len();
    prop_oneof![
        (session.clone(), 1..5_u128, 0..4_u64).prop_map(|(session, instance, seq)| Said::Message {
            session,
            instance,
            seq
        }),
        (session.clone(), 0..USERS.len()).prop_map(|(session, user)| Said::Touch { session, user }),
        (session, 1..3_u32).prop_map(|(session, attempt)| Said::Spent { session, attempt }),
    ]
}

fn recorded(journal: &Journal, facts: &[Said]) -> Vec<Entry> {
    let record = |(n, fact): (u32, &Said)| match *fact {
        Said::Message { session, instance, seq } => {
            // Later effects may come first: `n` falls as the journal grows.
            journal.record(id(instance, seq, u32::MAX - n), &said(SESSIONS[session], &n.to_string()))
        }
        Said::Touch { session, user } => {
            journal.record(id(9, 0, n), &touched(SESSIONS[session], USERS[user], &n.to_string()))
        }
        Said::Spent { session, attempt } => {
            journal.record(id(9, 1, n), &spent(SESSIONS[session], attempt, u64::from(n)))
        }
    };
    (0..).zip(facts).map(record).collect()
}

/// Feeds all of it in groups of `size`, from where the follower is.
fn feed_all(store: &mut impl Follower, entries: &[Entry], size: usize) {
    let applied = store.applied();
    let rest = entries.iter().skip_while(|entry| lsn_of(entry) <= applied).cloned().collect::<Vec<_>>();
    for group in rest.chunks(size) {
        let last = group.iter().map(lsn_of).max().expect("chunks are not empty");
        store.apply(last, group).expect("taken");
    }
}

/// What `messages` should return, said without tables.
fn read_without_tables(facts: &[Said], of: usize) -> String {
    let mut lines: Vec<(usize, u128, u64, u32)> = Vec::new();
    for (n, fact) in facts.iter().enumerate() {
        if let Said::Message { session, instance, seq } = *fact
            && session == of
        {
            let same = |f: &Said| matches!(f, Said::Message { session, instance: i, .. } if *session == of && *i == instance);
            let first = facts.iter().position(same).expect("at least this one");
            lines.push((first, instance, seq, u32::MAX - n as u32));
        }
    }
    lines.sort_unstable();
    lines.iter().map(|(.., n)| (u32::MAX - n).to_string()).collect::<Vec<_>>().join(" ")
}

proptest! {
    #[test]
    fn however_it_was_fed_it_is_the_same(
        facts in prop::collection::vec(any_said(), 1..40),
        size in 1..7_usize,
        stop in 0..40_usize,
    ) {
        let mut house = House::new();
        let entries = recorded(&house.journal, &facts);
        feed_all(&mut house.follower, &entries, 1);
        let expected = house.view.dump();

        let again = Moody::new();
        let stop = stop.min(entries.len());
        let (store, mut follower) = Store::open(Box::new(again.clone()), house.journal.clone()).expect("opens");
        feed_all(&mut follower, &entries[..stop], size);
        drop((store, follower));
        let (_store, mut follower) = Store::open(Box::new(again.clone()), house.journal.clone()).expect("opens");
        prop_assert_eq!(follower.applied(), Lsn(stop as u64));
        feed_all(&mut follower, &entries, size);
        prop_assert_eq!(again.dump(), expected.clone());

        let whole = Moody::new();
        let (_store, mut follower) = Store::open(Box::new(whole.clone()), Arc::new(Journal::default())).expect("opens");
        feed(&mut follower, &entries).expect("taken");
        prop_assert_eq!(whole.dump(), expected);

        for (of, name) in SESSIONS.iter().enumerate() {
            prop_assert_eq!(house.messages(name), read_without_tables(&facts, of));
        }
    }
}
