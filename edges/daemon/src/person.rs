//! Who is there to say what became of a call that nobody else can tell.
use crate::lines::Line;
use domain::DoubtAnswer;
use std::io::{self, IsTerminal};
use tokio::sync::mpsc::Receiver;

/// What a person writes.
pub(crate) const ANSWERS: &str = "again, done or drop";

/// Who is there.
pub(crate) enum Person<'a> {
    /// Nobody: a script runs this.
    Nobody,
    /// Somebody who types, or a script that writes lines.
    Types(&'a mut Receiver<Line>),
    /// Somebody who has said it on the command line, once.
    Said(Option<DoubtAnswer>),
}

/// What they say.
pub(crate) enum Says {
    Answer(DoubtAnswer),
    /// Something else: they are asked again.
    Unclear,
    /// Nothing more will come.
    Gone,
}

impl Person<'_> {
    /// Waits for what they say of a doubt.
    pub(crate) async fn says(&mut self) -> Says {
        match self {
            Person::Nobody => Says::Gone,
            Person::Said(answer) => answer.take().map_or(Says::Gone, Says::Answer),
            Person::Types(lines) => match lines.recv().await {
                Some(Line::Prompt(text)) => parse(&text).map_or_else(unclear, Says::Answer),
                Some(Line::Refused(_)) => unclear(),
                None => Says::Gone,
            },
        }
    }
}

/// A person is asked again. A script that has written something else, its next prompt perhaps, knows of no doubt: there
/// is nobody to ask.
fn unclear() -> Says {
    if io::stdin().is_terminal() { Says::Unclear } else { Says::Gone }
}

/// Reads an answer.
pub(crate) fn parse(text: &str) -> Option<DoubtAnswer> {
    match text.trim().to_ascii_lowercase().as_str() {
        "again" => Some(DoubtAnswer::Again),
        "done" => Some(DoubtAnswer::Done),
        "drop" => Some(DoubtAnswer::Drop),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_words_are_answers() {
        assert_eq!(parse(" Again "), Some(DoubtAnswer::Again));
        assert_eq!(parse("done"), Some(DoubtAnswer::Done));
        assert_eq!(parse("DROP"), Some(DoubtAnswer::Drop));
        for other in ["", "yes", "again please", "do"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
