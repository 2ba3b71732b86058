//! A journalled call is an approval with a ticket.
fn run(approved: &policy::Approved, ticket: engine::Ticket) -> policy::Journalled<'_> {
    policy::Journalled { approved, ticket }
}

fn main() {}
