//! A refusal is drawn from a verdict.
fn main() {
    let _ = policy::Refusal { position: 0 };
}
