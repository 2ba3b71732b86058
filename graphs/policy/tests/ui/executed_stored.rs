//! Raw output is never on disk: it cannot be a part of what the journal holds.
fn store(executed: policy::Executed) {
    let _ = engine::Encoded::stored(&executed);
}

fn main() {}
