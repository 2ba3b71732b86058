//! Reads the notation that the grammar is printed in: `word`, `(one|other)`, `[may be left out]`, `SLOT`. What a person
//! reads in the help is what the parser runs; it knows neither the forms nor what they mean.

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// This word of the grammar, or the mark `:`.
    Word(String),
    /// One of several sequences.
    Any(Vec<Vec<Node>>),
    /// One of several sequences, or nothing.
    Maybe(Vec<Vec<Node>>),
    /// What the person fills in, or a rule by its name.
    Slot(String),
}

/// Reads a pattern.
///
/// # Panics
/// When brackets do not match: patterns are constants, and a test reads them all.
pub(super) fn pattern(text: &str) -> Vec<Node> {
    let spaced: String = text.chars().flat_map(spaced).collect();
    let mut words = spaced.split_whitespace().peekable();
    let mut alternatives = sequences(&mut words);
    assert!(words.next().is_none() && alternatives.len() == 1, "brackets match in pattern `{text}`");
    alternatives.remove(0)
}

fn spaced(c: char) -> Vec<char> {
    if "()[]|".contains(c) { vec![' ', c, ' '] } else { vec![c] }
}

fn sequences<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Vec<Vec<Node>> {
    let mut all = vec![Vec::new()];
    while let Some(word) = words.next_if(|word| !matches!(*word, ")" | "]")) {
        let node = match word {
            "|" => {
                all.push(Vec::new());
                continue;
            }
            "(" => Node::Any(sequences(words)),
            "[" => Node::Maybe(sequences(words)),
            _ if word.chars().all(|c| c.is_ascii_uppercase()) => Node::Slot(word.to_owned()),
            _ => Node::Word(word.to_owned()),
        };
        if matches!(node, Node::Any(_)) {
            assert_eq!(words.next(), Some(")"), "brackets match");
        } else if matches!(node, Node::Maybe(_)) {
            assert_eq!(words.next(), Some("]"), "brackets match");
        }
        all.last_mut().expect("starts with one sequence").push(node);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_nest() {
        let word = |text: &str| Node::Word(text.into());
        let expected = vec![
            Node::Any(vec![vec![word("list")], vec![word("give"), word("me")]]),
            Node::Maybe(vec![vec![
                word("in"),
                Node::Maybe(vec![vec![word("the")]]),
                Node::Slot("DIR".into()),
            ]]),
        ];
        assert_eq!(pattern("(list|give me) [in [the] DIR]"), expected);
    }

    #[test]
    #[should_panic(expected = "brackets match")]
    fn an_open_bracket_is_our_mistake() {
        pattern("list (files");
    }
}
