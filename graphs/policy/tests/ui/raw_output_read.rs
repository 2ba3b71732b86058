//! What a tool returned goes in and does not come out.
fn leak(output: policy::RawOutput) -> String {
    output.text
}

fn main() {}
