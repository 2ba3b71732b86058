//! Streams a move as a model API would: word by word, calls in pieces, usage, the end. It decides nothing.
use super::next::Move;
use super::past::Call;
use domain::{Finish, Fragment, ModelFault, Question, Tokens, Usage};
use futures::stream::{self, BoxStream, StreamExt};
use std::time::Duration;

/// How fast it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    word: Duration,
    slow_word: Duration,
}

impl Pace {
    /// Without any wait, slow answers included: for tests.
    pub const AT_ONCE: Pace = Pace { word: Duration::ZERO, slow_word: Duration::ZERO };
    /// Slow enough that streaming is seen, fast enough that nobody waits; slow answers take long.
    pub const VISIBLE: Pace = Pace { word: Duration::from_millis(15), slow_word: Duration::from_millis(50) };

    /// Waits this long before each word of an ordinary answer, and that long before each of a slow one.
    pub const fn new(word: Duration, slow_word: Duration) -> Pace {
        Pace { word, slow_word }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::VISIBLE
    }
}

/// However long an ordinary answer is, its waits add up to no more than this.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(2);
/// A longer run without a space is cut, so that no fragment is large.
const WORD_CHARS_MAX: usize = 40;
/// Into how many pieces the arguments of a call are cut at most.
const ARGUMENT_PIECES_MAX: usize = 32;
/// A piece of arguments is at least this long, if there is as much.
const ARGUMENT_PIECE_CHARS_MIN: usize = 12;
/// A common rule of thumb; the real number is nobody's business here.
const BYTES_PER_TOKEN: usize = 4;
/// What a busy provider might ask for.
const RETRY_AFTER: Duration = Duration::from_millis(10);

type Item = Result<Fragment, ModelFault>;

/// Streams a move.
pub(super) fn stream(moved: Move, question: &Question, pace: Pace) -> BoxStream<'static, Item> {
    let pause = match &moved {
        Move::SaySlowly(_) => pace.slow_word,
        Move::Say(_) | Move::Call { .. } | Move::BreakOff(_) | Move::Unavailable => pace.word,
    };
    let ordinary = !matches!(moved, Move::SaySlowly(_));
    let items = items(moved, question);
    let count = u32::try_from(items.len().max(1)).unwrap_or(u32::MAX);
    let pause = if ordinary { pause.min(ANSWER_WAIT_MAX / count) } else { pause };
    stream::iter(items)
        .then(move |item| async move {
            let is_spoken = matches!(item, Ok(Fragment::Text(_) | Fragment::Call { .. }));
            if is_spoken && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            item
        })
        .boxed()
}

fn items(moved: Move, question: &Question) -> Vec<Item> {
    let (fragments, end) = match moved {
        Move::Unavailable => {
            let why = "unavailable on request, to be rehearsed".to_owned();
            return vec![Err(ModelFault::Unavailable { why, retry_after: Some(RETRY_AFTER) })];
        }
        Move::BreakOff(text) => return words(&text).into_iter().map(Ok).collect(),
        Move::Say(text) | Move::SaySlowly(text) => within_limit(words(&text), question),
        Move::Call { text, calls, before } => {
            let calls = calls.into_iter().enumerate().flat_map(|(index, one)| call(index, before, one));
            (words(&text).into_iter().chain(calls).collect(), Finish::Calls)
        }
    };
    let usage = Usage { input: input(question), output: output(&fragments), ..Usage::default() };
    fragments.into_iter().chain([Fragment::Usage(usage), Fragment::Finish(end)]).map(Ok).collect()
}

/// Cuts an answer where the question's limit ends it.
fn within_limit(mut words: Vec<Fragment>, question: &Question) -> (Vec<Fragment>, Finish) {
    let limit = question.answer_tokens_max.0;
    let mut written = 0;
    let fits = words.iter().take_while(|word| {
        written += spoken(word);
        tokens(written) <= limit
    });
    let fits = fits.count();
    let end = if fits < words.len() { Finish::Length } else { Finish::Stop };
    words.truncate(fits);
    (words, end)
}

/// Cuts a text into words, each with the space behind it.
fn words(text: &str) -> Vec<Fragment> {
    let mut words: Vec<String> = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        match words.last_mut() {
            Some(last) if piece.trim().is_empty() => last.push_str(piece),
            Some(_) | None => words.extend(pieces(piece, WORD_CHARS_MAX)),
        }
    }
    words.into_iter().map(Fragment::Text).collect()
}

fn call(index: usize, before: usize, call: Call) -> Vec<Fragment> {
    let number = before + index + 1;
    let index = u32::try_from(index).expect("a plan makes few calls at once");
    let size = call.arguments.chars().count().div_ceil(ARGUMENT_PIECES_MAX).max(ARGUMENT_PIECE_CHARS_MIN);
    let first = Fragment::Call {
        index,
        id: Some(format!("call_{number}")),
        tool: Some(call.tool.to_owned()),
        arguments: String::new(),
    };
    let more = |arguments| Fragment::Call { index, id: None, tool: None, arguments };
    [first].into_iter().chain(pieces(&call.arguments, size).into_iter().map(more)).collect()
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

fn input(question: &Question) -> Tokens {
    let tools = question.tools.iter().map(|tool| tool.description.len() + tool.parameters.as_str().len());
    let said = question.messages.iter().map(|message| match message {
        domain::Message::User { text, .. } | domain::Message::Tool { text, .. } => text.len(),
        domain::Message::Assistant { text, calls, .. } => {
            text.len() + calls.iter().map(|call| call.arguments.len()).sum::<usize>()
        }
    });
    Tokens(tokens(question.instructions.len() + tools.sum::<usize>() + said.sum::<usize>()))
}

fn output(fragments: &[Fragment]) -> Tokens {
    Tokens(tokens(fragments.iter().map(spoken).sum()))
}

fn spoken(fragment: &Fragment) -> usize {
    match fragment {
        Fragment::Text(text) | Fragment::Reasoning(text) => text.len(),
        Fragment::Call { tool, arguments, .. } => tool.as_ref().map_or(0, String::len) + arguments.len(),
        Fragment::Usage(_) | Fragment::Model(_) | Fragment::State(_) | Fragment::Finish(_) => 0,
    }
}

/// Estimates how many tokens a text of this length is.
pub(super) fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}
