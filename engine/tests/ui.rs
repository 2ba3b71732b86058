//! What must not compile, with the words the author reads, and one table with every kind of row that must.
#[test]
fn errors_point_at_the_token_and_say_what_to_write() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
