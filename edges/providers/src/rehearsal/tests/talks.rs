//! Whole conversations: what is called, with what, and what is said in the end.
use super::workspace::Workspace;
use expect_test::{Expect, expect};

async fn check(mut workspace: Workspace, requests: &[&str], expected: Expect) {
    let mut trace = String::new();
    for request in requests {
        trace.push_str(&workspace.turn(request).await);
    }
    for (name, text) in &workspace.files {
        trace.push_str(&format!("= {name} {text:?}\n"));
    }
    expected.assert_eq(&trace);
}

fn three() -> Workspace {
    Workspace::with(&[("a b.txt", "milk\n"), ("notes.md", "one TODO\ntwo\nTODO three"), ("übrig", "")])
}

#[tokio::test]
async fn the_first_minute() {
    check(
        three(),
        &["list the files, then write a file q7.out that names them"],
        expect![[r#"
            > list the files, then write a file q7.out that names them
            Let me see what files there are.
              call_1 file_list {} → Done
            Let me write q7.out.
              call_2 file_write {"content":"a b.txt\nnotes.md\nübrig\n","mode":"replace","path":"q7.out"} → Done
            There are 3 entries here:
            - a b.txt
            - notes.md
            - übrig

            I wrote 3 names to q7.out.
            = a b.txt "milk\n"
            = notes.md "one TODO\ntwo\nTODO three"
            = q7.out "a b.txt\nnotes.md\nübrig\n"
            = übrig ""
        "#]],
    )
    .await;
}

#[tokio::test]
async fn long_listings_are_read_to_their_end() {
    let workspace = Workspace { page: 2, ..three() };
    check(
        workspace,
        &["list the files then write all.txt naming them"],
        expect![[r#"
            > list the files then write all.txt naming them
            Let me see what files there are.
              call_1 file_list {} → Done
              call_2 file_list {"offset":3} → Done
            Let me write all.txt.
              call_3 file_write {"content":"a b.txt\nnotes.md\nübrig\n","mode":"replace","path":"all.txt"} → Done
            There are 3 entries here:
            - a b.txt
            - notes.md
            - übrig

            I wrote 3 names to all.txt.
            = a b.txt "milk\n"
            = all.txt "a b.txt\nnotes.md\nübrig\n"
            = notes.md "one TODO\ntwo\nTODO three"
            = übrig ""
        "#]],
    )
    .await;
}

#[tokio::test]
async fn files_are_copied_changed_and_deleted() {
    let requests = [
        "read notes.md then write copy.md with its content",
        "replace TODO with DONE in copy.md, then append `the end` to it, then read it",
        "read 'a b.txt' and notes.md, then write both.txt with their contents, then delete copy.md and notes.md",
        "write x.txt: hello, then rename x.txt to y.txt",
    ];
    check(three(), &requests, expect![[r#"
        > read notes.md then write copy.md with its content
        Let me read notes.md.
          call_1 file_read {"path":"notes.md"} → Done
        Let me write copy.md.
          call_2 file_write {"content":"one TODO\ntwo\nTODO three","mode":"replace","path":"copy.md"} → Done
        notes.md says:
        one TODO
        two
        TODO three

        I wrote what I found to copy.md.
        > replace TODO with DONE in copy.md, then append `the end` to it, then read it
        Let me change copy.md.
          call_1 file_edit {"new_text":"DONE","old_text":"TODO","path":"copy.md","replace_all":true} → Done
        Let me add to it.
          call_2 file_write {"content":"the end\n","mode":"append","path":"copy.md"} → Done
        Let me read it.
          call_3 file_read {"path":"copy.md"} → Done
        I replaced “TODO” with “DONE” in copy.md.

        I added “the end” to copy.md.

        copy.md says:
        one DONE
        two
        DONE threethe end
        > read 'a b.txt' and notes.md, then write both.txt with their contents, then delete copy.md and notes.md
        Let me read a b.txt and notes.md.
          call_1 file_read {"path":"a b.txt"} → Done
          call_2 file_read {"path":"notes.md"} → Done
        Let me write both.txt.
          call_3 file_write {"content":"milk\none TODO\ntwo\nTODO three","mode":"replace","path":"both.txt"} → Done
        Let me delete copy.md and notes.md.
          call_4 file_delete {"path":"copy.md"} → Done
          call_5 file_delete {"path":"notes.md"} → Done
        a b.txt says:
        milk

        notes.md says:
        one TODO
        two
        TODO three

        I wrote what I found to both.txt.

        I deleted copy.md and notes.md.
        > write x.txt: hello, then rename x.txt to y.txt
        Let me write x.txt.
          call_1 file_write {"content":"hello\n","mode":"replace","path":"x.txt"} → Done
        Let me read x.txt.
          call_2 file_read {"path":"x.txt"} → Done
        Let me write y.txt.
          call_3 file_write {"content":"hello\n","mode":"new","path":"y.txt"} → Done
        Let me delete x.txt.
          call_4 file_delete {"path":"x.txt"} → Done
        I wrote “hello” to x.txt.

        x.txt says:
        hello

        I wrote what I found to y.txt.

        I deleted x.txt.
        = a b.txt "milk\n"
        = both.txt "milk\none TODO\ntwo\nTODO three"
        = y.txt "hello\n"
        = übrig ""
    "#]]).await;
}

#[tokio::test]
async fn searching_and_counting() {
    let requests = [
        "search for TODO then write hits.txt with what you found",
        "which files contain TODO; then write files.txt that names them; then read them",
        "count the files, then write the number to n.txt",
        "list the files, then count them, then write the number to n.txt",
        "how many words are in notes.md?",
        "search for nothing at all",
        "read the first 2 lines of notes.md then save it as head.txt",
    ];
    check(three(), &requests, expect![[r#"
        > search for TODO then write hits.txt with what you found
        Let me search for “TODO”.
          call_1 file_search {"query":"TODO"} → Done
        Let me write hits.txt.
          call_2 file_write {"content":"notes.md:1: one TODO\nnotes.md:3: TODO three\n","mode":"replace","path":"hits.txt"} → Done
        “TODO” stands here:
        - notes.md:1: one TODO
        - notes.md:3: TODO three

        I wrote what I found to hits.txt.
        > which files contain TODO; then write files.txt that names them; then read them
        Let me search for “TODO”.
          call_1 file_search {"query":"TODO"} → Done
        Let me write files.txt.
          call_2 file_write {"content":"hits.txt\nnotes.md\n","mode":"replace","path":"files.txt"} → Done
        Let me read them.
          call_3 file_read {"path":"hits.txt"} → Done
          call_4 file_read {"path":"notes.md"} → Done
        “TODO” stands in:
        - hits.txt
        - notes.md

        I wrote 2 names to files.txt.

        hits.txt says:
        notes.md:1: one TODO
        notes.md:3: TODO three

        notes.md says:
        one TODO
        two
        TODO three
        > count the files, then write the number to n.txt
        Let me count.
          call_1 file_list {} → Done
        Let me write n.txt.
          call_2 file_write {"content":"5\n","mode":"replace","path":"n.txt"} → Done
        There are 5 files here.

        I wrote what I found to n.txt.
        > list the files, then count them, then write the number to n.txt
        Let me see what files there are.
          call_1 file_list {} → Done
        Let me write n.txt.
          call_2 file_write {"content":"6\n","mode":"replace","path":"n.txt"} → Done
        There are 6 entries here:
        - a b.txt
        - files.txt
        - hits.txt
        - n.txt
        - notes.md
        - übrig

        There are 6.

        I wrote what I found to n.txt.
        > how many words are in notes.md?
        Let me count.
          call_1 file_read {"path":"notes.md"} → Done
        I count 5 words in notes.md.
        > search for nothing at all
        Let me search for “nothing at all”.
          call_1 file_search {"query":"nothing at all"} → Done
        “nothing at all” stands nowhere here.
        > read the first 2 lines of notes.md then save it as head.txt
        Let me read notes.md.
          call_1 file_read {"limit":2,"offset":1,"path":"notes.md"} → Done
        Let me write head.txt.
          call_2 file_write {"content":"one TODO\ntwo\n","mode":"replace","path":"head.txt"} → Done
        notes.md says:
        one TODO
        two
        (lines 1-2; go on with offset = 3)

        I wrote what I found to head.txt.
        = a b.txt "milk\n"
        = files.txt "hits.txt\nnotes.md\n"
        = head.txt "one TODO\ntwo\n"
        = hits.txt "notes.md:1: one TODO\nnotes.md:3: TODO three\n"
        = n.txt "6\n"
        = notes.md "one TODO\ntwo\nTODO three"
        = übrig ""
    "#]]).await;
}

#[tokio::test]
async fn a_session_remembers() {
    let requests = [
        "My name is Ada",
        "list the files",
        "write names.txt that lists them",
        "what is my name?",
        "What did I say first?",
        "what did you answer last?",
        "how many messages are there?",
        "summarise our conversation",
        "what do you remember?",
        "what is my shoe size?",
    ];
    check(three(), &requests, expect![[r#"
        > My name is Ada
        Your name is Ada. Ask me “what is my name?”
        > list the files
        Let me see what files there are.
          call_1 file_list {} → Done
        There are 3 entries here:
        - a b.txt
        - notes.md
        - übrig
        > write names.txt that lists them
        Let me write names.txt.
          call_1 file_write {"content":"a b.txt\nnotes.md\nübrig\n","mode":"replace","path":"names.txt"} → Done
        I wrote 3 names to names.txt.
        > what is my name?
        Your name is Ada: you told me so.
        > What did I say first?
        The first thing you said was: “My name is Ada”
        > what did you answer last?
        My last answer was: “The first thing you said was: “My name is Ada””
        > how many messages are there?
        You sent 7 so far, this one included; I said 8 things and got 2 results of tools.
        > summarise our conversation
        So far you asked me:
        - “My name is Ada”
        - “list the files”
        - “write names.txt that lists them”
        - “what is my name?”
        - “What did I say first?”
        - “what did you answer last?”
        - “how many messages are there?”
        > what do you remember?
        You asked me to remember:
        - your name is Ada
        > what is my shoe size?
        You have not told me here what your shoe size is. Say “my shoe size is …”.
        = a b.txt "milk\n"
        = names.txt "a b.txt\nnotes.md\nübrig\n"
        = notes.md "one TODO\ntwo\nTODO three"
        = übrig ""
    "#]]).await;
}

#[tokio::test]
async fn failures_are_said_and_nothing_goes_on() {
    let requests = [
        "read nothing.txt, then write x.txt with its content, then delete notes.md",
        "delete it",
        "write the result to x.txt",
        "please juggle",
        "",
    ];
    check(Workspace::with(&[("notes.md", "")]), &requests, expect![[r#"
        > read nothing.txt, then write x.txt with its content, then delete notes.md
        Let me read nothing.txt.
          call_1 file_read {"path":"nothing.txt"} → Failed
        I could not read nothing.txt: the call failed: `nothing.txt` does not exist. I left the 2 steps behind it undone.
        > delete it
        Let me delete it.
          call_1 file_delete {"path":"nothing.txt"} → Failed
        I could not delete it: the call failed: `nothing.txt` does not exist.
        > write the result to x.txt
        I could not write x.txt: there is no earlier result that I could use.
        > please juggle
        I am the rehearsal model, and I know a small grammar only. I do not understand “please juggle”.

        `oxydra run --help-rehearsal` prints all I understand.
        > 
        I am the rehearsal model, and I know a small grammar only. You have not said anything.

        `oxydra run --help-rehearsal` prints all I understand.
        = notes.md ""
    "#]]).await;
}

#[tokio::test]
async fn a_missing_tool_is_named() {
    let workspace = Workspace { tools: vec!["file_list"], ..three() };
    check(
        workspace,
        &["list the files, then delete notes.md"],
        expect![[r#"
            > list the files, then delete notes.md
            Let me see what files there are.
              call_1 file_list {} → Done
            There are 3 entries here:
            - a b.txt
            - notes.md
            - übrig

            I could not delete notes.md: I was not given the tool `file_delete`.
            = a b.txt "milk\n"
            = notes.md "one TODO\ntwo\nTODO three"
            = übrig ""
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_machine_is_tried() {
    let requests = [
        "rehearse a malformed call",
        "rehearse an unknown tool",
        "rehearse a slow answer of 20 words",
        "rehearse a cut answer",
        "rehearse an unavailable model",
    ];
    check(
        Workspace::with(&[("a", "")]),
        &requests,
        expect![[r#"
            > rehearse a malformed call
            Let me make a call whose arguments are not JSON.
              call_1 file_list {"path":  → Refused
            Let me see what files there are.
              call_2 file_list {} → Done
            My malformed call was answered: the arguments are not JSON

            There is 1 entry here:
            - a
            > rehearse an unknown tool
            Let me call a tool that does not exist.
              call_1 rehearsal_no_such_tool {} → Refused
            My call of an unknown tool was answered: there is no tool `rehearsal_no_such_tool`
            > rehearse a slow answer of 20 words
            Nothing is wrong, I only take my time so that you can try to stop me. Nothing is wrong, I
            > rehearse a cut answer
              attempt 1: the answer was cut off: it ended without a finish reason
            My first answer was cut off; this is another attempt.
            > rehearse an unavailable model
              attempt 1: the model is unavailable: unavailable on request, to be rehearsed
            At first I was out of reach; this is another attempt.
            = a ""
        "#]],
    )
    .await;
}
