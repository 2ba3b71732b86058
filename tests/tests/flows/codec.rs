//! Everything that the journal can hold comes back as it was written: each state, event, request, fact and stage.
use domain::{
    Answer, CallOutcome, Finish, Json, Message, MessageSaid, MicroUsd, Recovery, SessionId, SessionTouched, StopCause, Tier,
    Tokens, ToolCall, ToolSpec, TurnId, TurnOutcome, TurnRequest, Turns, Usage, UsageSpent, UserId,
};
use engine::{
    Graph,
    testing::{RoundTrip, round_trips},
};
use policy::{Approved, Judged, Proposed, Refusal, Ruling, Scrubbed};
use turn::{Talk, Tally, Turn};

/// Fewer values than this would say little about a type that has so many.
const VALUES_MIN: usize = 3;

#[test]
fn every_stored_type_comes_back_as_it_was_written() {
    let nouns = [
        RoundTrip::open::<Answer>(),
        RoundTrip::open::<CallOutcome>(),
        RoundTrip::open::<Finish>(),
        RoundTrip::open::<Json>(),
        RoundTrip::open::<Message>(),
        RoundTrip::open::<MicroUsd>(),
        RoundTrip::open::<Recovery>(),
        RoundTrip::open::<SessionId>(),
        RoundTrip::open::<StopCause>(),
        RoundTrip::open::<Tier>(),
        RoundTrip::open::<Tokens>(),
        RoundTrip::open::<ToolCall>(),
        RoundTrip::open::<ToolSpec>(),
        RoundTrip::open::<TurnId>(),
        RoundTrip::open::<TurnOutcome>(),
        RoundTrip::open::<TurnRequest>(),
        RoundTrip::open::<Turns>(),
        RoundTrip::open::<Usage>(),
        RoundTrip::open::<UserId>(),
        RoundTrip::open::<Talk>(),
        RoundTrip::open::<Tally>(),
    ];
    let facts = [
        RoundTrip::open::<MessageSaid>(),
        RoundTrip::open::<SessionTouched>(),
        RoundTrip::open::<UsageSpent>(),
    ];
    let stages = [
        RoundTrip::sealed::<Proposed>(),
        RoundTrip::sealed::<Judged>(),
        RoundTrip::sealed::<Approved>(),
        RoundTrip::sealed::<Scrubbed>(),
        RoundTrip::sealed::<Refusal>(),
        RoundTrip::sealed::<Ruling>(),
    ];
    let states = Turn::stored().into_iter().map(RoundTrip::from);
    let all = nouns.into_iter().chain(facts).chain(stages).chain(states);
    for (name, values) in round_trips(all) {
        assert!(values >= VALUES_MIN, "only {values} of `{name}`");
    }
}
