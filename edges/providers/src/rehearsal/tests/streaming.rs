//! How an answer arrives: in which fragments, how fast, and where it ends.
use super::workspace::Workspace;
use crate::rehearsal::{Pace, Rehearsal, help};
use domain::{Finish, Fragment, Message, Model, Tokens};
use expect_test::expect;
use futures::StreamExt;

async fn fragments(request: &str, answer_tokens_max: u64) -> Vec<Fragment> {
    let mut workspace = Workspace::with(&[]);
    workspace.messages.push(Message::user(request));
    let mut question = workspace.question(1);
    question.answer_tokens_max = Tokens(answer_tokens_max);
    let all: Vec<_> = Rehearsal::new(Pace::AT_ONCE).ask(question).collect().await;
    all.into_iter().collect::<Result<_, _>>().expect("no fault was asked for")
}

#[tokio::test]
async fn it_streams_as_real_models_do() {
    let shown: Vec<_> = fragments("write a file hello.txt that says hello, world", 1_000).await;
    expect![[r#"
        [
            Text(
                "Let ",
            ),
            Text(
                "me ",
            ),
            Text(
                "write ",
            ),
            Text(
                "hello.txt.\n",
            ),
            Call {
                index: 0,
                id: Some(
                    "call_1",
                ),
                tool: Some(
                    "file_write",
                ),
                arguments: "",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "{\"content\":\"",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "hello, world",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "\\n\",\"mode\":\"",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "replace\",\"pa",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "th\":\"hello.t",
            },
            Call {
                index: 0,
                id: None,
                tool: None,
                arguments: "xt\"}",
            },
            Usage(
                Usage {
                    input: Tokens(
                        15,
                    ),
                    cached: Tokens(
                        0,
                    ),
                    cache_written: Tokens(
                        0,
                    ),
                    output: Tokens(
                        25,
                    ),
                    cost: MicroUsd(
                        0,
                    ),
                },
            ),
            Finish(
                Calls,
            ),
        ]
    "#]]
    .assert_debug_eq(&shown);
}

#[tokio::test]
async fn an_answer_ends_at_its_limit() {
    let shown = fragments("say one two three four five six", 3).await;
    expect![[r#"
        [
            Text(
                "one ",
            ),
            Text(
                "two ",
            ),
            Usage(
                Usage {
                    input: Tokens(
                        11,
                    ),
                    cached: Tokens(
                        0,
                    ),
                    cache_written: Tokens(
                        0,
                    ),
                    output: Tokens(
                        2,
                    ),
                    cost: MicroUsd(
                        0,
                    ),
                },
            ),
            Finish(
                Length,
            ),
        ]
    "#]]
    .assert_debug_eq(&shown);
    let long = fragments("say one two", 1_000).await;
    assert_eq!(long.last(), Some(&Fragment::Finish(Finish::Stop)));
}

#[tokio::test(start_paused = true)]
async fn the_pace_is_kept_and_bounded() {
    let slow = Rehearsal::default();
    let mut workspace = Workspace::with(&[]);
    for (request, expected) in [("say one two", 30), ("rehearse a slow answer of 100 words", 5_000)] {
        workspace.messages = vec![Message::user(request)];
        let start = tokio::time::Instant::now();
        slow.ask(workspace.question(1)).count().await;
        let taken = start.elapsed().as_millis();
        assert!((expected..expected + expected / 2).contains(&taken), "{request}: {taken} ms");
    }
}

#[test]
fn the_help_fits_a_terminal() {
    let help = help();
    let widest = help.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
    assert!(help.contains("TO TRY THE MACHINE") && help.contains("EARLIER is ("));
    let (_, tried) = help.split_once("TO TRY THE MACHINE").unwrap();
    assert!(tried.contains("ring (the|a) bell slowly") && tried.contains("OXYDRA_TEST_TOOLS=1"));
}
