//! Forms that look and change nothing: list, read, search, count.
use super::{Form, the};
use crate::rehearsal::matcher::Caught;
use crate::rehearsal::plan::{Lines, Step, Unit, Want};

const LIST: &str = "to list files";
const READ: &str = "to read";
const SEARCH: &str = "to search";
const COUNT: &str = "to count";

pub(super) const FORMS: &[Form] = &[
    Form {
        topic: LIST,
        pattern: "(list|show|give|name|display|enumerate|see) [me|us] [a list of|the list of] (FILES|everything) [PLACE]",
        examples: &[
            ("list the files", "list"),
            ("Show me all my files, please!", "list"),
            ("list the files in docs", "list in docs"),
            ("name the files inside the folder “my notes”", "list in my notes"),
        ],
        build: list,
    },
    Form {
        topic: LIST,
        pattern: "(what|which) files (are there|there are|i have|we have|you see|do i have|do we have|do you see|can you see|are|exist|are stored) [PLACE]",
        examples: &[
            ("What files are there?", "list"),
            ("which files do I have in the folder src", "list in src"),
            ("which files are here?", "list"),
        ],
        build: list,
    },
    Form {
        topic: LIST,
        pattern: "(list|ls|dir|list the contents of|list the content of) [PLACE|DIR]",
        examples: &[
            ("ls", "list"),
            ("list docs/", "list in docs/"),
            ("list the contents of docs", "list in docs"),
        ],
        build: list,
    },
    Form {
        topic: LIST,
        pattern: "(what is|what's|what do i have|what do you see|what is there) (HERE|in [the|my] (folder|directory) DIR)",
        examples: &[("What's in my workspace?", "list"), ("what is in the folder docs", "list in docs")],
        build: list,
    },
    Form {
        topic: READ,
        pattern: "SHOW [me] lines A (to|through|until) B (of|in|from) NAME",
        examples: &[("read lines 3 to 5 of notes.txt", "read 3 from line 3 of notes.txt")],
        build: |caught| {
            let from = caught.number("A").unwrap_or(1).max(1);
            let to = caught.number("B").unwrap_or(from).max(from);
            read_lines(caught, from, to - from + 1)
        },
    },
    Form {
        topic: READ,
        pattern: "SHOW [me] [the] first N (lines|line) (of|in|from) NAME",
        examples: &[("show me the first 10 lines of a.log", "read 10 from line 1 of a.log")],
        build: |caught| read_lines(caught, 1, caught.number("N").unwrap_or(1).max(1)),
    },
    Form {
        topic: READ,
        pattern: "SHOW [me] ([the] first line|line A) (of|in|from) NAME",
        examples: &[
            ("print line 7 of a.log", "read 1 from line 7 of a.log"),
            ("show the first line of it", "read 1 from line 1 of <it>"),
        ],
        build: |caught| read_lines(caught, caught.number("A").unwrap_or(1).max(1), 1),
    },
    Form {
        topic: READ,
        pattern: "(say|tell me|tell us|tell|answer|answer with|reply with|report|SHOW [me]) FINDINGS",
        examples: &[
            ("count the files then tell me the result", "count Files · tell <found>"),
            ("search for x; then show me what you found", "search \"x\" for Lines · tell <found>"),
        ],
        build: |_| vec![Step::Tell(crate::rehearsal::plan::Content::Found)],
    },
    Form {
        topic: READ,
        pattern: "SHOW [me] [[the] (content|contents|text) of] NAMES",
        examples: &[
            ("read notes.txt", "read notes.txt"),
            ("Could you show me the file \"my plan.md\"?", "read my plan.md"),
            ("print the content of docs/ä-1.txt.", "read docs/ä-1.txt"),
            ("read a.txt, b.txt and c.txt", "read a.txt + b.txt + c.txt"),
            ("list the files then read them", "list · read <them>"),
        ],
        build: |caught| vec![Step::Read { files: caught.names("NAMES"), lines: None }],
    },
    Form {
        topic: READ,
        pattern: "what does NAME (say|contain|hold)",
        examples: &[("What does notes.txt say?", "read notes.txt")],
        build: |caught| vec![Step::Read { files: caught.names("NAME"), lines: None }],
    },
    Form {
        topic: READ,
        pattern: "(what is|what's) (in|written in|inside) NAME",
        examples: &[("what's in a.txt", "look into a.txt"), ("what is in docs?", "look into docs")],
        build: |caught| vec![Step::Look { at: the(caught, "NAME") }],
    },
    Form {
        topic: SEARCH,
        pattern: "[find|list|show|show me|name|tell me] [all|all the|the] [what|which] (files|of (the|my|these|those) files|of them) [that|which] (contain|contains|mention|have|include|containing|mentioning|including|with) [the (text|word|words)] TEXT [PLACE]",
        examples: &[
            ("which files contain TODO?", "search \"TODO\" for Files"),
            (
                "find all the files that mention \"two words\" in docs",
                "search \"two words\" in docs for Files",
            ),
        ],
        build: |caught| search(caught, Want::Files),
    },
    Form {
        topic: SEARCH,
        pattern: "(search|look|grep|scan) [HERE|in DIR|DIR] for [the (text|word|words)|every|all] TEXT [PLACE]",
        examples: &[
            ("search for TODO", "search \"TODO\" for Lines"),
            ("look in docs for the word hello", "search \"hello\" in docs for Lines"),
            ("search for a needle in hay.txt", "search \"a needle\" in hay.txt for Lines"),
            ("search for \"a, b\" in my files", "search \"a, b\" for Lines"),
        ],
        build: |caught| search(caught, Want::Lines),
    },
    Form {
        topic: SEARCH,
        pattern: "(find|grep|where is|where does) [the (text|word|words)|[all] [the] (matches|occurrences|hits|lines) (of|with|containing)|every|all] TEXT [appear|occur|stand|mentioned|written] [PLACE]",
        examples: &[
            ("find TODO in src", "search \"TODO\" in src for Lines"),
            ("Where does hello appear?", "search \"hello\" for Lines"),
        ],
        build: |caught| search(caught, Want::Lines),
    },
    Form {
        topic: COUNT,
        pattern: "(count how many|count|how many) (FILES|files) [are there|there are|do i have|i have|are|exist] [PLACE]",
        examples: &[
            ("count the files", "count Files"),
            ("How many files are there in docs?", "count Files in docs"),
        ],
        build: |caught| vec![Step::Count { unit: Unit::Files, of: caught.name("DIR") }],
    },
    Form {
        topic: COUNT,
        pattern: "(count [all] [the]|[count] how many) UNIT [are there|there are|are|are there in total] (in|of|does) NAME [have|has|contain|hold]",
        examples: &[
            ("count the words in notes.txt", "count Words in notes.txt"),
            ("How many lines does a.log have?", "count Lines in a.log"),
        ],
        build: |caught| vec![Step::Count { unit: unit(caught), of: caught.name("NAME") }],
    },
    Form {
        topic: COUNT,
        pattern: "(count [all] [the] (matches|occurrences|hits) (of|for)|[count] (how many times|how often) [does]) [the (text|word|words)] TEXT [appear|appears|occur|occurs] [PLACE]",
        examples: &[
            ("count the matches of TODO in src", "search \"TODO\" in src for Number"),
            ("how often does hello occur?", "search \"hello\" for Number"),
        ],
        build: |caught| search(caught, Want::Number),
    },
    Form {
        topic: COUNT,
        pattern: "(count EARLIER|how many [of them] [are there|there are|are they|they are|did you find|you found|is it])",
        examples: &[
            ("list the files and count them", "list · count found"),
            ("search for x then tell me how many there are", "search \"x\" for Lines · count found"),
        ],
        build: |_| vec![Step::CountFound],
    },
];

fn list(caught: &Caught<'_>) -> Vec<Step> {
    vec![Step::List { folder: caught.name("DIR") }]
}

fn read_lines(caught: &Caught<'_>, from: u64, count: u64) -> Vec<Step> {
    vec![Step::Read { files: vec![the(caught, "NAME")], lines: Some(Lines { from, count }) }]
}

fn search(caught: &Caught<'_>, want: Want) -> Vec<Step> {
    vec![Step::Search { text: caught.text("TEXT"), place: caught.name("DIR"), want }]
}

fn unit(caught: &Caught<'_>) -> Unit {
    match caught.text("UNIT").as_str() {
        "lines" => Unit::Lines,
        "words" => Unit::Words,
        "letters" => Unit::Letters,
        // The rule UNIT has one more word.
        _ => Unit::Characters,
    }
}
