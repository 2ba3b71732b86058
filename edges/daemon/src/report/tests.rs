//! What is told goes in, frames come out, printed short.
use super::*;
use domain::{CallOutcome, Finish, Message, Tokens, ToolCall, Usage};
use durable::{FactId, InstanceId, Time};
use expect_test::{Expect, expect};
use frames::FinishReason;
use turn::{Stopped, Talk, Tally};

fn turn() -> TurnId {
    TurnId::parse("t-1").unwrap()
}
fn session() -> SessionId {
    SessionId::parse("s-1").unwrap()
}
fn user() -> UserId {
    UserId::parse("ada").unwrap()
}
fn call(tool: &str) -> ToolCall {
    ToolCall { id: "c".into(), tool: tool.into(), arguments: "{}".into() }
}
fn said(turn: &str, message: Message) -> MessageSaid {
    MessageSaid { session: session(), turn: TurnId::parse(turn).unwrap(), at: Time(0), message }
}
fn result(turn: &str, tool: &str, outcome: CallOutcome) -> MessageSaid {
    said(turn, Message::Tool { position: 0, call: call(tool), outcome, text: "…".into() })
}
fn assistant(text: &str) -> MessageSaid {
    said("t-1", Message::assistant(text, vec![]))
}
fn answered(rounds: u32) -> Answered {
    let used = Usage { input: Tokens(10), output: Tokens(3), cost: domain::MicroUsd(7), ..Usage::default() };
    Answered {
        talk: Talk { user: user(), session: session(), turn: turn() },
        said: FactId { instance: InstanceId(1), seq: 1, n: 0 },
        finish: Finish::Stop,
        tally: Tally { rounds, used },
    }
}
fn asking(round: u32, attempt: u32) -> Progress {
    Progress::Asking { round, attempt }
}
fn text(text: &str) -> Progress {
    Progress::Text(text.into())
}

fn shown(frame: &Frame) -> String {
    match frame {
        Frame::TurnStarted(it) => format!("{} started, {}", it.seq, it.turn.state),
        Frame::AssistantDelta(it) | Frame::ReasoningDelta(it) => {
            let thinks = if matches!(frame, Frame::ReasoningDelta(_)) { " (thinks)" } else { "" };
            let reset = if it.reset { " reset" } else { "" };
            format!("{} {}.{}{thinks}{reset} {:?}", it.seq, it.round, it.attempt, it.delta)
        }
        Frame::TurnProgress(it) => {
            let frames::Progress { kind, message, turn, max_turns, call } = &it.progress;
            let call =
                call.as_ref().map(|call| format!(" [{} {}]", call.name, call.status)).unwrap_or_default();
            format!("{} {kind} {turn}/{max_turns} {message}{call}", it.seq)
        }
        Frame::TurnCompleted(it) => {
            let calls: Vec<_> =
                it.response.tool_calls.iter().map(|c| format!("{} {}", c.name, c.status)).collect();
            let usage = it.response.usage.map(|usage| (usage.total_tokens, usage.cost_micro_usd));
            format!("{} completed {:?} {calls:?} {:?}", it.seq, it.response.message, usage)
        }
        Frame::TurnCancelled(it) => format!("{} cancelled", it.seq),
        Frame::Error(it) => {
            let (seq, turn) = (it.seq.unwrap(), it.turn.as_ref().unwrap());
            format!("{seq} error {} {}: {}", it.code, turn.state, it.message)
        }
        Frame::HelloAck(_) | Frame::SessionList(_) => "not of a turn".to_owned(),
    }
}

/// A turn with `rounds` behind it is told of, and then ended.
fn check(rounds: u32, told: &[Progress], end: impl FnOnce(&mut Report<'_>) -> Vec<Frame>, expected: Expect) {
    let mut reporter = Reporter::new(&user(), &session(), 8);
    let mut report = Report::new(&mut reporter, turn(), rounds);
    let mut frames = vec![report.started()];
    told.iter().for_each(|progress| frames.extend(report.told(progress)));
    frames.extend(end(&mut report));
    expected.assert_eq(&frames.iter().map(|frame| shown(frame) + "\n").collect::<String>());
}

#[test]
fn a_turn_with_a_call() {
    let told = [
        asking(1, 1),
        Progress::StandIn("other".into()),
        Progress::Reasoning("hm".into()),
        text("I look."),
        Progress::Calling(call("file_list")),
        Progress::Called { call: call("file_list"), outcome: CallOutcome::Done, why: None },
        Progress::Correcting("no such tool".into()),
        asking(2, 1),
        text("No "),
        text("files."),
    ];
    let history = [
        result("t-0", "file_read", CallOutcome::Done),
        result("t-1", "file_list", CallOutcome::Done),
        result("t-1", "file_delete", CallOutcome::Refused),
        result("t-1", "file_edit", CallOutcome::Failed),
        assistant("No files."),
    ];
    check(
        0,
        &told,
        |report| report.answered(&answered(2), &history),
        expect![[r#"
            1 started, running
            2 provider_call 1/8 asking the model
            3 retry 1/8 other answers instead
            4 1.1 (thinks) "hm"
            5 1.1 "I look."
            6 tool_execution 1/8 file_list {} [file_list running]
            7 tool_execution 1/8 file_list: done [file_list done]
            8 correction 1/8 no such tool
            9 provider_call 2/8 asking the model
            10 2.1 "No "
            11 2.1 "files."
            12 completed "No files." ["file_list done", "file_delete refused", "file_edit failed"] Some((13, 7))
        "#]],
    );
}

#[test]
fn a_new_attempt_starts_over() {
    let told = [asking(1, 1), text("so fa"), asking(1, 2), text("so far so good")];
    let end = |report: &mut Report<'_>| report.answered(&answered(1), &[assistant("so far so good")]);
    check(
        0,
        &told,
        end,
        expect![[r#"
        1 started, running
        2 provider_call 1/8 asking the model
        3 1.1 "so fa"
        4 provider_call 1/8 asking the model, attempt 2
        5 1.2 reset ""
        6 1.2 "so far so good"
        7 completed "so far so good" [] Some((13, 7))
    "#]],
    );
}

#[test]
fn a_turn_that_an_earlier_process_left() {
    let end = |report: &mut Report<'_>| report.answered(&answered(2), &[assistant("all of it")]);
    // It was heard from its first word on, somewhere in the middle of it, and not at all.
    check(
        1,
        &[asking(2, 2), text("all of it")],
        end,
        expect![[r#"
        1 started, running
        2 provider_call 2/8 asking the model, attempt 2
        3 2.2 reset ""
        4 2.2 "all of it"
        5 completed "all of it" [] Some((13, 7))
    "#]],
    );
    check(
        1,
        &[text("of it")],
        end,
        expect![[r#"
        1 started, running
        2 2.1 reset "all of it"
        3 completed "all of it" [] Some((13, 7))
    "#]],
    );
    check(
        1,
        &[],
        end,
        expect![[r#"
        1 started, running
        2 2.1 reset "all of it"
        3 completed "all of it" [] Some((13, 7))
    "#]],
    );
    // Its calls name the round to which they belong.
    check(
        3,
        &[Progress::Calling(call("file_list"))],
        |_| vec![],
        expect![[r#"
        1 started, running
        2 tool_execution 3/8 file_list {} [file_list running]
    "#]],
    );
}

#[test]
fn words_that_were_missed_are_said_again() {
    let mut reporter = Reporter::new(&user(), &session(), 8);
    let mut report = Report::new(&mut reporter, turn(), 0);
    let mut frames = report.told(&asking(1, 1));
    frames.extend(report.told(&text("one ")));
    report.missed();
    frames.extend(report.told(&text("three")));
    frames.extend(report.answered(&answered(1), &[assistant("one two three")]));
    let shown: Vec<_> = frames.iter().map(shown).collect();
    expect![[r#"
        1 provider_call 1/8 asking the model
        2 1.1 "one "
        3 1.1 reset "one two three"
        4 completed "one two three" [] Some((13, 7))"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn a_turn_without_an_answer() {
    for (cause, exit, expected) in [
        (
            StopCause::Cancelled,
            Exit::Cancelled,
            expect![[r#"
            1 started, running
            2 cancelled
        "#]],
        ),
        (
            StopCause::Spent("turns".into()),
            Exit::BudgetSpent,
            expect![[r#"
                1 started, running
                2 error budget_spent failed: the turn's budget is spent: out of turns. `runtime.max_turns` says how much a turn may use: `oxydra config show --origin runtime.max_turns`
            "#]],
        ),
        (
            StopCause::Spent("money".into()),
            Exit::BudgetSpent,
            expect![[r#"
                1 started, running
                2 error budget_spent failed: the turn's budget is spent: out of money. `runtime.max_cost` says how much a turn may use: `oxydra config show --origin runtime.max_cost`
            "#]],
        ),
        (
            StopCause::Spent("time".into()),
            Exit::BudgetSpent,
            expect![[r#"
                1 started, running
                2 error budget_spent failed: the turn's budget is spent: out of time. `runtime.max_duration_secs` says how much a turn may use: `oxydra config show --origin runtime.max_duration_secs`
            "#]],
        ),
        (
            StopCause::Unfit("in the last one `city` is missing".into()),
            Exit::Failed,
            expect![[r#"
            1 started, running
            2 error answer_unfit failed: no answer fits the schema (`runtime.answer_schema`): in the last one `city` is missing. Another model may do better, or a schema that says less
        "#]],
        ),
        (
            StopCause::Failed("the model refuses".into()),
            Exit::Failed,
            expect![[r#"
            1 started, running
            2 error turn_failed failed: the model refuses
        "#]],
        ),
    ] {
        let stop = |report: &mut Report<'_>| {
            let (frame, how) = report.stopped(Stopped { cause, in_doubt: vec![] }, None);
            assert_eq!(how, exit);
            vec![frame]
        };
        check(0, &[], stop, expected);
    }
    check(
        0,
        &[],
        |report| vec![report.failed(ErrorCode::Storage, "the disk is gone".into())],
        expect![[r#"
        1 started, running
        2 error storage failed: the disk is gone
    "#]],
    );
}

#[test]
fn an_answer_that_does_not_fit_is_taken_back() {
    let mut reporter = Reporter::new(&user(), &session(), 8);
    let mut report = Report::new(&mut reporter, turn(), 0);
    let mut frames = report.told(&asking(1, 1));
    frames.extend(report.told(&text("bare")));
    frames.extend(report.told(&Progress::Unfit("it is not JSON; asked again, answer 2 of 3".into())));
    frames.extend(report.told(&asking(2, 1)));
    frames.extend(report.told(&text("{}")));
    frames.extend(report.answered(&answered(2), &[assistant("bare"), assistant("{}")]));
    let shown: Vec<_> = frames.iter().map(shown).collect();
    expect![[r#"
        1 provider_call 1/8 asking the model
        2 1.1 "bare"
        3 1.1 reset ""
        4 correction 1/8 the answer does not fit the schema: it is not JSON; asked again, answer 2 of 3
        5 provider_call 2/8 asking the model
        6 2.1 "{}"
        7 completed "{}" [] Some((13, 7))"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn why_the_model_stopped_is_told() {
    let reasons = [Finish::Stop, Finish::Calls, Finish::Length, Finish::Refused("no".into())]
        .map(|f| finish_reason(&f));
    use FinishReason::{Length, Refused, Stop, ToolCalls};
    assert_eq!(reasons, [Stop, ToolCalls, Length, Refused]);
}
