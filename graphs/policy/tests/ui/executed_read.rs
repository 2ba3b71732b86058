//! Raw output has no accessor.
fn leak(executed: policy::Executed) -> String {
    executed.text().to_owned()
}

fn main() {}
