//! Every example of the printed grammar, and as many sentences again in other words, each with the plan it comes to.
use crate::rehearsal::forms::forms;
use crate::rehearsal::parse::parse;
use expect_test::{Expect, expect};

fn shown(request: &str) -> String {
    match parse(request) {
        Ok(plan) => plan.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · "),
        Err(not) => format!("{not:?}"),
    }
}

pub(super) fn check(requests: &[&str], expected: Expect) {
    let lines: Vec<_> =
        requests.iter().map(|request| format!("{request:?}\n    {}\n", shown(request))).collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn every_example_of_the_grammar_comes_to_its_plan() {
    let wrong: Vec<_> = forms()
        .iter()
        .flat_map(|read| read.form.examples)
        .map(|(said, plan)| (said, plan, shown(said)))
        .filter(|(_, plan, shown)| *plan != shown)
        .map(|(said, plan, shown)| format!("{said}\n  expected {plan}\n  came to  {shown}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn looking() {
    check(
        &[
            "list files",
            "LIST ALL THE FILES!",
            "please list the files for me",
            "Could you please show us the files in this folder?",
            "what files do you see here",
            "Which files are there in the directory “old stuff”?",
            "show me everything",
            "list the files in .",
            "show me notes.txt",
            "open the file called README",
            "cat src/main.rs, please",
            "Hi, can you read 'a b c.md' for me?",
            "read the file notes.",
            "print the text of über/straße.txt!",
            "read lines two to four of notes.txt",
            "show the first line of notes.txt",
            "read a.txt and b.txt, then c.txt",
            "read a.txt, then read b.txt and tell me what you found",
            "first read a.txt; next count the words in it",
            "list the files in docs. Then read them.",
            "look for TODO",
            "search notes.txt for milk and honey",
            "grep TODO in src/lib.rs",
            "find \"in the end\" in my files",
            "which of my files contain x",
            "show me the files that mention 'a in b'",
            "how many files are there?",
            "tell me how many files there are in docs",
            "How many words are in the file notes.txt?",
            "count the characters of notes.txt",
            "how many times does hello appear in notes.txt?",
            "list the files and tell me how many there are",
        ],
        expect![[r#"
            "list files"
                list
            "LIST ALL THE FILES!"
                list
            "please list the files for me"
                list
            "Could you please show us the files in this folder?"
                list
            "what files do you see here"
                list
            "Which files are there in the directory “old stuff”?"
                list in old stuff
            "show me everything"
                list
            "list the files in ."
                list in .
            "show me notes.txt"
                read notes.txt
            "open the file called README"
                read README
            "cat src/main.rs, please"
                read src/main.rs
            "Hi, can you read 'a b c.md' for me?"
                read a b c.md
            "read the file notes."
                read notes
            "print the text of über/straße.txt!"
                read über/straße.txt
            "read lines two to four of notes.txt"
                read 3 from line 2 of notes.txt
            "show the first line of notes.txt"
                read 1 from line 1 of notes.txt
            "read a.txt and b.txt, then c.txt"
                Unknown { clause: "c.txt", nearest: None }
            "read a.txt, then read b.txt and tell me what you found"
                read a.txt · read b.txt · tell <found>
            "first read a.txt; next count the words in it"
                read a.txt · count Words in <it>
            "list the files in docs. Then read them."
                list in docs · read <them>
            "look for TODO"
                search "TODO" for Lines
            "search notes.txt for milk and honey"
                search "milk and honey" in notes.txt for Lines
            "grep TODO in src/lib.rs"
                search "TODO" in src/lib.rs for Lines
            "find \"in the end\" in my files"
                search "in the end" for Lines
            "which of my files contain x"
                search "x" for Files
            "show me the files that mention 'a in b'"
                search "a in b" for Files
            "how many files are there?"
                count Files
            "tell me how many files there are in docs"
                count Files in docs
            "How many words are in the file notes.txt?"
                count Words in notes.txt
            "count the characters of notes.txt"
                count Characters in notes.txt
            "how many times does hello appear in notes.txt?"
                search "hello" in notes.txt for Number
            "list the files and tell me how many there are"
                list · count found
        "#]],
    );
}

#[test]
fn changing() {
    check(
        &[
            "list the files, then write a file qx7.out that names them",
            "show me the files and then create the file qx7.out naming them",
            "What files are there? Then make a file called 'q x.7' which lists them all",
            "list all files; save the list as names",
            "list the files and write a file names.txt that names the files",
            "please write a new file names.txt that lists all the files in docs",
            "save the file names to names.txt",
            "write hello world to hello.txt and read it",
            "Write a file poem.txt that says Roses are red.\nViolets are blue.",
            "create notes.md with the text \"# Notes. Then more; and more\"",
            "create a file x containing salt and pepper, then read it",
            "make me a file a.txt saying what's up?",
            "could you make a file a.txt saying hello?",
            "write a file a.txt that says it",
            "write a file a.txt that says he said \"now then\" and left",
            "write go to bed to to.txt",
            "put 42 into answer.txt",
            "print hello to a.txt",
            "create the file empty.txt",
            "read a.txt and write its content to b.txt",
            "read a.txt and b.txt then write c.txt with their contents",
            "search for TODO, and then save the matches in todo.txt",
            "which files contain TODO; write a file todo.txt that names them",
            "count the lines in a.txt then write the result to n.txt",
            "copy the content of a.txt into the new file b.txt",
            "move a.txt to old/a.txt",
            "append bye to log.txt",
            "add \"- milk\" to the end of the file shopping.md, then show it to me",
            "add a line saying buy eggs to todo.txt",
            "append the list to log.txt",
            "replace foo by bar in a.txt",
            "change the word good to very good in mood.txt",
            "in a.txt change \"x\" into \"y\"; then read it",
            "replace all cats with dogs in the file pets.txt, please",
            "delete a.txt",
            "remove the file 'a b', then list the files",
            "erase a.txt, b.txt, and c.txt",
            "delete the directory build and everything in it",
            "write x to a.txt; read it; append y to it; read it; delete it",
        ],
        expect![[r##"
            "list the files, then write a file qx7.out that names them"
                list · write qx7.out ← <names>
            "show me the files and then create the file qx7.out naming them"
                list · write qx7.out ← <names>
            "What files are there? Then make a file called 'q x.7' which lists them all"
                list · write q x.7 ← <names>
            "list all files; save the list as names"
                list · write names ← <found>
            "list the files and write a file names.txt that names the files"
                list · write names.txt ← <names>
            "please write a new file names.txt that lists all the files in docs"
                list in docs · write names.txt ← <names>
            "save the file names to names.txt"
                list · write names.txt ← <names>
            "write hello world to hello.txt and read it"
                write hello.txt ← "hello world" · read <it>
            "Write a file poem.txt that says Roses are red.\nViolets are blue."
                write poem.txt ← "Roses are red.\nViolets are blue"
            "create notes.md with the text \"# Notes. Then more; and more\""
                write notes.md ← "# Notes. Then more; and more"
            "create a file x containing salt and pepper, then read it"
                write x ← "salt and pepper" · read <it>
            "make me a file a.txt saying what's up?"
                write a.txt ← "what's up?"
            "could you make a file a.txt saying hello?"
                write a.txt ← "hello"
            "write a file a.txt that says it"
                write a.txt ← <found>
            "write a file a.txt that says he said \"now then\" and left"
                write a.txt ← "he said \"now then\" and left"
            "write go to bed to to.txt"
                write to.txt ← "go to bed"
            "put 42 into answer.txt"
                write answer.txt ← "42"
            "print hello to a.txt"
                write a.txt ← "hello"
            "create the file empty.txt"
                write new empty.txt ← nothing
            "read a.txt and write its content to b.txt"
                read a.txt · write b.txt ← <found>
            "read a.txt and b.txt then write c.txt with their contents"
                read a.txt + b.txt · write c.txt ← <found>
            "search for TODO, and then save the matches in todo.txt"
                search "TODO" for Lines · write todo.txt ← <found>
            "which files contain TODO; write a file todo.txt that names them"
                search "TODO" for Files · write todo.txt ← <names>
            "count the lines in a.txt then write the result to n.txt"
                count Lines in a.txt · write n.txt ← <found>
            "copy the content of a.txt into the new file b.txt"
                read a.txt · write new b.txt ← <found>
            "move a.txt to old/a.txt"
                read a.txt · write new old/a.txt ← <found> · delete a.txt
            "append bye to log.txt"
                append log.txt ← "bye"
            "add \"- milk\" to the end of the file shopping.md, then show it to me"
                append shopping.md ← "- milk" · read <it>
            "add a line saying buy eggs to todo.txt"
                append todo.txt ← "buy eggs"
            "append the list to log.txt"
                append log.txt ← <found>
            "replace foo by bar in a.txt"
                replace a.txt: "foo" → "bar"
            "change the word good to very good in mood.txt"
                replace mood.txt: "good" → "very good"
            "in a.txt change \"x\" into \"y\"; then read it"
                replace a.txt: "x" → "y" · read <it>
            "replace all cats with dogs in the file pets.txt, please"
                replace pets.txt: "cats" → "dogs"
            "delete a.txt"
                delete a.txt
            "remove the file 'a b', then list the files"
                delete a b · list
            "erase a.txt, b.txt, and c.txt"
                delete a.txt + b.txt + c.txt
            "delete the directory build and everything in it"
                delete folder build
            "write x to a.txt; read it; append y to it; read it; delete it"
                write a.txt ← "x" · read <it> · append <it> ← "y" · read <it> · delete <it>
        "##]],
    );
}

#[test]
fn talking() {
    check(
        &[
            "Hey!",
            "say hi",
            "Repeat after me: then is \"then\"",
            "answer with 'a; b'",
            "reply yes!",
            "what was my last question?",
            "Repeat what I just said",
            "What did I say before?",
            "what did you say?",
            "Summarize the conversation so far.",
            "how many messages did I send?",
            "remember: the milk is sour",
            "my favourite colour is dark blue",
            "what's my favourite colour?",
            "rehearse a slow answer",
            "rehearse a slow answer of 20 words, then say done",
            "rehearse one malformed call and an unknown tool",
        ],
        expect![[r#"
            "Hey!"
                talk Hello
            "say hi"
                tell "hi"
            "Repeat after me: then is \"then\""
                Unknown { clause: "is \"then\"", nearest: None }
            "answer with 'a; b'"
                tell "a; b"
            "reply yes!"
                tell "yes!"
            "what was my last question?"
                recall Last
            "Repeat what I just said"
                recall Last
            "What did I say before?"
                recall Last
            "what did you say?"
                recall Answer
            "Summarize the conversation so far."
                recall Summary
            "how many messages did I send?"
                recall Number
            "remember: the milk is sour"
                recall Keep("the milk is sour")
            "my favourite colour is dark blue"
                recall Mine { what: "favourite colour", is: "dark blue" }
            "what's my favourite colour?"
                recall Which("favourite colour")
            "rehearse a slow answer"
                rehearse SlowAnswer(100)
            "rehearse a slow answer of 20 words, then say done"
                rehearse SlowAnswer(20) · tell "done"
            "rehearse one malformed call and an unknown tool"
                Unknown { clause: "rehearse one malformed call and an unknown tool", nearest: Some(("rehearse [a|one] malformed call", "rehearse a malformed call")) }
        "#]],
    );
}

#[test]
fn what_is_not_understood_is_named() {
    check(
        &[
            "",
            " \n ... !",
            "then",
            "list the files then",
            "lits the files",
            "raed notes.txt",
            "write me a poem about the sea",
            "list the files then dance a waltz",
            "what is the weather in Paris?",
            "read",
            "read the",
            "ls; ls; ls; ls; ls; ls",
            "ls, ls, ls, ls, ls and ls",
        ],
        expect![[r#"
            ""
                Empty
            " \n ... !"
                Empty
            "then"
                NothingBehindThen
            "list the files then"
                NothingBehindThen
            "lits the files"
                Unknown { clause: "lits the files", nearest: Some(("(list|ls|dir|list the contents of|list the content of) [PLACE|DIR]", "ls")) }
            "raed notes.txt"
                Unknown { clause: "raed notes.txt", nearest: Some(("SHOW [me] [[the] (content|contents|text) of] NAMES", "read notes.txt")) }
            "write me a poem about the sea"
                Unknown { clause: "write me a poem about the sea", nearest: Some(("MAKE [me] NAME (SAYING|:) TEXT", "write a file hello.txt that says Hello, world!")) }
            "list the files then dance a waltz"
                Unknown { clause: "dance a waltz", nearest: None }
            "what is the weather in Paris?"
                Unknown { clause: "what is the weather in Paris", nearest: Some(("(what is|what's|what do i have|what do you see|what is there) (HERE|in [the|my] (folder|directory) DIR)", "What's in my workspace?")) }
            "read"
                Unknown { clause: "read", nearest: Some(("SHOW [me] [[the] (content|contents|text) of] NAMES", "read notes.txt")) }
            "read the"
                Unknown { clause: "read the", nearest: Some(("SHOW [me] [[the] (content|contents|text) of] NAMES", "read notes.txt")) }
            "ls; ls; ls; ls; ls; ls"
                TooManySteps
            "ls, ls, ls, ls, ls and ls"
                TooManySteps
        "#]],
    );
}
