//! An executor runs nothing whose beginning is not on disk.
fn run(executor: &dyn policy::Executor, approved: policy::Approved) {
    let _ = executor.execute(approved);
}

fn main() {}
