//! Mutated bodies, so many of them that a parser which trusts its server is found out, and the same ones every time.
use super::*;
use crate::testing::{fuzz_chat, fuzz_gemini, fuzz_messages, fuzz_responses};

/// Mutated bodies for each API. The fuzzers go on from here.
const BODIES: u64 = 1_500;

/// Pieces of which bodies are made, put in where they do not belong.
const PIECES: &[&str] = &[
    "data: ",
    "\n\n",
    "\r\n",
    "[DONE]",
    "null",
    "{}",
    "[]",
    "\"",
    "}",
    "{\"error\":",
    "event: error\n",
    "\\ud800",
    "1e999",
    "\"index\":0",
    "\"output_index\":99999999999999999999",
    "\u{feff}",
    ":",
];

fn mutated(bodies: &[BodyOf], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bodies[numbers.below(bodies.len())].bytes.clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let length = numbers.below(40).min(bytes.len() - at);
        match numbers.below(6) {
            0 => drop(bytes.drain(at..at + length)),
            1 => bytes.truncate(at),
            2 => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
            3 => {
                let again = bytes[at..at + length].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let other = &bodies[numbers.below(bodies.len())].bytes;
                let from = numbers.below(other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
        }
    }
    bytes
}

fn throw(api: Api, fuzz: fn(&[u8])) {
    let bodies: Vec<_> = corpus().into_iter().filter(|body| body.api == api).collect();
    let mut numbers = Numbers(7);
    for _ in 0..BODIES {
        fuzz(&mutated(&bodies, &mut numbers));
    }
}

#[test]
fn chat_survives_mutations() {
    throw(Api::Chat, fuzz_chat);
}
#[test]
fn responses_survive_mutations() {
    throw(Api::Responses, fuzz_responses);
}
#[test]
fn messages_survive_mutations() {
    throw(Api::Messages, fuzz_messages);
}
#[test]
fn gemini_survives_mutations() {
    throw(Api::Gemini, fuzz_gemini);
}
