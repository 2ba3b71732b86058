//! What was not judged cannot be approved.
fn skip(proposed: policy::Proposed) {
    let _ = proposed.approve();
}

fn main() {}
