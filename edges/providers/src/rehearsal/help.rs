//! Prints the grammar from the very table the parser uses. It describes nothing that the table does not hold.
use super::forms::{EARLIER, REMARKS, RULES, forms};
use super::matcher::{ARTICLES, IT, RESERVED, THEM};
use super::parse::{CLOSINGS, OPENINGS, STEPS_MAX};

/// A line of the help is at most this wide, so that it fits a terminal.
const WIDTH: usize = 100;

/// Returns the grammar as a person reads it: how to read it, the forms by topic with examples, and what their parts mean.
pub fn help() -> String {
    let mut text = introduction();
    let mut topics: Vec<&str> = Vec::new();
    for read in forms() {
        if !topics.contains(&read.form.topic) {
            topics.push(read.form.topic);
        }
    }
    for topic in topics {
        text.push_str(&format!("\n{}\n", topic.to_uppercase()));
        for read in forms().iter().filter(|read| read.form.topic == topic) {
            text.push_str(&wrapped(read.form.pattern, 2, 6));
            for (example, _) in read.form.examples {
                text.push_str(&wrapped(&format!("e.g. {example}"), 10, 12));
            }
        }
        for (_, remark) in REMARKS.iter().filter(|(of, _)| *of == topic) {
            text.push_str(&wrapped(remark, 2, 2));
        }
    }
    text.push_str("\nPARTS\n");
    for (name, pattern) in RULES.iter().chain([&EARLIER]) {
        text.push_str(&wrapped(&format!("{name} is {pattern}"), 2, 6));
    }
    text.push_str(&slots());
    text
}

fn introduction() -> String {
    wrapped(
        "The rehearsal model is built in, deterministic and not intelligent: it understands the requests below, calls the real \
         tools and says so when it does not understand.",
        0,
        0,
    ) + &wrapped(
        "How to read this: (a|b) is one of them, [a] may be left out, words in CAPITALS are yours or are explained at the end. \
         Capitals and small letters are the same in all other words.",
        0,
        0,
    ) + &wrapped(
        &format!(
            "Up to {STEPS_MAX} steps are chained by “then” (also “, then”, “and then”) or “;”. Where a step does not end with \
             a TEXT, “and”, a comma, a full stop or a new line will do."
        ),
        0,
        0,
    )
}

fn slots() -> String {
    let list = |words: &[&str]| words.join(", ");
    let lines = [
        "NAME, OTHER, DIR is a file or folder: one word, or in quotation marks (\"…\", '…', `…`, “…”) with spaces. A full stop \
         behind the word is the sentence's."
            .to_owned(),
        format!("Before a NAME may stand: {}, named.", list(&ARTICLES)),
        format!("For the NAME of the file of before say: {}.", list(&IT)),
        format!("NAMES is one NAME or several, with commas or “and”; for all files of before say: {}.", list(&THEM)),
        format!("These words are a NAME only in quotation marks: {}, {}.", list(&ARTICLES), list(&RESERVED)),
        "TEXT, OLD, NEW is any text. Without quotation marks it ends at “then”, at “;” or where the form goes on, and it loses \
         one full stop at its end; within quotation marks every character counts. A TEXT that is written or appended ends \
         with a line break."
            .to_owned(),
        "N, A, B is a number: 12, or a word from one to ten.".to_owned(),
        format!("A step may begin with: {}.", list(&OPENINGS)),
        format!("A step that does not end with a TEXT may end with: {}.", list(&CLOSINGS)),
    ];
    lines.iter().map(|line| wrapped(line, 2, 6)).collect()
}

/// Breaks a text at spaces and behind `|`, with one indentation for its first line and one for the others.
fn wrapped(text: &str, first: usize, others: usize) -> String {
    let mut lines = vec![" ".repeat(first)];
    for piece in text.split_inclusive([' ', '|']) {
        let line = lines.last_mut().expect("starts with one line");
        if line.chars().count() + piece.trim_end().chars().count() > WIDTH {
            lines.push(format!("{}{piece}", " ".repeat(others)));
        } else {
            line.push_str(piece);
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}
