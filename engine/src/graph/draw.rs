//! Drawings of a table: Mermaid and DOT, for readers and for `draw --check`. The same table always gives the same text.
//! A drawing shows every row, every exit and every request; it says nothing about a run.
use super::{Edge, Meta, Trigger};
use std::fmt::Write;

/// Writing into a string has no way to fail.
const INTO_MEMORY: &str = "a string takes what is written to it";

impl Meta {
    /// Draws the table as a Mermaid `stateDiagram-v2`. Exits are a note on the state that they lead to.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("stateDiagram-v2\n");
        let mut line = |what: String| writeln!(text, "    {what}").expect(INTO_MEMORY);
        line(format!("%% {} v{}", self.name, self.version));
        for state in self.states().into_iter().filter(|state| is_mermaid_word(state)) {
            line(format!("state \"{state}\" as {}", mermaid_id(state)));
        }
        line(format!("[*] --> {}{}", mermaid_id(self.start), mermaid_label(&self.served())));
        for (edge, to) in self.arrows() {
            let label = mermaid_label(&label(edge.trigger));
            line(format!("{} --> {}{label}", mermaid_id(edge.from), mermaid_id(to)));
        }
        self.ends.iter().for_each(|end| line(format!("{} --> [*]", mermaid_id(end))));
        for (to, exits) in self.exits() {
            line(format!("note right of {} : from any state when {}", mermaid_id(to), exits.join(", ")));
        }
        if let Some(lap) = self.lap {
            line(format!("note left of {} : the budget is refilled here", mermaid_id(lap)));
        }
        text
    }

    /// Draws the table for Graphviz. Exits are dashed arrows from a node that stands for any state.
    pub fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n", quoted(self.name));
        let mut line = |what: String| writeln!(text, "    {what}").expect(INTO_MEMORY);
        let doc = self.doc.lines().next().unwrap_or_default();
        line(format!(
            "label={};",
            quoted(format!("{} v{} — {doc}", self.name, self.version).trim_end_matches(" — "))
        ));
        line("labelloc=t; rankdir=LR; node [shape=box, style=rounded];".into());
        line("\"(start)\" [shape=point];".into());
        line(format!("\"(start)\" -> {}{};", quoted(self.start), attributes(&self.served())));
        for end in self.ends {
            line(format!("{} [peripheries=2];", quoted(end)));
        }
        if let Some(lap) = self.lap {
            line(format!("{} [xlabel=\"lap: the budget is refilled\"];", quoted(lap)));
        }
        for (edge, to) in self.arrows() {
            line(format!("{} -> {}{};", quoted(edge.from), quoted(to), attributes(&label(edge.trigger))));
        }
        line("\"(any state)\" [shape=plaintext];".into());
        for (to, exits) in self.exits() {
            let label = quoted(&exits.join(", "));
            line(format!("\"(any state)\" -> {} [style=dashed, label={label}];", quoted(to)));
        }
        text + "}\n"
    }

    /// Every arrow of every row, in the order of the table.
    fn arrows(&self) -> impl Iterator<Item = (&'static Edge, &'static str)> {
        self.edges.iter().flat_map(|edge| edge.to.iter().map(move |to| (edge, *to)))
    }

    /// Where stopped runs go, and which: one entry for each target.
    fn exits(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let rows = [
            ("cancelled", self.cancel),
            ("faulted", self.fault),
            ("exhausted", self.exhausted.unwrap_or(self.fault)),
        ];
        let mut exits: Vec<(&str, Vec<&str>)> = Vec::new();
        for (why, to) in rows {
            match exits.iter_mut().find(|(known, _)| *known == to) {
                Some((_, whys)) => whys.push(why),
                None => exits.push((to, vec![why])),
            }
        }
        exits
    }

    fn served(&self) -> String {
        if self.serves.is_empty() { String::new() } else { format!("serves {}", self.serves.join(", ")) }
    }

    /// Every state once, in the order of the table.
    fn states(&self) -> Vec<&'static str> {
        let mut states = Vec::new();
        let named = self.edges.iter().map(|edge| edge.from).chain(self.ends.iter().copied());
        named.for_each(|state| {
            if !states.contains(&state) {
                states.push(state);
            }
        });
        states
    }
}

fn label(trigger: Trigger) -> String {
    match trigger {
        Trigger::Entered => String::new(),
        Trigger::On(event) => format!("on {event}"),
        Trigger::After(time) => format!("after {time}"),
        Trigger::Asks(request) => format!("asks {request}"),
        Trigger::AsksEach(request) => format!("asks each {request}"),
    }
}

/// Words that Mermaid takes for its own wherever a state stands, in any case.
const MERMAID_WORDS: [&str; 9] =
    ["state", "note", "end", "style", "class", "classdef", "default", "direction", "click"];

fn is_mermaid_word(state: &str) -> bool {
    MERMAID_WORDS.iter().any(|word| word.eq_ignore_ascii_case(state))
}

fn mermaid_id(state: &str) -> String {
    if is_mermaid_word(state) { format!("{state}_") } else { state.to_string() }
}

/// Mermaid ends a label at `:`, a statement at `;`, and reads `#` as the begin of an entity.
fn mermaid_label(label: &str) -> String {
    let escaped = label.chars().map(|c| match c {
        '#' | ';' | ':' | '<' | '>' => format!("#{};", u32::from(c)),
        '\n' => " ".to_string(),
        c => c.to_string(),
    });
    if label.is_empty() { String::new() } else { format!(" : {}", escaped.collect::<String>()) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn attributes(label: &str) -> String {
    if label.is_empty() { String::new() } else { format!(" [label={}]", quoted(label)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const REVIEW: Meta = Meta {
        name: "Review",
        doc: "Write a \"draft\", let a human judge it.\nThen publish it.",
        version: 3,
        start: "Drafting",
        ends: &["Published", "Dropped"],
        edges: &[
            Edge { from: "Drafting", trigger: Trigger::Entered, to: &["Approving"] },
            Edge { from: "Approving", trigger: Trigger::On("Verdict"), to: &["Published", "Drafting"] },
            Edge { from: "Approving", trigger: Trigger::After("10m"), to: &["Dropped"] },
            Edge { from: "Approving", trigger: Trigger::Asks("Opinion"), to: &["Approving"] },
            Edge { from: "Tidying", trigger: Trigger::Entered, to: &["Dropped"] },
        ],
        cancel: "Tidying",
        fault: "Dropped",
        exhausted: Some("Dropped"),
        lap: Some("Drafting"),
        reserve: 1,
        serves: &[],
        asks: &[],
    };

    #[test]
    fn mermaid_shows_the_whole_table() {
        expect![[r#"
            stateDiagram-v2
                %% Review v3
                [*] --> Drafting
                Drafting --> Approving
                Approving --> Published : on Verdict
                Approving --> Drafting : on Verdict
                Approving --> Dropped : after 10m
                Approving --> Approving : asks Opinion
                Tidying --> Dropped
                Published --> [*]
                Dropped --> [*]
                note right of Tidying : from any state when cancelled
                note right of Dropped : from any state when faulted, exhausted
                note left of Drafting : the budget is refilled here
        "#]]
        .assert_eq(&REVIEW.mermaid());
    }

    #[test]
    fn dot_shows_the_whole_table() {
        expect![[r#"
            digraph "Review" {
                label="Review v3 — Write a \"draft\", let a human judge it.";
                labelloc=t; rankdir=LR; node [shape=box, style=rounded];
                "(start)" [shape=point];
                "(start)" -> "Drafting";
                "Published" [peripheries=2];
                "Dropped" [peripheries=2];
                "Drafting" [xlabel="lap: the budget is refilled"];
                "Drafting" -> "Approving";
                "Approving" -> "Published" [label="on Verdict"];
                "Approving" -> "Drafting" [label="on Verdict"];
                "Approving" -> "Dropped" [label="after 10m"];
                "Approving" -> "Approving" [label="asks Opinion"];
                "Tidying" -> "Dropped";
                "(any state)" [shape=plaintext];
                "(any state)" -> "Tidying" [style=dashed, label="cancelled"];
                "(any state)" -> "Dropped" [style=dashed, label="faulted, exhausted"];
            }
        "#]]
        .assert_eq(&REVIEW.dot());
    }

    #[test]
    fn a_graph_that_serves_says_so_and_without_an_exhausted_row_the_fault_row_takes_over() {
        let meta =
            Meta { serves: &["Search", "Guess"], exhausted: None, lap: None, cancel: "Dropped", ..REVIEW };
        assert!(meta.mermaid().contains("[*] --> Drafting : serves Search, Guess\n"));
        assert!(
            meta.mermaid()
                .contains("note right of Dropped : from any state when cancelled, faulted, exhausted\n")
        );
        assert!(meta.dot().contains("\"(start)\" -> \"Drafting\" [label=\"serves Search, Guess\"];\n"));
    }

    #[test]
    fn what_a_drawing_would_misread_is_escaped() {
        assert_eq!(mermaid_label("on a::B; #1"), " : on a#58;#58;B#59; #35;1");
        assert_eq!(quoted("say \"x\\y\"\n"), r#""say \"x\\y\"\n""#);
        let edges = &[Edge { from: "State", trigger: Trigger::Entered, to: &["End"] }];
        let meta = Meta { start: "State", ends: &["End"], edges, cancel: "End", fault: "End", ..REVIEW };
        let meta = Meta { exhausted: None, lap: None, ..meta };
        expect![[r#"
            stateDiagram-v2
                %% Review v3
                state "State" as State_
                state "End" as End_
                [*] --> State_
                State_ --> End_
                End_ --> [*]
                note right of End_ : from any state when cancelled, faulted, exhausted
        "#]]
        .assert_eq(&meta.mermaid());
    }
}
