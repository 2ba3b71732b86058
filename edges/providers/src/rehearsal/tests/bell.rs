//! The bell: rung, not there, and what is said when a person had to say what became of a call.
use super::sentences;
use super::workspace::{TOOLS, Workspace};
use domain::CallOutcome;
use expect_test::{Expect, expect};

fn with_bell() -> Workspace {
    Workspace { tools: [&TOOLS[..], &["test_bell"]].concat(), ..Workspace::with(&[("a.txt", "TODO")]) }
}

async fn check(workspace: Workspace, requests: &[&str], expected: Expect) {
    let mut workspace = workspace;
    let mut trace = String::new();
    for request in requests {
        trace.push_str(&workspace.turn(request).await);
    }
    expected.assert_eq(&trace);
}

#[test]
fn ringing_in_other_words() {
    sentences::check(
        &[
            "Please ring the bell.",
            "ring a bell slowly, then say done",
            "Could you ring the bell in five seconds?",
            "ring the bell for 1 second",
            "ring the bell twice",
            "ring the bells",
        ],
        expect![""],
    );
}

#[tokio::test]
async fn the_bell_is_rung_or_not_there() {
    check(with_bell(), &["ring the bell", "ring the bell slowly, then say done"], expect![""]).await;
    check(Workspace::with(&[]), &["ring the bell for 3 seconds, then say done"], expect![""]).await;
}

#[tokio::test]
async fn what_a_person_said_of_a_call_ends_it() {
    let requests = ["ring the bell, then say done", "replace TODO with DONE in a.txt then read it"];
    let settled = |outcome, said| Workspace { settled: Some((outcome, said)), ..with_bell() };
    let done = "the user looked and says that this call was carried out";
    check(settled(CallOutcome::Done, done), &requests[..1], expect![""]).await;
    let dropped = "the user dropped this call; it may have been carried out before: do not repeat it";
    check(settled(CallOutcome::Failed, dropped), &requests, expect![""]).await;
}
