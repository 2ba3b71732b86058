//! What a peer answers, round by round and attempt by attempt, in the form that aimock reads.
use crate::speaks::Speaks;
use serde_json::{Value, json};

/// The milliseconds between two chunks of an answer that is watched while it comes.
const SLOW_MS: u64 = 25;

/// The characters of a chunk: so few that arguments come in many pieces.
const CHUNK_CHARS: u32 = 7;

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(crate) struct Answer(Value);

impl Answer {
    /// Says this.
    pub(crate) fn says(text: &str) -> Answer {
        Answer::of(&json!({ "content": text }))
    }

    /// Makes these calls: id, tool and arguments, which are an object or the text of what is none.
    pub(crate) fn calls(calls: &[(&str, &str, Value)]) -> Answer {
        Answer::of(&json!({ "toolCalls": listed(calls) }))
    }

    /// Says this first, then makes these calls.
    pub(crate) fn says_and_calls(text: &str, calls: &[(&str, &str, Value)]) -> Answer {
        Answer::of(&json!({ "content": text, "toolCalls": listed(calls) }))
    }

    /// Makes this call first, then says this.
    pub(crate) fn calls_and_says((id, tool, arguments): (&str, &str, Value), text: &str) -> Answer {
        let call = json!({ "type": "toolCall", "id": id, "name": tool, "arguments": arguments });
        Answer::of(&json!({ "blocks": [call, { "type": "text", "text": text }] }))
    }

    /// Thinks this before.
    pub(crate) fn thinks(self, text: &str) -> Answer {
        self.and("/response/reasoning", json!(text))
    }

    /// Refuses with this status.
    pub(crate) fn fails(status: u16, code: &str, message: &str) -> Answer {
        let error = json!({ "message": message, "type": "error_of_a_peer", "code": code });
        Answer::of(&json!({ "error": error, "status": status }))
    }

    /// Does this instead of answering: `dropRate`, `malformedRate` or `disconnectRate`.
    pub(crate) fn chaos(which: &str) -> Answer {
        let Answer(mut answer) = Answer::says("nobody hears this");
        answer["chaos"][which] = json!(1.0);
        Answer(answer)
    }

    /// Wants to be asked again so many seconds later.
    pub(crate) fn retry_after(self, seconds: u32) -> Answer {
        self.and("/response/retryAfter", json!(seconds))
    }

    /// Says that so much was read and written.
    pub(crate) fn usage(self, read: u64, written: u64) -> Answer {
        self.and("/response/usage", json!({ "prompt_tokens": read, "completion_tokens": written }))
    }

    /// Breaks the connection behind so many chunks.
    pub(crate) fn cut_behind(self, chunks: u32) -> Answer {
        self.slowly().and("/truncateAfterChunks", json!(chunks))
    }

    /// Takes its time between chunks, so that each arrives by itself.
    pub(crate) fn slowly(self) -> Answer {
        self.and("/latency", json!(SLOW_MS))
    }

    fn of(response: &Value) -> Answer {
        Answer(json!({ "response": response, "chunkSize": CHUNK_CHARS }))
    }

    fn and(self, pointer: &str, value: Value) -> Answer {
        let Answer(mut answer) = self;
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with `/`");
        answer.pointer_mut(parent).expect("its parent is there")[name] = value;
        Answer(answer)
    }
}

fn listed(calls: &[(&str, &str, Value)]) -> Vec<Value> {
    let call = |(id, tool, arguments): &(&str, &str, Value)| json!({ "id": id, "name": tool, "arguments": arguments });
    calls.iter().map(call).collect()
}

/// The file with all answers: one list for each round, in it one for each attempt. An only attempt is any attempt.
pub(crate) fn fixtures(speaks: Speaks, rounds: &[&[Answer]]) -> Value {
    if !speaks.sends_all() {
        // It does not find its answers in the requests, so that it cannot count rounds: the order alone tells.
        let all = rounds.iter().flat_map(|attempts| attempts.iter().cloned()).enumerate();
        let placed = all.map(|(place, Answer(mut answer))| {
            answer["match"] = json!({ "sequenceIndex": place });
            answer
        });
        return json!({ "fixtures": placed.collect::<Vec<_>>() });
    }
    let of_round = |(round, attempts): (usize, &&[Answer])| {
        let many = attempts.len() > 1;
        let answers = attempts.iter().enumerate();
        let placed = answers.map(move |(attempt, Answer(answer))| {
            // aimock counts rounds by the answers that it finds in the request.
            let mut place = json!({ "turnIndex": round });
            if many {
                place["sequenceIndex"] = json!(attempt);
            }
            let mut answer = answer.clone();
            answer["match"] = place;
            answer
        });
        placed.collect::<Vec<_>>()
    };
    json!({ "fixtures": rounds.iter().enumerate().flat_map(of_round).collect::<Vec<_>>() })
}
