//! What a turn may use up: the engine's meters, named.
use durable::{Amount, durable};
use std::fmt;

/// The meter of model round trips.
pub const TURNS: usize = 0;
/// The meter of tokens.
pub const TOKENS: usize = 1;
/// The meter of money.
pub const MONEY: usize = 2;
/// The meters' names, as a person reads them when one is empty.
pub const METER_NAMES: [&str; durable::METERS] = ["turns", "tokens", "money"];

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $meter:ident, $suffix:literal) => {
        $(#[$doc])*
        #[durable]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
        pub struct $name(pub u64);
        impl From<$name> for Amount {
            fn from(quantity: $name) -> Amount {
                Amount::on($meter, quantity.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $suffix), self.0)
            }
        }
    };
}
unit!(/// Model round trips.
    Turns, TURNS, "turns");
unit!(/// Tokens, in and out.
    Tokens, TOKENS, "tokens");
unit!(/// Millionths of a US dollar.
    MicroUsd, MONEY, "µ$");
