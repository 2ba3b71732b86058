//! What a probe found does not reach the model before it is scrubbed.
fn say(approved: policy::Approved, output: policy::RawOutput) -> domain::Message {
    approved.found(output).message()
}

fn main() {}
