//! One ticket begins one call.
fn run(approved: &policy::Approved, ticket: engine::Ticket) {
    let _ = approved.dispatch(ticket);
    let _ = approved.dispatch(ticket);
}

fn main() {}
