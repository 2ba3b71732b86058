//! Raw output has no field that others see.
fn leak(executed: policy::Executed) -> policy::RawOutput {
    executed.output
}

fn main() {}
