//! However a body is cut, it says the same; wherever it ends too early, nothing is made up.
use super::*;
use bodies::recordings;

/// How many random ways each body is cut.
const CUTS: u64 = 25;

/// In a body that is longer, not every place is tried by itself; cutting it into bytes tries them all at once.
const EVERY_PLACE_BYTES_MAX: usize = 6_000;

fn all() -> Vec<BodyOf> {
    corpus().into_iter().chain(recordings()).collect()
}

/// Cuts a body into pieces of 1 to 64 bytes.
fn cut(body: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut numbers = Numbers(seed);
    let (mut pieces, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.len().min(1 + numbers.below(64)));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Every place in a short body; in a longer one those around the ends of its lines.
fn places(body: &[u8]) -> Vec<usize> {
    let near_an_end = |at: &usize| body[at.saturating_sub(2)..(at + 2).min(body.len())].contains(&b'\n');
    let every = 0..=body.len();
    if body.len() <= EVERY_PLACE_BYTES_MAX {
        every.collect()
    } else {
        every.filter(near_an_end).step_by(7).collect()
    }
}

#[test]
fn a_body_says_the_same_however_it_is_cut() {
    for body in all() {
        let BodyOf { api, name, bytes } = &body;
        let whole = read(*api, [bytes.as_slice()]);
        assert_eq!(read(*api, bytes.chunks(1)), whole, "{name} by byte");
        for seed in 0..CUTS {
            assert_eq!(read(*api, cut(bytes, seed)), whole, "{name} cut by seed {seed}");
        }
        for at in places(bytes) {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(read(*api, [head, tail]), whole, "{name} cut at {at}");
        }
    }
}

#[test]
fn comments_line_ends_and_what_nobody_knows_change_nothing() {
    for body in all().into_iter().filter(BodyOf::is_stream) {
        let BodyOf { api, name, bytes } = &body;
        let whole = read(*api, [bytes.as_slice()]);
        let text = String::from_utf8(bytes.clone()).expect("it is text").replace("\r\n", "\n");
        let lines = |end: &str, between: &str| {
            text.lines().map(|line| format!("{line}{end}{between}")).collect::<String>().into_bytes()
        };
        for (end, between) in
            [("\r\n", ""), ("\r", ""), ("\n", ": keep-alive\n"), ("\r\n", ":\r\nid: 7\r\nretry: 9\r\n")]
        {
            let changed = lines(end, between);
            assert_eq!(read(*api, [changed.as_slice()]), whole, "{name} with {end:?} and {between:?}");
            assert_eq!(read(*api, changed.chunks(3)), whole, "{name} with {end:?} and {between:?}, cut");
        }
    }
}

#[test]
fn a_body_that_is_cut_off_says_no_more_than_it_did_and_does_not_end() {
    for body in all().into_iter().filter(BodyOf::is_stream) {
        let BodyOf { api, name, bytes } = &body;
        let (whole, ended) = read(*api, [bytes.as_slice()]);
        // Where the last fragment is out, the answer is over, whatever of the body is left.
        let mut over_at = None;
        for at in places(bytes) {
            let (said, end) = read(*api, [&bytes[..at]]);
            assert!(whole.starts_with(&said) || end.is_ok(), "{name} cut at {at} says something else");
            let is_over = said.iter().any(|fragment| matches!(fragment, Fragment::Finish(_)));
            assert_eq!(is_over, end.is_ok(), "{name} cut at {at}");
            if is_over {
                over_at.get_or_insert(at);
                // An error behind an end in which nothing was said tells why; else it comes too late.
                let said_nothing =
                    !whole.iter().any(|part| matches!(part, Fragment::Text(_) | Fragment::Call { .. }));
                assert!(ended.is_ok() || said_nothing, "{name} cut at {at} is whole, and all of it is not");
                let calls = |said: &[Fragment]| {
                    said.iter().filter(|part| matches!(part, Fragment::Call { .. })).count()
                };
                assert_eq!(calls(&said), calls(&whole), "{name} cut at {at} is over before its last call");
            }
        }
        if ended.is_ok() && bytes.len() <= EVERY_PLACE_BYTES_MAX {
            assert!(over_at.is_some_and(|at| at > bytes.len() / 2), "{name} is over at {over_at:?}");
        }
    }
}

#[test]
fn what_is_read_sooner_says_the_same() {
    for body in all().into_iter().filter(BodyOf::is_stream) {
        let BodyOf { api, name, bytes } = &body;
        // A field twice is too much for the quick look at an event; the thorough one takes the last.
        let text = String::from_utf8(bytes.clone()).expect("it is text");
        let thorough = text.replace("data: {", "data: {\"type\":0,");
        assert_eq!(read(*api, [thorough.as_bytes()]), read(*api, [bytes.as_slice()]), "{name}");
    }
}
