//! Sessions as a list shows them, and what they used up.
use crate::{
    SessionRow, UsageTotals,
    fixtures::{House, id, said, session, spent, touched, user},
};
use domain::{MessageSaid, SessionTouched};
use engine::Time;
use expect_test::{Expect, expect};

fn row(row: &SessionRow) -> String {
    let SessionRow { session, user, begun, at, title, latest, turns } = row;
    format!("{session} of {user}: {title} at {}, {latest} at {}, {turns} turns", begun.0, at.0)
}

fn check_list(house: &House, of: &str, expected: Expect) {
    let rows = house.store.sessions(&user(of)).expect("readable");
    expected.assert_eq(&rows.iter().map(row).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_newest_touch_is_shown_and_comes_first() {
    let mut house = House::new();
    for (instance, (of, title)) in (1..).zip([("a", "first"), ("b", "second"), ("a", "third")]) {
        let at = Time(u64::try_from(instance).expect("it is small"));
        house.feed(id(instance, 0, 0), &SessionTouched { at, ..touched(of, "ann", title) });
        house.feed(id(instance, 0, 1), &MessageSaid { at, ..said(of, title) });
        house.feed(id(instance, 1, 0), &said(of, "hello"));
    }
    check_list(
        &house,
        "ann",
        expect![[r#"
            a of ann: first at 1, third at 3, 2 turns
            b of ann: second at 2, second at 2, 1 turns"#]],
    );
    let one = house.store.session(&session("b")).expect("readable").expect("touched");
    assert_eq!(row(&one), "b of ann: second at 2, second at 2, 1 turns");
    assert_eq!(house.store.session(&session("c")), Ok(None));
    check_list(&house, "an", expect![""]);
}

#[test]
fn a_session_stays_with_who_touched_it_first() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &touched("s", "ann", "mine"));
    house.feed(id(2, 0, 0), &touched("s", "bob", "mine now"));
    check_list(&house, "ann", expect!["s of ann: mine at 1, mine at 1, 0 turns"]);
    check_list(&house, "bob", expect![""]);
    house.feed(id(3, 0, 0), &touched("s", "ann", "still mine"));
    check_list(&house, "ann", expect!["s of ann: still mine at 1, still mine at 1, 0 turns"]);
}

#[test]
fn usage_is_summed_per_session_and_lost_attempts_are_counted() {
    let mut house = House::new();
    let group = [
        house.journal.record(id(1, 1, 0), &spent("a", 1, 100)),
        house.journal.record(id(1, 2, 0), &spent("a", 2, 1_000)),
        house.journal.record(id(2, 1, 0), &spent("b", 1, u64::MAX)),
    ];
    house.feed_group(&group).expect("taken");
    house.feed(id(2, 2, 0), &spent("b", 1, 1));
    let totals = |of| house.store.usage(&session(of)).expect("readable");
    let shown =
        |t: UsageTotals| format!("{} calls, {} lost, {}, {}", t.calls, t.lost, t.usage.input, t.usage.cost);
    expect!["2 calls, 1 lost, 1100 tokens, 6 µ$"].assert_eq(&shown(totals("a")));
    expect!["2 calls, 0 lost, 18446744073709551615 tokens, 6 µ$"].assert_eq(&shown(totals("b")));
    assert_eq!(totals("c"), UsageTotals::default());
}
