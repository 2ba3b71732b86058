//! What must not compile: a call that runs without having been judged, approved and journalled, and output that is
//! seen unscrubbed. This is the security regression suite of the call pipeline.

#[test]
fn stages_cannot_be_forged() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
