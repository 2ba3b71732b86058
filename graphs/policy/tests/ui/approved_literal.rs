//! An approval is made by the gate, not by a literal.
fn main() {
    let _ = policy::Approved { position: 0 };
}
