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
        let fault = script.remove(0);
        // Half a word comes before each fault but those of who was not asked.
        let has_begun = !matches!(fault, ModelFault::Unreached { .. } | ModelFault::Closed(_));
        let half = has_begun.then(|| Ok(Fragment::Text("ha".into())));
        stream::iter(half.into_iter().chain([Err(fault)])).boxed()
    }
}

const RULES: Rules = Rules {
    attempts_max: 3,
    wait_min: Duration::from_secs(1),
    wait_max: Duration::from_secs(60),
    is_spread: false,
    pause: Pause { failures: 3, lasts: Duration::from_secs(300) },
};

fn busy(retry_after: Option<u64>) -> ModelFault {
    ModelFault::Unavailable { why: "busy".into(), retry_after: retry_after.map(Duration::from_secs) }
}

fn unreached() -> ModelFault {
    ModelFault::Unreached { why: "no connection".into(), retry_after: None }
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
    for _ in 0..20 {
        let mut asked = question(vec![user("hi")]);
        asked.key = key.into();
        let mut wait = None;
        for fragment in chain.ask(asked).collect::<Vec<_>>().await {
            lines.push(match fragment {
                Ok(Fragment::Text(text)) => text,
                Ok(Fragment::Model(model)) => format!("by {model}:"),
                Ok(Fragment::Finish(_)) => return lines.join(" "),
                Ok(_) => continue,
                Err(ModelFault::Unavailable { why, retry_after }) => {
                    wait = retry_after;
                    format!("! {why}, wait {:?}\n", retry_after.unwrap_or_default())
                }
                Err(ModelFault::Unreached { why, retry_after }) => {
                    wait = retry_after;
                    format!("! free: {why}, wait {:?}\n", retry_after.unwrap_or_default())
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
        vec![("a", vec![busy(None), busy(None), busy(None)]), ("b", vec![])],
        expect![[r#"
            ha ! busy, wait 1s
             ha ! busy, wait 2s
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
            ! free: a cannot be used: no key; b is asked, wait 0ns
             by b: ha ! busy, wait 1s
             by b: b"#]],
    )
    .await;
    check(
        vec![("a", vec![closed()]), ("b", vec![closed()])],
        expect![[r#"
            ! free: a cannot be used: no key; b is asked, wait 0ns
             by b:! the model cannot be used: none of them answers: a: no key; b: no key"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_is_asked_as_often_as_the_rules_say_and_then_it_is_over() {
    let down = || vec![busy(None), unreached(), busy(None)];
    check(
        vec![("a", down())],
        expect![[r#"
        ha ! busy, wait 1s
         ! free: no connection, wait 2s
         ha! the model cannot be used: busy (asked 3 times, as `reliability.max_attempts` says)"#]],
    )
    .await;
    check(vec![("a", down()), ("b", vec![ModelFault::Closed("no key".into())]), ("c", down())], expect![[r#"
        ha ! busy, wait 1s
         ! free: no connection, wait 2s
         ha ! busy; b is asked, wait 0ns
         by b: ! free: b cannot be used: no key; c is asked, wait 0ns
         by c: ha ! busy, wait 1s
         by c: ! free: no connection, wait 2s
         by c: ha! the model cannot be used: none of them answers: a: busy (asked 3 times, as `reliability.max_attempts` says); b: no key; c: busy (asked 3 times, as `reliability.max_attempts` says)"#]])
        .await;
    // The third of them is asked too, and one that was passed over comes back.
    check(
        vec![("a", down()), ("b", down()), ("c", vec![])],
        expect![[r#"
        ha ! busy, wait 1s
         ! free: no connection, wait 2s
         ha ! busy; b is asked, wait 0ns
         by b: ha ! busy, wait 1s
         by b: ! free: no connection, wait 2s
         by b: ha ! busy; c is asked, wait 0ns
         by c: c"#]],
    )
    .await;
    check(
        vec![("a", vec![busy(Some(100))]), ("b", down())],
        expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: ha ! busy, wait 1s
         by b: ! free: no connection, wait 2s
         by b: ha ! busy; a is asked, wait 0ns
         ! free: it failed before and is left alone for a while: busy, wait 97s
         a"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_be_left_alone_for_long_is_named_with_the_time() {
    let models = || vec![("a", vec![busy(Some(3_600))])];
    let chain = chain(models(), RULES);
    expect!["ha! the model cannot be used: busy; it asks to be left alone: ask again in 60 min"]
        .assert_eq(&asked(&chain, "one").await);
    expect!["! the model cannot be used: it failed before and is left alone for a while: busy; ask again in 60 min"].assert_eq(&asked(&chain, "two").await);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    expect!["a"].assert_eq(&asked(&chain, "three").await);
    let spans = [1, 120, 121, 7_200, 7_201].map(|seconds| span(Duration::from_secs(seconds)));
    assert_eq!(spans, ["1 s", "120 s", "3 min", "120 min", "3 h"]);
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
    let pause = Pause { failures: 1, lasts: Duration::from_secs(90) };
    let rules = Rules { attempts_max: 2, wait_max: Duration::from_millis(900), pause, ..RULES };
    let chain = chain(vec![("a", vec![busy(Some(2))]), ("b", vec![busy(Some(2))])], rules);
    expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: ha ! busy; a is asked, wait 0ns
         ! free: it failed before and is left alone for a while: busy, wait 90s
         a"#]]
    .assert_eq(&asked(&chain, "k").await);
}

#[tokio::test(start_paused = true)]
async fn without_another_model_a_turn_goes_on_and_new_questions_are_kept_off() {
    let pause = Pause { failures: 2, lasts: Duration::from_secs(100) };
    let rules = Rules { attempts_max: 9, pause, ..RULES };
    let chain = chain(vec![("a", vec![busy(None), busy(None), busy(None), busy(None)])], rules);
    let mut first = question(vec![user("hi")]);
    first.key = "first".into();
    for _ in 0..3 {
        drop(chain.ask(first.clone()).collect::<Vec<_>>().await);
    }
    expect![[r#"
        ! free: it failed before and is left alone for a while: busy, wait 100s
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

/// Ends well at each question, and says what it is made of.
struct Ends(&'static str, Vec<Fragment>);

impl Model for Ends {
    fn id(&self) -> &str {
        self.0
    }
    fn limits(&self) -> ModelLimits {
        ModelLimits { context_tokens_max: Tokens(1_000), answer_tokens_max: Tokens(100) }
    }
    fn ask(&self, _: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let all: Vec<_> = self.1.iter().cloned().map(Ok).collect();
        stream::iter(all).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_word_counts_as_a_failure() {
    let silent = || {
        let fragments = vec![Fragment::Text(String::new()), Fragment::Finish(Finish::Stop)];
        Arc::new(Ends("silent", fragments))
    };
    let rules = Rules { attempts_max: 2, ..RULES };
    let alone = Chain::new(silent(), Vec::new(), rules);
    expect![[r#"
        ! it broke its protocol: it said nothing and called nothing, wait 1s
         ! the model cannot be used: it broke its protocol: it said nothing and called nothing (asked 2 times, as `reliability.max_attempts` says)"#]].assert_eq(asked(&alone, "k").await.trim_start());
    let other = Arc::new(Scripted { id: "b", script: Mutex::default() });
    expect![[r#"
        ! it broke its protocol: it said nothing and called nothing, wait 1s
          ! it broke its protocol: it said nothing and called nothing; b is asked, wait 0ns
         by b: b"#]]
    .assert_eq(asked(&Chain::new(silent(), vec![other], rules), "k").await.trim_start());
    // Who reached the limit, or refuses, has ended for a reason of its own.
    for finish in [Finish::Length, Finish::Refused("no".into())] {
        let ended = Chain::new(Arc::new(Ends("a", vec![Fragment::Finish(finish)])), Vec::new(), rules);
        assert_eq!(asked(&ended, "k").await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_be_no_answer_is_asked_for_as_often_as_what_never_came() {
    let call = |index, tool: &str| Fragment::Call {
        index,
        id: Some(format!("call_{index}")),
        tool: Some(tool.to_owned()),
        arguments: "{}".to_owned(),
    };
    let end = || Fragment::Finish(Finish::Calls);
    let nameless = Arc::new(Ends("nameless", vec![call(0, ""), end()]));
    let many = Arc::new(Ends("many", (0..200).map(|index| call(index, "t")).chain([end()]).collect()));
    let long = Arc::new(Ends(
        "long",
        vec![Fragment::Text("x".repeat(domain::ANSWER_BYTES_MAX)), call(0, "t"), end()],
    ));
    let well = Arc::new(Scripted { id: "well", script: Mutex::default() });
    let rules = Rules { attempts_max: 2, ..RULES };
    let text = asked(&Chain::new(nameless, vec![many, long, well], rules), "k").await;
    // Of the long text it matters that it is there, and not what it says.
    expect![[r#"
        ! it broke its protocol: call 0 of the answer names no tool, wait 1s
         ! it broke its protocol: call 0 of the answer names no tool; many is asked, wait 0ns
         by many: ! it broke its protocol: the answer makes more than 128 calls, wait 1s
         by many: ! it broke its protocol: the answer makes more than 128 calls; long is asked, wait 0ns
         by long: [text] ! it broke its protocol: the answer is longer than 4194304 bytes, wait 1s
         by long: [text] ! it broke its protocol: the answer is longer than 4194304 bytes; well is asked, wait 0ns
         by well: well"#]].assert_eq(&text.replace(&"x".repeat(domain::ANSWER_BYTES_MAX), "[text]"));
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_more_than_anybody_waits_makes_way_whatever_the_longest_wait_is() {
    let rules = Rules { wait_max: Duration::from_secs(3_600), ..RULES };
    let models = vec![("a", vec![busy(Some(180))]), ("b", vec![])];
    expect![[r#"
        ha ! busy; b is asked, wait 0ns
         by b: b"#]]
    .assert_eq(&asked(&chain(models, rules), "k").await);
    // Its own wait is never longer than anybody waits.
    let slow = Rules { wait_min: Duration::from_secs(600), wait_max: Duration::from_secs(3_600), ..RULES };
    expect![[r#"
        ha ! busy, wait 120s
         a"#]]
    .assert_eq(&asked(&chain(vec![("a", vec![busy(None)])], slow), "k").await);
}
