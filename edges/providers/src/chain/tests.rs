//! Models that fail in every way, and who is asked next.
use super::*;
use crate::wire::tests::{question, user};
use domain::{Finish, Tokens};
use expect_test::{Expect, expect};

/// Does, at each question, the next thing of a list; then it answers.
struct Scripted {
    id: &'static str,
    script: Mutex<Vec<ModelFault>>,
}

impl Model for Scripted {
    fn id(&self) -> &str {
        self.id
    }
    fn limits(&self) -> ModelLimits {
        ModelLimits { context_tokens_max: Tokens(1_000), answer_tokens_max: Tokens(100) }
    }
    fn ask(&self, _: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let mut script = self.script.lock().expect("nobody panicked");
        if script.is_empty() {
            return stream::iter([Ok(Fragment::Text(self.id.into())), Ok(Fragment::Finish(Finish::Stop))])
                .boxed();
        }
        // Half a word comes before each fault.
        stream::iter([Ok(Fragment::Text("ha".into())), Err(script.remove(0))]).boxed()
    }
}

const RULES: Rules = Rules {
    attempts_max: 2,
    wait_min: Duration::from_secs(1),
    wait_max: Duration::from_secs(60),
    is_spread: false,
    pause: Pause { failures: 3, lasts: Duration::from_secs(300) },
};

fn busy(retry_after: Option<u64>) -> ModelFault {
    ModelFault::Unavailable { why: "busy".into(), retry_after: retry_after.map(Duration::from_secs) }
}

fn chain(models: Vec<(&'static str, Vec<ModelFault>)>, rules: Rules) -> Chain {
    let mut models = models
        .into_iter()
        .map(|(id, script)| -> Arc<dyn Model> { Arc::new(Scripted { id, script: Mutex::new(script) }) });
    let first = models.next().expect("there is one");
    Chain::new(first, models.collect(), rules)
}

/// Asks as a turn does: again after the wait, until there is an answer or no use in asking.
async fn asked(chain: &Chain, key: &str) -> String {
    let mut lines = Vec::new();
    for _ in 0..6 {
        let mut asked = question(vec![user("hi")]);
        asked.key = key.into();
        let mut wait = None;
        for fragment in chain.ask(asked).collect::<Vec<_>>().await {
            lines.push(match fragment {
                Ok(Fragment::Text(text)) => text,
                Ok(Fragment::Model(model)) => format!("by {model}:"),
                Ok(_) => return lines.join(" "),
                Err(ModelFault::Unavailable { why, retry_after }) => {
                    wait = retry_after;
                    format!("! {why}, wait {:?}\n", retry_after.unwrap_or_default())
                }
                Err(fault) => return format!("{}! {fault}", lines.join(" ")),
            });
        }
        tokio::time::advance(wait.unwrap_or_default()).await;
    }
    lines.join(" ")
}

async fn check(models: Vec<(&'static str, Vec<ModelFault>)>, expected: Expect) {
    expected.assert_eq(&asked(&chain(models, RULES), "k").await);
}

#[tokio::test(start_paused = true)]
async fn one_model_is_asked_again_after_longer_and_longer_waits() {
    check(
        vec![("a", vec![busy(None), busy(None)])],
        expect![[r#"
        ha ! busy, wait 1s
         ha ! busy, wait 2s
         a"#]],
    )
    .await;
    check(
        vec![("a", vec![busy(Some(7))])],
        expect![[r#"
        ha ! busy, wait 7s
         a"#]],
    )
    .await;
    check(
        vec![("a", vec![ModelFault::Broken("no JSON".into())])],
        expect![[r#"
        ha ! it broke its protocol: no JSON, wait 1s
         a"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_model_is_asked_when_one_fails_for_good() {
    check(
        vec![("a", vec![busy(None), busy(None)]), ("b", vec![])],
        expect![[r#"
        ha ! busy, wait 1s
         ha ! busy; b is asked, wait 0ns
         by b: b"#]],
    )
    .await;
    // One that wants to be left alone for longer than anybody waits.
    check(
        vec![("a", vec![busy(Some(100))]), ("b", vec![])],
        expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: b"#]],
    )
    .await;
    // One that is closed to us is not asked twice.
    let closed = || ModelFault::Closed("no key".into());
    check(
        vec![("a", vec![closed()]), ("b", vec![busy(None)]), ("c", vec![])],
        expect![[r#"
        ha ! a cannot be used: no key; b is asked, wait 0ns
         by b: ha ! busy, wait 1s
         by b: b"#]],
    )
    .await;
    check(
        vec![("a", vec![closed()]), ("b", vec![closed()])],
        expect![[r#"
        ha ! a cannot be used: no key; b is asked, wait 0ns
         by b: ha! the model cannot be used: no key"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_refused_is_put_to_nobody_else() {
    check(
        vec![("a", vec![ModelFault::Refused("too long".into())]), ("b", vec![])],
        expect!["ha! the model refused the question: too long"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_failed_is_left_alone_by_other_questions_too() {
    let rules = Rules { attempts_max: 1, pause: Pause { failures: 1, ..RULES.pause }, ..RULES };
    let chain = chain(vec![("a", vec![busy(None)]), ("b", vec![])], rules);
    expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: b"#]]
    .assert_eq(&asked(&chain, "one").await);
    expect!["by b: b"].assert_eq(&asked(&chain, "two").await);
    tokio::time::advance(Duration::from_secs(301)).await;
    expect!["a"].assert_eq(&asked(&chain, "three").await);
}

#[tokio::test(start_paused = true)]
async fn where_all_are_left_alone_the_first_that_is_not_is_waited_for() {
    let rules = Rules { attempts_max: 1, pause: Pause { failures: 1, ..RULES.pause }, ..RULES };
    let chain = chain(vec![("a", vec![busy(None)]), ("b", vec![busy(None)])], rules);
    expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: ha ! busy; a is asked, wait 0ns
         ! it failed again and again and is left alone for a while: busy, wait 300s
         a"#]]
    .assert_eq(&asked(&chain, "k").await);
}

#[tokio::test(start_paused = true)]
async fn without_another_model_a_turn_goes_on_and_new_questions_are_kept_off() {
    let rules = Rules { pause: Pause { failures: 2, ..RULES.pause }, ..RULES };
    let chain = chain(vec![("a", vec![busy(None), busy(None), busy(None), busy(None)])], rules);
    let mut first = question(vec![user("hi")]);
    first.key = "first".into();
    for _ in 0..3 {
        drop(chain.ask(first.clone()).collect::<Vec<_>>().await);
    }
    expect![[r#"
        ! it failed again and again and is left alone for a while: busy, wait 300s
         ha ! busy, wait 1s
         a"#]]
    .assert_eq(&asked(&chain, "second").await);
}

#[test]
fn waits_are_spread_over_questions_and_never_shorter_than_asked() {
    let rules = Rules { is_spread: true, ..RULES };
    let waits: Vec<_> = (0..200).map(|n| rules.wait(3, spread(&format!("question {n}"), 3))).collect();
    let (least, most) = (waits.iter().min().expect("some"), waits.iter().max().expect("some"));
    assert!(*least >= Duration::from_secs(2) && *most <= Duration::from_secs(4), "{least:?} {most:?}");
    assert!(*most - *least > Duration::from_millis(1_900), "{least:?} {most:?}");
    assert_eq!(spread("k", 1), spread("k", 1), "the same at a second look");
    assert_eq!(rules.wait(40, u32::MAX), Duration::from_secs(60));
    assert!((0..50).all(|n| later(Duration::from_secs(20), spread("k", n)) >= Duration::from_secs(20)));
}
