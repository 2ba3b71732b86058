//! Sentences as people write them who have read the grammar once, each with the plan it comes to.
use super::sentences::check;
use expect_test::expect;

#[test]
fn in_other_words() {
    check(
        &[
            "Show the files in the workspace",
            "give me a list of all files",
            "what's here?",
            "list everything in docs",
            "What is in notes.txt?",
            "Display the contents of the file report-2.final.txt",
            "print a.txt; print b.txt; print c.txt",
            "view \"dir with space/file one.txt\"",
            "read the first three lines of log.txt",
            "get lines 10 until 20 from big.log",
            "list the files, then create a file fruit_list.txt that contains their names",
            "list the files and then write their names to out.txt",
            "list my files and put the list in out.txt",
            "list the files then write a file summary.txt with the result",
            "list files then save them to x.txt",
            "list files; create x.txt with them",
            "show the files, then generate a file x.txt listing them, then read it, then delete it",
            "write a new file called greeting that says good day to you",
            "write the text hello there to greeting.txt",
            "create file a.txt with content hello",
            "create a file a.txt with hello",
            "create a file named a.txt containing the text hello world",
            "make a.txt that says hello",
            "write \"a; then b\" into c.txt then count the lines in c.txt",
            "append more to a.txt; then show a.txt",
            "add milk to list.txt",
            "replace \"old text\" with \"new text\" in a.txt",
            "replace old text with new text in \"my file.txt\" then read it",
            "change red to blue in colours.csv.",
            "delete the file a.txt and list the files",
            "remove a.txt, then say gone",
            "search for hello in docs and count them",
            "find hello in a.txt",
            "look for the text \"hello world\" in notes.md",
            "which files mention apples, then write a file apples.txt that lists them",
            "grep foo",
            "how many files are in docs?",
            "count the lines of a.txt",
            "count lines in a.txt",
            "how many characters are in a.txt?",
            "how many lines are there in a.txt?",
            "count the matches of foo",
            "count files",
            "say goodbye",
            "repeat hello",
            "answer yes",
            "what did I ask first?",
            "what did I tell you before?",
            "summarize this session",
            "how many messages have I sent?",
            "hello, list the files please",
            "Hello! What can you do?",
            "can you read notes.txt for me please?",
            "now list the files again",
            "read notes.txt and say done",
            "list the files, read notes.txt, and write c.txt that says done",
            "Please, could you list the files for me? Thanks!",
            "list the files in \"my docs\" then read the first line of \"my docs/a.txt\"",
            "Write a haiku to haiku.txt",
            "copy notes.txt to backup/notes.txt then list the files in backup",
            "read ./a.txt",
            "read /shared/a.txt then write /tmp/b.txt with its content",
            "write notes.txt with the text: hello",
            "write a file x.json that says {\"a\": 1, \"b\": [2]}",
            "write a file x.md containing \"# Title",
            "write a file that names them",
            "write a file q.txt naming the files",
            "create a file q.txt and write hello to it",
            "create a file called q.txt with the names of the files",
            "list the files then write the names of them into n.txt",
            "list all the files, then write all their names to a file called n.txt",
            "write down the files in n.txt",
            "what did we talk about?",
            "what have I said so far?",
            "show me the file names",
            "tell me which files there are",
            "tell me what files I have",
            "can you tell me what is in a.txt",
            "Then list the files",
            "list the files, then",
            "list files in docs/sub dir",
            "open notes",
            "read 5.txt",
            "read \"it\"",
            "delete all files",
            "delete everything",
            "list the files, then delete them",
            "search in notes.txt for foo",
            "search docs for foo",
            "find all the matches of foo in docs",
            "count how many files there are",
            "count how often foo occurs in a.txt",
        ],
        expect![[r##"
            "Show the files in the workspace"
                list
            "give me a list of all files"
                list
            "what's here?"
                list
            "list everything in docs"
                list in docs
            "What is in notes.txt?"
                look into notes.txt
            "Display the contents of the file report-2.final.txt"
                read report-2.final.txt
            "print a.txt; print b.txt; print c.txt"
                read a.txt · read b.txt · read c.txt
            "view \"dir with space/file one.txt\""
                read dir with space/file one.txt
            "read the first three lines of log.txt"
                read 3 from line 1 of log.txt
            "get lines 10 until 20 from big.log"
                read 11 from line 10 of big.log
            "list the files, then create a file fruit_list.txt that contains their names"
                list · write fruit_list.txt ← <names>
            "list the files and then write their names to out.txt"
                list · write out.txt ← <found>
            "list my files and put the list in out.txt"
                list · write out.txt ← <found>
            "list the files then write a file summary.txt with the result"
                list · write summary.txt ← <found>
            "list files then save them to x.txt"
                list · write x.txt ← <found>
            "list files; create x.txt with them"
                list · write x.txt ← <found>
            "show the files, then generate a file x.txt listing them, then read it, then delete it"
                list · write x.txt ← <names> · read <it> · delete <it>
            "write a new file called greeting that says good day to you"
                write greeting ← "good day to you"
            "write the text hello there to greeting.txt"
                write greeting.txt ← "hello there"
            "create file a.txt with content hello"
                write a.txt ← "hello"
            "create a file a.txt with hello"
                write a.txt ← "hello"
            "create a file named a.txt containing the text hello world"
                write a.txt ← "hello world"
            "make a.txt that says hello"
                write a.txt ← "hello"
            "write \"a; then b\" into c.txt then count the lines in c.txt"
                write c.txt ← "a; then b" · count Lines in c.txt
            "append more to a.txt; then show a.txt"
                append a.txt ← "more" · read a.txt
            "add milk to list.txt"
                append list.txt ← "milk"
            "replace \"old text\" with \"new text\" in a.txt"
                replace a.txt: "old text" → "new text"
            "replace old text with new text in \"my file.txt\" then read it"
                replace my file.txt: "old text" → "new text" · read <it>
            "change red to blue in colours.csv."
                replace colours.csv: "red" → "blue"
            "delete the file a.txt and list the files"
                delete a.txt · list
            "remove a.txt, then say gone"
                delete a.txt · tell "gone"
            "search for hello in docs and count them"
                search "hello" in docs for Lines · count found
            "find hello in a.txt"
                search "hello" in a.txt for Lines
            "look for the text \"hello world\" in notes.md"
                search "hello world" in notes.md for Lines
            "which files mention apples, then write a file apples.txt that lists them"
                search "apples" for Files · write apples.txt ← <names>
            "grep foo"
                search "foo" for Lines
            "how many files are in docs?"
                count Files in docs
            "count the lines of a.txt"
                count Lines in a.txt
            "count lines in a.txt"
                count Lines in a.txt
            "how many characters are in a.txt?"
                count Characters in a.txt
            "how many lines are there in a.txt?"
                count Lines in a.txt
            "count the matches of foo"
                search "foo" for Number
            "count files"
                count Files
            "say goodbye"
                tell "goodbye"
            "repeat hello"
                tell "hello"
            "answer yes"
                tell "yes"
            "what did I ask first?"
                recall First
            "what did I tell you before?"
                recall Last
            "summarize this session"
                recall Summary
            "how many messages have I sent?"
                recall Number
            "hello, list the files please"
                list
            "Hello! What can you do?"
                talk WhoAmI
            "can you read notes.txt for me please?"
                read notes.txt
            "now list the files again"
                list
            "read notes.txt and say done"
                read notes.txt · tell "done"
            "list the files, read notes.txt, and write c.txt that says done"
                list · read notes.txt · write c.txt ← "done"
            "Please, could you list the files for me? Thanks!"
                list
            "list the files in \"my docs\" then read the first line of \"my docs/a.txt\""
                list in my docs · read 1 from line 1 of my docs/a.txt
            "Write a haiku to haiku.txt"
                write haiku.txt ← "a haiku"
            "copy notes.txt to backup/notes.txt then list the files in backup"
                read notes.txt · write new backup/notes.txt ← <found> · list in backup
            "read ./a.txt"
                read ./a.txt
            "read /shared/a.txt then write /tmp/b.txt with its content"
                read /shared/a.txt · write /tmp/b.txt ← <found>
            "write notes.txt with the text: hello"
                write notes.txt ← "hello"
            "write a file x.json that says {\"a\": 1, \"b\": [2]}"
                write x.json ← "{\"a\": 1, \"b\": [2]}"
            "write a file x.md containing \"# Title"
                write x.md ← "\"# Title"
            "write a file that names them"
                Unknown { clause: "write a file that names them", nearest: Some(("MAKE [me] NAME (NAMING EARLIER|(NAMING|CONTAINING) FILES [PLACE])", "list the files, then write a file names.txt that names them")) }
            "write a file q.txt naming the files"
                list · write q.txt ← <names>
            "create a file q.txt and write hello to it"
                write new q.txt ← nothing · write <it> ← "hello"
            "create a file called q.txt with the names of the files"
                list · write q.txt ← <names>
            "list the files then write the names of them into n.txt"
                list · write n.txt ← <found>
            "list all the files, then write all their names to a file called n.txt"
                list · write n.txt ← <found>
            "write down the files in n.txt"
                list · write n.txt ← <names>
            "what did we talk about?"
                recall Summary
            "what have I said so far?"
                recall Summary
            "show me the file names"
                list
            "tell me which files there are"
                list
            "tell me what files I have"
                list
            "can you tell me what is in a.txt"
                look into a.txt
            "Then list the files"
                list
            "list the files, then"
                NothingBehindThen
            "list files in docs/sub dir"
                Unknown { clause: "list files in docs/sub dir", nearest: Some(("(list|ls|dir|list the contents of|list the content of) [PLACE|DIR]", "ls")) }
            "open notes"
                read notes
            "read 5.txt"
                read 5.txt
            "read \"it\""
                read it
            "delete all files"
                delete <them>
            "delete everything"
                Unknown { clause: "delete everything", nearest: Some(("(delete|remove|erase|rm) [the|my] (folder|directory) NAME [and (everything|all) in it|with everything in it]", "delete the folder old")) }
            "list the files, then delete them"
                list · delete <them>
            "search in notes.txt for foo"
                search "foo" in notes.txt for Lines
            "search docs for foo"
                search "foo" in docs for Lines
            "find all the matches of foo in docs"
                search "foo" in docs for Lines
            "count how many files there are"
                count Files
            "count how often foo occurs in a.txt"
                search "foo" in a.txt for Number
        "##]],
    );
}
