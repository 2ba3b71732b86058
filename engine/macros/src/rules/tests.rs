//! Tables and what is wrong with them.
use super::check;
use crate::table::Table;
use expect_test::{Expect, expect};

/// Reads the body of a table and prints every complaint, or `fine`.
fn check_body(body: &str, expected: &Expect) {
    check_table(&format!("graph G v1 {{ {body} }}"), expected);
}

fn check_table(table: &str, expected: &Expect) {
    let wrong = match syn::parse_str::<Table>(table) {
        Ok(table) => check(&table).iter().map(ToString::to_string).collect::<Vec<_>>(),
        Err(error) => vec![format!("(not parsed) {error}")],
    };
    expected.assert_eq(&if wrong.is_empty() { "fine".to_string() } else { wrong.join("\n") });
}

#[test]
fn a_table_with_every_kind_of_row_is_fine() {
    check_table(
        "/// Doc.
        pub graph G(Vec<u8>) v12 {
            start A; A -> B; B on x::Ping -> C | A; B on Pong -> B; B after 10m -> End; B asks Job -> C;
            C -> End; end End, Other; stop -> Other; cancel -> C; was v1::A => A; was v2::A => A; lap A;
        }",
        &expect!["fine"],
    );
    check_body("start A; A -> End; end End; cancel -> End; fault -> End;", &expect!["fine"]);
    check_body(
        "start A; A on Go -> A | End; end End; stop -> End; serves Job; serves Other;",
        &expect!["fine"],
    );
}

#[test]
fn every_broken_rule_is_told_at_once() {
    check_body(
        "A -> A; A -> B; A on X -> A | A;",
        &expect![[r#"
            graph `G` has no start state: add `start SomeState;`
            graph `G` can never finish: add `end B;`
            graph `G` does not say where a cancelled, failed or exhausted run goes: add `stop -> B;`
            state `A` is declared twice in graph `G`: join the rows with `|`
            `A` is listed twice in this row: name it once
            state `A` both runs and waits: keep this row alone, or only its `on`, `after` and `asks` rows
            state `A` both runs and waits: keep this row alone, or only its `on`, `after` and `asks` rows"#]],
    );
}

#[test]
fn starts_ends_and_exits_are_said_once() {
    check_body(
        "start A; start B; A -> B; B -> End; end End; end End; stop -> End; stop -> End;",
        &expect![[r#"
            graph `G` already starts at `A`: keep one `start` row
            end `End` is declared twice in graph `G`: name it once
            graph `G` has two `stop` rows: keep one"#]],
    );
    check_body(
        "start A; A -> End; end End; fault -> End;",
        &expect!["graph `G` does not say where a cancelled run goes: add `cancel -> End;`"],
    );
}

#[test]
fn an_end_is_left_by_nothing_and_paths_are_not_reported_besides() {
    check_body(
        "start A; A -> End; End -> A; end End; cancel -> End; fault -> End;",
        &expect![
            "state `End` is an end of graph `G`, so nothing may leave it: remove this row, or take `End` out of `end`"
        ],
    );
}

#[test]
fn every_state_is_reached_and_can_finish() {
    check_body(
        "start A; A -> End | B; B -> B; C -> End; end End, Never; stop -> End;",
        &expect![[r#"
            state `C` is unreachable: no path leads to it from `A`, so name it in a row or remove it
            state `Never` is unreachable: no path leads to it from `A`, so name it in a row or remove it
            state `B` can never finish: only `B` can follow, and no `end` state is reached from there; add a way out, such as `| Never`"#]],
    );
}

#[test]
fn a_state_reached_only_by_an_exit_is_reached() {
    check_body("start A; A -> End; Tidy -> End; end End; stop -> Tidy;", &expect!["fine"]);
}

#[test]
fn a_loop_needs_a_bound_and_an_exit_none() {
    check_body(
        "start A; A -> B; B on X -> A | End; end End; cancel -> End; fault -> End;",
        &expect![
            "graph `G` can loop without bound (A -> B -> A): say where a run with a spent budget goes, add `exhausted -> End;`"
        ],
    );
    check_body(
        "start A; A -> A | End; end End; stop -> A;",
        &expect![
            "what `stop` leads to must not loop (A -> A): it runs on a reserve of moves after the budget is spent, so lead to `End` or to a state of its own"
        ],
    );
}

#[test]
fn names_that_slipped_are_guessed() {
    check_body(
        "start Askin; Asking -> Judged | Asks; Judging -> End; end End; stop -> End;",
        &expect![[r#"
            `Judged` has no row and is not an end of graph `G`: write `Judged -> ..;` or add it to `end`
            `Asks` has no row and is not an end of graph `G`: write `Asks -> ..;` or add it to `end`
            `Askin` has no row and is not an end of graph `G`: did you mean `Asking`?"#]],
    );
}

#[test]
fn rows_of_one_state_can_be_told_apart() {
    check_body(
        "start A; A after 1m -> End; A after 2m -> End; A asks X -> End; A asks Y -> End; A on a::E -> End; A on b::E -> End;
         end End; stop -> End;",
        &expect![[r#"
            state `A` already waits `after 1m`: keep one timer
            state `A` already asks `X`: a state asks one child, so ask `Y` from a state of its own
            state `A` already waits for another `E`: both rows would be named alike, so rename one event"#]],
    );
}

#[test]
fn laps_and_servers_and_upcasters_make_sense() {
    let head = "start A; A -> A | End; end End; stop -> End;";
    check_body(
        &format!("{head} serves R; serves R; lap A; lap End; was v1::A => A; was v1::A => End;"),
        &expect![[r#"
            graph `G` has two `lap` rows: keep one
            graph `G` serves `R`, so its budget comes from who asks and `lap` cannot refill it: remove this row or `serves R;`
            `End` is an end, so there is nothing to refill: name a state that the run passes
            graph `G` serves `R`, so its budget comes from who asks and `lap` cannot refill it: remove this row or `serves R;`
            graph `G` serves `R` twice: keep one row
            what became of `v1::A` is said twice: keep one row"#]],
    );
}

#[test]
fn old_types_lead_to_what_there_is() {
    let head =
        "start A; A on Ping -> End; A after self.due -> End; A asks each R -> End; end End; stop -> End;";
    check_body(
        &format!(
            "{head} was v1::A => v2::A; was v2::A => A; was v1::Ping => v2::Ping; was v2::Ping => Ping;"
        ),
        &expect!["fine"],
    );
    check_body(
        &format!("{head} was v1::A => v2::A; was v1::B => v2::B; was v2::B => v1::B; was v1::C => C;"),
        &expect![[r#"
            `v2::A` is neither a state nor an event of graph `G`: name one that it became, or add `was v2::A => ..;`
            `v1::B` becomes itself again: lead to a state or an event of graph `G`
            `v2::B` becomes itself again: lead to a state or an event of graph `G`
            `C` has no row and is not an end of graph `G`: write `C -> ..;` or add it to `end`"#]],
    );
}

/// What is said of the one line of a table.
fn unread(row: &str) -> String {
    let table: Table = syn::parse_str(&format!("graph G v1 {{ {row} }}")).expect("only the line is wrong");
    check(&table).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_line_that_slipped_is_guessed_and_the_next_ones_are_read() {
    check_body(
        "stat A; A onn Ping -> End; A aftr 1m -> End; ends End; stop -> End;",
        &expect![[r#"
            did you mean `start`?
            did you mean `on`?
            did you mean `after`?
            did you mean `end`?"#]],
    );
    check_body(
        "start A; A -> B, C; B -> 3; C -> End end End; stop -> v1::End",
        &expect![[r#"
        expected `;`
        expected identifier
        expected `;`
        states are named bare here: add `use v1::End;` and write `End`"#]],
    );
}

#[test]
fn what_is_not_a_row_is_refused_with_what_to_write() {
    let refused = [
        (
            "A after self -> End;",
            "name a field of the state, or a method without arguments: `after self.due` or `after self.due()`",
        ),
        (
            "A after self.due(1) -> End;",
            "name a field of the state, or a method without arguments: `after self.due` or `after self.due()`",
        ),
        ("A after 0s -> End;", "a timer of no length is a plain row: write `S -> ..;`"),
        ("A after 999999999999999999d -> End;", "no run waits that long"),
        ("A -> v1::End;", "states are named bare here: add `use v1::End;` and write `End`"),
    ];
    for (row, why) in refused {
        assert_eq!(unread(row), why, "{row}");
    }
    for row in ["A after 10 -> End;", "A after 1.5s -> End;", "A after soon -> End;", "A after 2y -> End;"] {
        assert!(unread(row).starts_with("write a whole number of"), "{row}");
    }
    for table in ["graph G {}", "graph G v0 {}", "graph G 1 {}", "graph G version1 {}"] {
        check_table(table, &expect!["a graph has a version: write `v1`"]);
    }
}

#[test]
fn states_may_be_named_like_the_words_of_the_table() {
    check_body("start start; start -> end; end end; stop -> end;", &expect!["fine"]);
}
