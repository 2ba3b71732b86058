//! What `#[tool]` refuses, on the token that is wrong.

#[test]
fn a_tool_that_a_model_cannot_be_told_of_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass_whole.rs");
    cases.compile_fail("tests/ui/fail_*.rs");
}
