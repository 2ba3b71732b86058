//! Chooses what of a conversation a model is shown when not all of it fits: the newest whole turns. It leaves no hole, tears
//! no result from its call, and shows the latest message of the person or refuses. It counts nothing and is pure.
use domain::{Message, Tokens};
use std::ops::Range;

/// What cannot be left out does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the latest message and what came of it last take {needed}, and {room} are left for them")]
pub struct TooLong {
    /// What they take.
    pub needed: Tokens,
    /// What there is.
    pub room: Tokens,
}

/// What fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The messages to show, oldest first.
    pub messages: Vec<Message>,
    /// How many were left out.
    pub left_out: usize,
    /// What the messages take.
    pub tokens: Tokens,
}

/// Messages that stand or fall together: one of the person, or one of the model with the results of its calls.
struct Block {
    messages: Range<usize>,
    tokens: u64,
    begins_turn: bool,
}

/// Returns what of the messages fits into `room`. `counts` holds the tokens of each.
///
/// The latest turn comes first: the person's message and the newest exchange must fit, further exchanges of it are added
/// from the newest on. If all of it fits, older turns are added, each whole, up to the first that does not fit.
///
/// # Errors
/// When what must fit does not.
pub fn fit(messages: Vec<Message>, counts: &[Tokens], room: Tokens) -> Result<Fit, TooLong> {
    let blocks = blocks(&messages, counts);
    let latest = blocks.iter().rposition(|block| block.begins_turn);
    let (older, turn) = blocks.split_at(latest.unwrap_or(0));
    let (asked, exchanges) = turn.split_at(usize::from(latest.is_some()));

    let needed = tokens(asked) + exchanges.last().map_or(0, |newest| newest.tokens);
    if needed > room.0 {
        return Err(TooLong { needed: Tokens(needed), room });
    }
    let shown = newest(exchanges, room.0 - tokens(asked));
    let mut spent = tokens(asked) + tokens(shown);
    let mut kept: Vec<&Block> = asked.iter().chain(shown).collect();
    if shown.len() == exchanges.len() {
        let shown = newest_turns(older, room.0 - spent);
        spent += tokens(shown);
        kept.splice(0..0, shown);
    }
    let kept: Vec<usize> = kept.into_iter().flat_map(|block| block.messages.clone()).collect();
    let left_out = messages.len() - kept.len();
    let mut kept = kept.into_iter().peekable();
    let is_kept = |(n, message)| kept.next_if_eq(&n).map(|_| message);
    Ok(Fit {
        messages: messages.into_iter().enumerate().filter_map(is_kept).collect(),
        left_out,
        tokens: Tokens(spent),
    })
}

fn blocks(messages: &[Message], counts: &[Tokens]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (n, (message, count)) in messages.iter().zip(counts).enumerate() {
        match (message, blocks.last_mut()) {
            (Message::Tool { .. }, Some(block)) => {
                block.messages.end = n + 1;
                block.tokens = block.tokens.saturating_add(count.0);
            }
            (Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. }, _) => {
                let begins_turn = matches!(message, Message::User { .. });
                blocks.push(Block { messages: n..n + 1, tokens: count.0, begins_turn });
            }
        }
    }
    blocks
}

/// The longest tail that fits.
fn newest(blocks: &[Block], room: u64) -> &[Block] {
    let fits = |&from: &usize| tokens(&blocks[from..]) <= room;
    let from = (0..=blocks.len()).rev().take_while(fits).last().unwrap_or(blocks.len());
    &blocks[from..]
}

/// The longest tail that fits and begins with a turn.
fn newest_turns(blocks: &[Block], room: u64) -> &[Block] {
    let tail = newest(blocks, room);
    let whole = tail.iter().position(|block| block.begins_turn).unwrap_or(tail.len());
    // What stands before the first message of a person belongs to no turn, and is shown only if all is.
    if tail.len() == blocks.len() { tail } else { &tail[whole..] }
}

fn tokens(blocks: &[Block]) -> u64 {
    blocks.iter().fold(0, |sum, block| sum.saturating_add(block.tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CallOutcome, ToolCall};
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn call() -> ToolCall {
        ToolCall { id: String::new(), tool: "t".into(), arguments: "{}".into() }
    }
    /// `u` a message of the person, `a` one of the model, digits an `a` with so many calls and their results.
    fn conversation(turns: &str) -> Vec<Message> {
        let messages = turns.chars().flat_map(|letter| match letter {
            'u' => vec![Message::user("")],
            'a' => vec![Message::assistant("", vec![])],
            digit => {
                let n = digit.to_digit(10).expect("a digit");
                let calls = Message::assistant("", vec![call(); n as usize]);
                let result = |position| {
                    let (text, outcome) = (String::new(), CallOutcome::Done);
                    Message::Tool { position, call: call(), outcome, text }
                };
                [calls].into_iter().chain((0..n).map(result)).collect()
            }
        });
        domain::whole(messages.collect())
    }
    fn shown(messages: &[Message]) -> String {
        let letter = |message: &Message| match message {
            Message::User { .. } => 'u',
            Message::Assistant { .. } => 'a',
            Message::Tool { .. } => 't',
        };
        messages.iter().map(letter).collect()
    }
    /// Each message takes one token.
    fn fitted(turns: &str, room: u64) -> Result<Fit, TooLong> {
        let messages = conversation(turns);
        let counts = vec![Tokens(1); messages.len()];
        fit(messages, &counts, Tokens(room))
    }
    fn check(turns: &str, rooms: &[u64], expected: Expect) {
        let line = |&room: &u64| match fitted(turns, room) {
            Ok(fit) => format!("{room}: {} -{}", shown(&fit.messages), fit.left_out),
            Err(error) => format!("{room}: {error}"),
        };
        expected.assert_eq(&rooms.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn the_newest_whole_turns_are_shown() {
        check(
            "uau2auau",
            &[0, 1, 2, 3, 4, 7, 8, 9, 10, 11],
            expect![[r#"
                0: the latest message and what came of it last take 1 tokens, and 0 tokens are left for them
                1: u -9
                2: u -9
                3: uau -7
                4: uau -7
                7: uau -7
                8: uattauau -2
                9: uattauau -2
                10: uauattauau -0
                11: uauattauau -0"#]],
        );
    }

    #[test]
    fn a_long_turn_keeps_its_question_and_its_newest_exchanges() {
        check(
            "uau211",
            &[2, 3, 4, 5, 7, 8, 9, 10],
            expect![[r#"
                2: the latest message and what came of it last take 3 tokens, and 2 tokens are left for them
                3: uat -7
                4: uat -7
                5: uatat -5
                7: uatat -5
                8: uattatat -2
                9: uattatat -2
                10: uauattatat -0"#]],
        );
        check("", &[0], expect!["0:  -0"]);
    }

    proptest! {
        #[test]
        fn nothing_is_torn_and_nothing_overflows(turns in "(au|[u123]){0,12}a?", room in 0u64..40) {
            let Ok(fit) = fitted(&turns, room) else { return Ok(()) };
            prop_assert!(fit.tokens.0 <= room);
            prop_assert_eq!(fit.tokens.0 as usize, fit.messages.len());
            prop_assert_eq!(&domain::whole(fit.messages.clone()), &fit.messages);
            let all = conversation(&turns);
            prop_assert_eq!(fit.messages.len() + fit.left_out, all.len());
            prop_assert_eq!(fit.messages.last(), all.last());
            let asked = |messages: &[Message]| messages.iter().any(|message| matches!(message, Message::User { .. }));
            prop_assert_eq!(asked(&fit.messages), asked(&all));
        }
    }
}
