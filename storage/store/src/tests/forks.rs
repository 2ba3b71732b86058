//! Sessions that share what was said in others: read as one conversation, and nothing is copied.
use crate::fixtures::{House, id, line, said, session};
use domain::{Conversation, SessionForked, Unreadable};
use engine::{FactId, Time};

fn forked(new: &str, base: &str, upto: FactId) -> SessionForked {
    SessionForked { session: session(new), base: session(base), upto, at: Time(1) }
}

fn upto(house: &House, of: &str, last: FactId) -> Result<String, Unreadable> {
    let of = session(of);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let read = house.store.upto(&of, last);
    runtime.expect("a runtime").block_on(read).map(|said| line(&said))
}

/// Session `a` with two turns of two messages each.
fn talked() -> House {
    let mut house = House::new();
    for (instance, seq, text) in [(1, 0, "1u"), (1, 1, "1m"), (2, 0, "2u"), (2, 1, "2m")] {
        house.feed(id(instance, seq, 0), &said("a", text));
    }
    house
}

#[test]
fn a_fork_reads_what_it_shares_and_then_its_own() {
    let mut house = talked();
    house.feed(id(9, 0, 0), &forked("b", "a", id(2, 0, 0)));
    assert_eq!(house.messages("b"), "1u 1m 2u");
    house.feed(id(3, 0, 0), &said("b", "3u"));
    house.feed(id(2, 2, 0), &said("a", "later"));
    assert_eq!(house.messages("b"), "1u 1m 2u 3u");
    assert_eq!(house.messages("a"), "1u 1m 2u 2m later");
    assert_eq!(upto(&house, "b", id(1, 1, 0)).as_deref(), Ok("1u 1m"));
    assert_eq!(upto(&house, "b", id(2, 0, 0)).as_deref(), Ok("1u 1m 2u"));
    assert_eq!(upto(&house, "b", id(3, 0, 0)).as_deref(), Ok("1u 1m 2u 3u"));
    assert_eq!(upto(&house, "b", id(2, 1, 0)), Err(Unreadable::Behind(id(2, 1, 0))), "it is not shared");
}

#[test]
fn a_fork_of_a_fork_shares_from_where_it_was_said() {
    let mut house = talked();
    house.feed(id(9, 0, 0), &forked("b", "a", id(2, 1, 0)));
    house.feed(id(3, 0, 0), &said("b", "3u"));
    house.feed(id(9, 1, 0), &forked("c", "b", id(3, 0, 0)));
    house.feed(id(9, 2, 0), &forked("d", "b", id(1, 1, 0)));
    house.feed(id(4, 0, 0), &said("c", "4u"));
    house.feed(id(5, 0, 0), &said("d", "5u"));
    assert_eq!(house.messages("c"), "1u 1m 2u 2m 3u 4u");
    assert_eq!(house.messages("d"), "1u 1m 5u");
    assert_eq!(upto(&house, "c", id(2, 0, 0)).as_deref(), Ok("1u 1m 2u"));
}

#[test]
fn many_forks_one_behind_the_other_are_read_whole() {
    let mut house = talked();
    let mut base = ("a".to_owned(), id(2, 1, 0));
    for n in 0..40_u64 {
        let new = format!("s{n}");
        house.feed(id(100, n, 0), &forked(&new, &base.0, base.1));
        house.feed(id(200, n, 0), &said(&new, &n.to_string()));
        base = (new, id(200, n, 0));
    }
    let own: String = (0..40).map(|n| format!(" {n}")).collect();
    assert_eq!(house.messages("s39"), format!("1u 1m 2u 2m{own}"));
}

#[test]
fn what_shares_nothing_that_is_there_stands_alone() {
    let mut house = talked();
    house.feed(id(9, 0, 0), &forked("b", "a", id(7, 7, 7)));
    house.feed(id(9, 1, 0), &forked("c", "nobody", id(1, 0, 0)));
    // Nor does one in which somebody has spoken already, or that would share itself.
    house.feed(id(9, 2, 0), &forked("a", "a", id(1, 0, 0)));
    house.feed(id(3, 0, 0), &said("e", "mine"));
    house.feed(id(9, 3, 0), &forked("e", "a", id(1, 0, 0)));
    assert_eq!((house.messages("b"), house.messages("c")), (String::new(), String::new()));
    assert_eq!((house.messages("a").as_str(), house.messages("e").as_str()), ("1u 1m 2u 2m", "mine"));
}
