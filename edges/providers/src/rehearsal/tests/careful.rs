//! What is not done: nothing is lost by a copy or a move, and nothing is claimed that was not seen.
use super::workspace::{SECRET, Workspace};
use expect_test::{Expect, expect};

async fn check(files: &[(&str, &str)], requests: &[&str], expected: Expect) {
    let mut trace = String::new();
    let mut workspace = Workspace::with(files);
    for request in requests {
        trace.push_str(&workspace.turn(request).await);
    }
    for (name, text) in &workspace.files {
        let text: String = text.chars().take(60).collect();
        trace.push_str(&format!("= {name} {text:?}\n"));
    }
    expected.assert_eq(&trace);
}

#[tokio::test]
async fn a_file_with_a_secret_is_neither_copied_nor_moved() {
    let env = format!("password = {SECRET}\n");
    let requests = [
        "rename env to env.old",
        "move env to old/env",
        "copy env to env.old",
        "read env, then append it to log",
    ];
    check(&[("env", env.as_str()), ("log", "one\n")], &requests, expect![[r#"
        > rename env to env.old
        Let me read env.
          call_1 file_read {"path":"env"} → Done
        Let me write env.old.
          call_2 file_write {"content":"password = [REDACTED]\n","mode":"new","path":"env.old"} → Failed
        env says:
        password = [REDACTED]

        I could not write env.old: the call failed: not written: [REDACTED] stands for something that was taken out. I left the step behind it undone.
        > move env to old/env
        Let me read env.
          call_1 file_read {"path":"env"} → Done
        Let me write old/env.
          call_2 file_write {"content":"password = [REDACTED]\n","mode":"new","path":"old/env"} → Failed
        env says:
        password = [REDACTED]

        I could not write old/env: the call failed: not written: [REDACTED] stands for something that was taken out. I left the step behind it undone.
        > copy env to env.old
        Let me read env.
          call_1 file_read {"path":"env"} → Done
        Let me write env.old.
          call_2 file_write {"content":"password = [REDACTED]\n","mode":"new","path":"env.old"} → Failed
        env says:
        password = [REDACTED]

        I could not write env.old: the call failed: not written: [REDACTED] stands for something that was taken out.
        > read env, then append it to log
        Let me read env.
          call_1 file_read {"path":"env"} → Done
        Let me add to log.
          call_2 file_write {"content":"password = [REDACTED]\n","mode":"append","path":"log"} → Failed
        env says:
        password = [REDACTED]

        I could not write log: the call failed: not written: [REDACTED] stands for something that was taken out.
        = env "password = hunter2\n"
        = log "one\n"
    "#]]).await;
}

#[tokio::test]
async fn no_file_is_copied_or_moved_onto_another() {
    let requests = [
        "copy x to y",
        "rename x to y",
        "rename x to x",
        "copy ./x to /shared/x then delete x",
        "read x, then move it to x",
    ];
    check(&[("x", "1\n"), ("y", "2\n")], &requests, expect![[r#"
        > copy x to y
        Let me read x.
          call_1 file_read {"path":"x"} → Done
        Let me write y.
          call_2 file_write {"content":"1\n","mode":"new","path":"y"} → Failed
        x says:
        1

        I could not write y: the call failed: not written: `y` exists already.
        > rename x to y
        Let me read x.
          call_1 file_read {"path":"x"} → Done
        Let me write y.
          call_2 file_write {"content":"1\n","mode":"new","path":"y"} → Failed
        x says:
        1

        I could not write y: the call failed: not written: `y` exists already. I left the step behind it undone.
        > rename x to x
        I could not copy or move x: both names are the same.
        > copy ./x to /shared/x then delete x
        I could not copy or move ./x: both names are the same. I left the step behind it undone.
        > read x, then move it to x
        Let me read x.
          call_1 file_read {"path":"x"} → Done
        Let me read it.
          call_2 file_read {"path":"x"} → Done
        Let me write x.
          call_3 file_write {"content":"1\n","mode":"new","path":"x"} → Failed
        x says:
        1

        x says:
        1

        I could not write x: the call failed: not written: `x` exists already. I left the step behind it undone.
        = x "1\n"
        = y "2\n"
    "#]]).await;
}

#[tokio::test]
async fn a_large_file_is_refused_at_its_first_page() {
    let large = "a line of it\n".repeat(3000);
    let requests = [
        "copy large to b",
        "rename large to b",
        "count the lines in large",
        "count the lines in large, then write the number to n",
    ];
    check(&[("large", large.as_str())], &requests, expect![[r#"
        > copy large to b
        Let me read large.
          call_1 file_read {"path":"large"} → Done
        large says:
        a line of it
        (lines 1-1 of 3000; go on with offset = 2)

        I could not write b: the earlier result is not whole: lines 1-1 of 3000; go on with offset = 2.
        > rename large to b
        Let me read large.
          call_1 file_read {"path":"large"} → Done
        large says:
        a line of it
        (lines 1-1 of 3000; go on with offset = 2)

        I could not write b: the earlier result is not whole: lines 1-1 of 3000; go on with offset = 2. I left the step behind it undone.
        > count the lines in large
        Let me count.
          call_1 file_read {"path":"large"} → Done
        I count 3000 lines in large.
        > count the lines in large, then write the number to n
        Let me count.
          call_1 file_read {"path":"large"} → Done
        Let me write n.
          call_2 file_write {"content":"3000\n","mode":"replace","path":"n"} → Done
        I count 3000 lines in large.

        I wrote what I found to n.
        = large "a line of it\na line of it\na line of it\na line of it\na line o"
        = n "3000\n"
    "#]]).await;
}

#[tokio::test]
async fn folders_are_not_files() {
    let requests = [
        "make an empty directory named \"x y\"",
        "make a new directory docs2",
        "create directories d1 and d2",
        "make me a folder called x",
        "make a directory x with hello",
        "what is in docs?",
        "what's in docs/a.txt",
        "what is in nowhere",
    ];
    check(&[("docs/a.txt", "1\n")], &requests, expect![[r#"
        > make an empty directory named "x y"
        I make no directory by itself: it is made by writing a file into it, as “write docs/a.txt: hello” does.
        > make a new directory docs2
        I make no directory by itself: it is made by writing a file into it, as “write docs/a.txt: hello” does.
        > create directories d1 and d2
        I make no directory by itself: it is made by writing a file into it, as “write docs/a.txt: hello” does.
        > make me a folder called x
        I make no directory by itself: it is made by writing a file into it, as “write docs/a.txt: hello” does.
        > make a directory x with hello
        I am the rehearsal model, and I know a small grammar only. I do not understand “make a directory x with hello”. The nearest I know is:

            MAKE [me] NAME (NAMING EARLIER|(NAMING|CONTAINING) FILES [PLACE])

        for example “list the files, then write a file names.txt that names them”.

        `oxydra run --help-rehearsal` prints all I understand.
        > what is in docs?
        Let me read docs.
          call_1 file_read {"path":"docs"} → Failed
        It is a folder. Let me see what is in it.
          call_2 file_list {"path":"docs"} → Done
        There is 1 entry in docs:
        - a.txt
        > what's in docs/a.txt
        Let me read docs/a.txt.
          call_1 file_read {"path":"docs/a.txt"} → Done
        docs/a.txt says:
        1
        > what is in nowhere
        Let me read nowhere.
          call_1 file_read {"path":"nowhere"} → Failed
        I could not look into nowhere: the call failed: `nowhere` does not exist.
        = docs/a.txt "1\n"
    "#]]).await;
}

#[tokio::test]
async fn counts_say_what_they_count() {
    let requests = [
        "how often does ab occur in a.txt",
        "how often does ab occur in a.txt, then write the number to n.txt",
        "count the letters in a.txt",
        "count the characters in a.txt",
        "rehearse a slow answer of 0 words",
    ];
    check(
        &[("a.txt", "ab 1 ab\nab\n")],
        &requests,
        expect![[r#"
        > how often does ab occur in a.txt
        Let me search for “ab”.
          call_1 file_search {"path":"a.txt","query":"ab"} → Done
        “ab” stands 3 times, on 2 lines.
        > how often does ab occur in a.txt, then write the number to n.txt
        Let me search for “ab”.
          call_1 file_search {"path":"a.txt","query":"ab"} → Done
        Let me write n.txt.
          call_2 file_write {"content":"3\n","mode":"replace","path":"n.txt"} → Done
        “ab” stands 3 times, on 2 lines.

        I wrote what I found to n.txt.
        > count the letters in a.txt
        Let me count.
          call_1 file_read {"path":"a.txt"} → Done
        I count 6 letters in a.txt.
        > count the characters in a.txt
        Let me count.
          call_1 file_read {"path":"a.txt"} → Done
        I count 11 characters in a.txt.
        > rehearse a slow answer of 0 words
        I could not rehearse that: an answer of 0 words says nothing, I need 1 at least.
        = a.txt "ab 1 ab\nab\n"
        = n.txt "3\n"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_slow_answer_has_its_longest() {
    let mut workspace = Workspace::with(&[]);
    let told = workspace.turn("rehearse a slow answer of 99999999 words").await;
    let answer = told.lines().skip(1).collect::<Vec<_>>().join("\n");
    let (note, words) = answer.split_once("\n\n").expect("a note and the words");
    assert_eq!((note, words.split_whitespace().count()), ("I stop at 10000 words.", 10_000));
}

#[tokio::test]
async fn a_question_ends_with_its_own_mark() {
    let mut workspace = Workspace::with(&[]);
    workspace.settled = Some((domain::CallOutcome::Failed, "`/shared/x` does not exist; did you mean `y`?"));
    let told = workspace.turn("read x").await;
    assert!(told.ends_with("did you mean `y`?\n"), "{told}");
}
