//! Everything that the journal can hold comes back as it was written: each state, event, request, fact and stage.
use domain::{
    Answer, CallOutcome, Finish, Json, Message, MessageSaid, MicroUsd, NotJson, Recovery, SessionId,
    SessionTouched, StopCause, Tier, Tokens, ToolCall, ToolSpec, Toolbox, TurnId, TurnOutcome, TurnRequest,
    Turns, Usage, UsageSpent, UserId,
};
use engine::{
    Graph, InstanceId, Origin,
    testing::{RoundTrip, reading, round_trips},
};
use policy::{Judged, Proposed, Refusal, Ruling, Scrubbed};
use turn::{Acting, Talk, Tally, Turn, TurnState};

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
        RoundTrip::sealed::<Scrubbed>(),
        RoundTrip::sealed::<Refusal>(),
        RoundTrip::sealed::<Ruling>(),
    ];
    // What holds an approval is read back only with the approval's own digest: random bytes have none.
    let states = Turn::stored().into_iter().filter(|stored| stored.name != "Acting").map(RoundTrip::from);
    let all = nouns.into_iter().chain(facts).chain(stages).chain(states);
    for (name, values) in round_trips(all) {
        assert!(values >= VALUES_MIN, "only {values} of `{name}`");
    }
}

/// Tools that take any arguments.
struct AnyTool;

impl Toolbox for AnyTool {
    fn specs(&self) -> Vec<ToolSpec> {
        let spec = |(tier, recovery): (Tier, Recovery)| ToolSpec {
            name: format!("{tier:?}{recovery:?}"),
            description: String::new(),
            parameters: Json::printed("{}".to_owned()),
            tier,
            recovery,
        };
        [(Tier::ReadOnly, Recovery::Pure), (Tier::Workspace, Recovery::Keyed)].map(spec).to_vec()
    }
    fn arguments(&self, _: &str, text: &str) -> Result<Json, NotJson> {
        Ok(Json::printed(text.to_owned()))
    }
}

#[test]
fn approvals_come_back_in_the_state_that_holds_them() {
    let texts =
        ["", "{}", "{\"path\":\"ä\\n🙂\"}", "\u{0}\u{7f}\u{202e}", &"x".repeat(70_000)].map(str::to_owned);
    let ids = |text: &str| (UserId::parse(text), SessionId::parse(text), TurnId::parse(text));
    let (Ok(user), Ok(session), Ok(turn)) = ids("a.b:c@d") else { panic!("they are ids") };
    let talk = Talk { user, session, turn };
    let mut rulings = Vec::new();
    for spec in AnyTool.specs() {
        for text in &texts {
            let position = u32::try_from(rulings.len()).expect("they are few");
            let call = ToolCall { id: text.clone(), tool: spec.name.clone(), arguments: text.clone() };
            let judged = Proposed::new(InstanceId(u128::MAX / 3), position, call).judge(&AnyTool);
            rulings.push(Ruling::from(judged.approve()));
        }
    }
    assert!(rulings.iter().all(|ruling| matches!(ruling, Ruling::Approved(_))));
    let acting = TurnState::from(Acting { talk, rulings, tally: Tally::default() });
    let written = Turn::encode(&acting);
    let read = Turn::decode(&written, &reading(Origin::OwnJournal)).expect("it was written by this build");
    assert_eq!(Turn::encode(&read), written);
    assert!(Turn::decode(&written, &reading(Origin::Imported)).is_err(), "an imported approval is none");
}
