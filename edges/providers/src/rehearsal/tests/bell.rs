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
        expect![[r#"
            "Please ring the bell."
                rehearse Bell(0)
            "ring a bell slowly, then say done"
                rehearse Bell(10) · tell "done"
            "Could you ring the bell in five seconds?"
                rehearse Bell(5)
            "ring the bell for 1 second"
                rehearse Bell(1)
            "ring the bell twice"
                Unknown { clause: "ring the bell twice", nearest: Some(("ring (the|a) bell slowly", "ring the bell slowly")) }
            "ring the bells"
                Unknown { clause: "ring the bells", nearest: Some(("ring (the|a) bell slowly", "ring the bell slowly")) }
        "#]],
    );
}

#[tokio::test]
async fn the_bell_is_rung_or_not_there() {
    check(
        with_bell(),
        &["ring the bell", "ring the bell slowly, then say done"],
        expect![[r#"
        > ring the bell
        Let me ring the bell.
          call_1 test_bell {"seconds":0} → Done
        My call of the bell was answered: the bell rang: stroke 1 in `/shared/bells.txt`
        > ring the bell slowly, then say done
        Let me ring the bell. It takes 10 s.
          call_1 test_bell {"seconds":10} → Done
        My call of the bell was answered: the bell rang: stroke 1 in `/shared/bells.txt`

        done
    "#]],
    )
    .await;
    check(Workspace::with(&[]), &["ring the bell for 3 seconds, then say done"], expect![[r#"
        > ring the bell for 3 seconds, then say done
        I could not ring the bell: I was not given the tool `test_bell`, which is there when Oxydra is started with `OXYDRA_TEST_TOOLS=1`. I left the step behind it undone.
    "#]]).await;
}

#[tokio::test]
async fn what_a_person_said_of_a_call_ends_it() {
    let requests = ["ring the bell, then say done", "replace TODO with DONE in a.txt then read it"];
    let settled = |outcome, said| Workspace { settled: Some((outcome, said)), ..with_bell() };
    let done = "the user looked and says that this call was carried out";
    check(
        settled(CallOutcome::Done, done),
        &requests[..1],
        expect![[r#"
        > ring the bell, then say done
        Let me ring the bell.
          call_1 test_bell {"seconds":0} → Done
        My call of the bell was answered: the user looked and says that this call was carried out

        done
    "#]],
    )
    .await;
    let dropped = "the user dropped this call; it may have been carried out before: do not repeat it";
    check(settled(CallOutcome::Failed, dropped), &requests, expect![[r#"
        > ring the bell, then say done
        Let me ring the bell.
          call_1 test_bell {"seconds":0} → Failed
        I could not ring the bell: the call failed: the user dropped this call; it may have been carried out before: do not repeat it. I left the step behind it undone.
        > replace TODO with DONE in a.txt then read it
        Let me change a.txt.
          call_1 file_edit {"new_text":"DONE","old_text":"TODO","path":"a.txt","replace_all":true} → Failed
        I could not change a.txt: the call failed: the user dropped this call; it may have been carried out before: do not repeat it. I left the step behind it undone.
    "#]]).await;
}
