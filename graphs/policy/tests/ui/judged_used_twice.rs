//! A transition consumes the stage it leaves.
fn twice(judged: policy::Judged) {
    let _ = judged.approve();
    let _ = judged.approve();
}

fn main() {}
