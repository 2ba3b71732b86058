//! What was not approved cannot be dispatched.
fn skip(judged: policy::Judged, ticket: engine::Ticket) {
    let _ = judged.dispatch(ticket);
}

fn main() {}
