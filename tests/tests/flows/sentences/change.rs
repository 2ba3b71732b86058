//! Writing, appending, replacing and deleting.
use super::Newcomer;

#[test]
fn writes() {
    let mut he = Newcomer::new(&[("a.txt", "alpha\n"), ("b.txt", "beta\n")]);
    he.finds("write a file hello.txt that says Hello, world!", "hello.txt", "Hello, world!\n");
    he.finds("Can you write notes.md: buy milk?", "notes.md", "buy milk\n");
    he.finds("create a new file \"two words.txt\" with the text `x; then y`", "two words.txt", "x; then y\n");
    he.finds("write into hello.txt: changed", "hello.txt", "changed\n");
    he.finds("put \"good night\" into deep/er/c.txt", "deep/er/c.txt", "good night\n");
    he.finds("make me an empty file called void", "void", "");
    he.finds("save a letter to mum into the file letter.txt", "letter.txt", "a letter to mum\n");
    he.finds("write ab.txt with the contents of a.txt and b.txt", "ab.txt", "alpha\nbeta\n");
    he.finds("copy a.txt to copied/a.txt", "copied/a.txt", "alpha\n");
    he.finds(
        "search for beta in b.txt, then write found.txt with what you found",
        "found.txt",
        "b.txt:1: beta\n",
    );
    he.finds("rename b.txt to c.txt", "c.txt", "beta\n");
    he.misses("move c.txt to d.txt", "c.txt");
    he.finds("list the files in deep/er; save the result as list.txt", "list.txt", "c.txt\n");
}

#[test]
fn appends_and_replaces() {
    let mut he = Newcomer::new(&[("log.txt", "one\n"), ("pets.txt", "cat, cat and dog\n")]);
    he.finds("append \"two\" to log.txt", "log.txt", "one\ntwo\n");
    he.finds("append to the end of log.txt: three", "log.txt", "one\ntwo\nthree\n");
    he.finds("add the line milk and eggs to the end of shopping.txt", "shopping.txt", "milk and eggs\n");
    he.finds(
        "list the files then append the result to names.txt",
        "names.txt",
        "log.txt\npets.txt\nshopping.txt\n",
    );
    he.finds("replace cat with hen in pets.txt", "pets.txt", "hen, hen and dog\n");
    he.finds("In pets.txt, change dog to goose.", "pets.txt", "hen, hen and goose\n");
    he.finds("substitute “, hen” by \"\" in pets.txt", "pets.txt", "hen and goose\n");
    he.hears("replace elephant with mouse in pets.txt", &["does not occur"]);
    he.finds("read pets.txt", "pets.txt", "hen and goose\n");
}

#[test]
fn deletes() {
    let files = [("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c"), ("old/d.txt", "d"), ("e e.txt", "e")];
    let mut he = Newcomer::new(&files);
    he.misses("delete a.txt", "a.txt");
    he.misses("remove the files b.txt and c.txt", "c.txt");
    he.misses("read “e e.txt”, then delete it", "e e.txt");
    he.misses("please delete the folder old and everything in it", "old/d.txt");
    he.hears("delete a.txt", &["does not exist"]);
    he.hears("list the files", &["no files"]);
}

#[test]
fn up_to_five_steps_are_chained() {
    let mut he = Newcomer::new(&[]);
    let chain = "write a.txt: one; append two to a.txt, then replace one with three in a.txt then read a.txt and then count the lines in a.txt";
    he.finds(chain, "a.txt", "three\ntwo\n");
    he.hears("first list the files, then read a.txt, finally say done", &["a.txt", "three\ntwo", "done"]);
}
