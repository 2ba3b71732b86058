//! One approval is one approval.
fn twice(approved: policy::Approved) -> [policy::Approved; 2] {
    [approved.clone(), approved]
}

fn main() {}
