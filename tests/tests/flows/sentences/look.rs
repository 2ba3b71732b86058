//! Listing, reading, searching and counting.
use super::Newcomer;

fn garden() -> Newcomer {
    Newcomer::new(&[
        ("roses.txt", "red roses\nwhite roses\npink\n"),
        ("herbs/sage.md", "sage is a herb\nTODO: water it\n"),
        ("herbs/my mint.md", "mint is a herb\n"),
        ("log", "one\ntwo\nthree\nfour\nfive\n"),
    ])
}

#[test]
fn lists() {
    let mut she = garden();
    let all = ["roses.txt", "herbs", "log"];
    she.hears("list the files", &all);
    she.hears("Could you show me all the files, please?", &all);
    she.hears("What files do I have?", &all);
    she.hears("ls", &all);
    she.hears("What's in my workspace?", &all);
    she.hears("which files are in the folder herbs?", &["sage.md", "my mint.md"]);
    she.hears("list herbs/", &["sage.md"]);
    she.hears_not("display the files inside herbs", &["roses.txt"]);
    she.hears("list the contents of nowhere", &["nowhere", "does not exist"]);
}

#[test]
fn reads() {
    let mut she = garden();
    she.hears("read roses.txt", &["red roses\nwhite roses\npink"]);
    she.hears("What does roses.txt say?", &["white roses"]);
    she.hears("please open the file “herbs/my mint.md” for me", &["mint is a herb"]);
    she.hears("print line 3 of log", &["three"]);
    she.hears("show me the first two lines of log", &["one\ntwo"]);
    she.hears("show lines 2 to 4 of log", &["two\nthree\nfour"]);
    she.hears("read roses.txt and log", &["pink", "five"]);
    she.hears("list the files in herbs, then read them all", &["sage is a herb", "mint is a herb"]);
    she.hears("read rose.txt", &["does not exist", "roses.txt"]);
}

#[test]
fn searches() {
    let mut she = garden();
    she.hears("which files contain TODO?", &["herbs/sage.md"]);
    she.hears("search for roses", &["roses.txt"]);
    she.hears("look in herbs for the word mint", &["herbs/my mint.md"]);
    she.hears("Where does white occur?", &["roses.txt:2"]);
    she.hears("grep \"is a herb\" in herbs", &["sage.md", "my mint.md"]);
    she.hears("find all the files that mention “water it” in herbs", &["herbs/sage.md"]);
    she.hears("search for elephants", &["elephants"]);
    she.hears_not("find pink in herbs", &["roses.txt"]);
}

#[test]
fn counts() {
    let mut she = garden();
    she.hears("count the files", &["2 files"]);
    she.hears("How many files are there in herbs?", &["2 files"]);
    she.hears("how many lines does log have?", &["5 lines"]);
    she.hears("count the words in roses.txt", &["5 words"]);
    she.hears("how often does roses occur?", &["2 lines"]);
    she.hears("list the files in herbs and count them", &["2"]);
    she.hears("search for herb; then tell me how many there are", &["2"]);
}
