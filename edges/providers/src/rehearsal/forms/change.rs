//! Forms that change files: write, copy, append, replace, delete.
use super::{Form, the};
use crate::rehearsal::matcher::{Caught, Target};
use crate::rehearsal::plan::{Content, Deleted, How, Step, Talk};

const WRITE: &str = "to write";
const APPEND: &str = "to append";
const REPLACE: &str = "to replace";
const DELETE: &str = "to delete";

pub(super) const FORMS: &[Form] = &[
    Form {
        topic: WRITE,
        pattern: "(create|make|add|generate|mkdir) [me] [a|an|the|my|our] [new] [empty] [new] (folder|directory|folders|directories) [NAMES]",
        examples: &[
            ("make a folder docs", "talk NoFolders"),
            ("make an empty directory named \"x y\"", "talk NoFolders"),
        ],
        build: |_| vec![Step::Talk(Talk::NoFolders)],
    },
    Form {
        topic: WRITE,
        pattern: "MAKE [me] NAME (NAMING EARLIER|(NAMING|CONTAINING) FILES [PLACE])",
        examples: &[
            (
                "list the files, then write a file names.txt that names them",
                "list · write names.txt ← <names>",
            ),
            (
                "create a new file called index.md listing all files in docs",
                "list in docs · write index.md ← <names>",
            ),
        ],
        build: |caught| naming(caught, How::Replace),
    },
    Form {
        topic: WRITE,
        pattern: "MAKE [me] NAME CONTAINING the (content|contents|text) of NAMES",
        examples: &[(
            "write c.txt with the contents of a.txt and b.txt",
            "read a.txt + b.txt · write c.txt ← <found>",
        )],
        build: |caught| {
            vec![
                Step::Read { files: caught.names("NAMES"), lines: None },
                write(caught, Content::Found, How::Replace),
            ]
        },
    },
    Form {
        topic: WRITE,
        pattern: "MAKE [me] NAME CONTAINING EARLIER",
        examples: &[
            ("read a.txt then write b.txt with its content", "read a.txt · write b.txt ← <found>"),
            (
                "search for TODO, then write todo.txt with what you found",
                "search \"TODO\" for Lines · write todo.txt ← <found>",
            ),
        ],
        build: |caught| vec![write(caught, Content::Found, How::Replace)],
    },
    Form {
        topic: WRITE,
        pattern: "MAKE [me] NAME (SAYING|:) TEXT",
        examples: &[
            ("write a file hello.txt that says Hello, world!", "write hello.txt ← \"Hello, world!\""),
            ("create a new file \"a b.txt\" with the text `x; then y`", "write a b.txt ← \"x; then y\""),
            ("Can you write notes.md: buy milk?", "write notes.md ← \"buy milk\""),
        ],
        build: |caught| vec![write(caught, Content::Text(caught.text("TEXT")), How::Replace)],
    },
    Form {
        topic: WRITE,
        pattern: "PUT (to|into|in) NAME (:|the (text|words|word|line)) TEXT",
        examples: &[("write into a.txt: two words", "write a.txt ← \"two words\"")],
        build: |caught| vec![write(caught, Content::Text(caught.text("TEXT")), How::Replace)],
    },
    Form {
        topic: WRITE,
        pattern: "PUT EARLIER (to|into|in|as|under) NAME",
        examples: &[
            ("list the files; save the result as list.txt", "list · write list.txt ← <found>"),
            (
                "find TODO, then put the matches into hits.txt",
                "search \"TODO\" for Lines · write hits.txt ← <found>",
            ),
        ],
        build: |caught| vec![write(caught, Content::Found, How::Replace)],
    },
    Form {
        topic: WRITE,
        pattern: "PUT FILES [PLACE] (to|into|in|as) NAME",
        examples: &[("write the names of all files to names.txt", "list · write names.txt ← <names>")],
        build: |caught| naming(caught, How::Replace),
    },
    Form {
        topic: WRITE,
        pattern: "PUT [the (text|words|word|line)] TEXT (to|into|in|as) NAME",
        examples: &[
            ("write \"good morning\" to a.txt", "write a.txt ← \"good morning\""),
            ("save a letter to mum into the file letter.txt", "write letter.txt ← \"a letter to mum\""),
        ],
        build: |caught| vec![write(caught, Content::Text(caught.text("TEXT")), How::Replace)],
    },
    Form {
        topic: WRITE,
        pattern: "(create|make|touch) [me] NAME",
        examples: &[("create an empty file todo.txt", "write new todo.txt ← nothing")],
        // What a file of this name holds would be lost.
        build: |caught| vec![write(caught, Content::Empty, How::New)],
    },
    Form {
        topic: WRITE,
        pattern: "copy [the (content|contents|text) of] NAME (to|into|as) OTHER",
        examples: &[("copy a.txt to b.txt", "read a.txt · write new b.txt ← <found>")],
        build: |caught| copy(caught, vec![]),
    },
    Form {
        topic: WRITE,
        pattern: "(rename|move) NAME (to|into|as) OTHER",
        examples: &[("rename a.txt to b.txt", "read a.txt · write new b.txt ← <found> · delete a.txt")],
        build: |caught| {
            copy(caught, vec![Step::Delete { files: caught.names("NAME"), what: Deleted::Files }])
        },
    },
    Form {
        topic: APPEND,
        pattern: "(append|add) EARLIER (to|onto) [the end of] NAME",
        examples: &[("list the files then append the result to log.txt", "list · append log.txt ← <found>")],
        build: |caught| vec![write(caught, Content::Found, How::Append)],
    },
    Form {
        topic: APPEND,
        pattern: "(append|add) FILES [PLACE] (to|onto) [the end of] NAME",
        examples: &[("add the file names to log.txt", "list · append log.txt ← <names>")],
        build: |caught| naming(caught, How::Append),
    },
    Form {
        topic: APPEND,
        pattern: "(append|add) to [the end of] NAME (:|the (text|words|word|line)) TEXT",
        examples: &[("append to log.txt: three", "append log.txt ← \"three\"")],
        build: |caught| vec![write(caught, Content::Text(caught.text("TEXT")), How::Append)],
    },
    Form {
        topic: APPEND,
        pattern: "(append|add) [the (text|words|word|line)|a line [that says|saying]] TEXT (to|onto|at|into) [the end of] NAME",
        examples: &[
            ("append \"three\" to log.txt", "append log.txt ← \"three\""),
            (
                "add the line milk and eggs to the end of shopping.txt",
                "append shopping.txt ← \"milk and eggs\"",
            ),
        ],
        build: |caught| vec![write(caught, Content::Text(caught.text("TEXT")), How::Append)],
    },
    Form {
        topic: REPLACE,
        pattern: "(replace|change|substitute) [every|all|the (text|word|words)] OLD (with|by|to|into) [the (text|word|words)] NEW in NAME",
        examples: &[
            ("replace cat with dog in pets.txt", "replace pets.txt: \"cat\" → \"dog\""),
            ("change \"a  b\" to \"\" in `my file`", "replace my file: \"a  b\" → \"\""),
        ],
        build: replace,
    },
    Form {
        topic: REPLACE,
        pattern: "in NAME (replace|change|substitute) [every|all|the (text|word|words)] OLD (with|by|to|into) [the (text|word|words)] NEW",
        examples: &[("In pets.txt, replace cat by dog.", "replace pets.txt: \"cat\" → \"dog\"")],
        build: replace,
    },
    Form {
        topic: DELETE,
        pattern: "(delete|remove|erase|rm) [the|my] (folder|directory) NAME [and (everything|all) in it|with everything in it]",
        examples: &[("delete the folder old", "delete folder old")],
        build: |caught| vec![Step::Delete { files: caught.names("NAME"), what: Deleted::Folder }],
    },
    Form {
        topic: DELETE,
        pattern: "(delete|remove|erase|rm) [the files|files] NAMES",
        examples: &[
            ("delete old.txt", "delete old.txt"),
            ("remove the files a.txt and b.txt", "delete a.txt + b.txt"),
            ("read a.txt then delete it", "read a.txt · delete <it>"),
        ],
        build: |caught| vec![Step::Delete { files: caught.names("NAMES"), what: Deleted::Files }],
    },
];

fn write(caught: &Caught<'_>, content: Content, how: How) -> Step {
    Step::Write { file: the(caught, "NAME"), content, how }
}

/// Names of files that the sentence itself speaks of are looked up first.
fn naming(caught: &Caught<'_>, how: How) -> Vec<Step> {
    let looked_up = caught.has("FILES").then(|| Step::List { folder: caught.name("DIR") });
    looked_up.into_iter().chain([write(caught, Content::Names, how)]).collect()
}

fn copy(caught: &Caught<'_>, behind: Vec<Step>) -> Vec<Step> {
    let (from, to) = (the(caught, "NAME"), the(caught, "OTHER"));
    if is_same(&from, &to) {
        return vec![Step::SameName { file: from }];
    }
    let read = Step::Read { files: vec![from], lines: None };
    // Never onto a file that is there: what it holds would be lost.
    let write = Step::Write { file: to, content: Content::Found, how: How::New };
    [read, write].into_iter().chain(behind).collect()
}

/// Whether two names are plainly one. Where they are so in another way, the file is there already, which is refused.
fn is_same(one: &Target, other: &Target) -> bool {
    let plain = |name: &str| {
        name.trim_start_matches("./").trim_start_matches("/shared/").trim_start_matches("./").to_owned()
    };
    match (one, other) {
        (Target::Named(one), Target::Named(other)) => plain(one) == plain(other),
        (one, other) => one == other,
    }
}

fn replace(caught: &Caught<'_>) -> Vec<Step> {
    vec![Step::Replace { file: the(caught, "NAME"), old: caught.text("OLD"), new: caught.text("NEW") }]
}
