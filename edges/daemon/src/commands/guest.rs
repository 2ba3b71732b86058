//! `oxydra guest`: virtual machines by name. All of it is in the library that drives them.
use crate::{
    exit::{Exit, Failure},
    help, trust,
};
use machines::{Order, obey};
use std::path::Path;

pub(crate) fn guest(order: &Order) -> Result<Exit, Failure> {
    let usual = Path::new(help::HOME);
    // What an order names is its owner's choice; what it does not name may have come with a checkout.
    if std::path::absolute(usual).is_ok_and(|home| order.home.parent() == Some(&home)) {
        trust::admit(usual)?;
    }
    obey(&help::guests(), order).map(Exit::Code).map_err(Failure::guest)
}
