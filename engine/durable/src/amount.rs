//! Amounts on opaque meters. What a meter counts is the host's affair.
use crate::Shape;
use bincode::{Decode, Encode};
use std::ops::Add;

/// How many meters a budget has. Hosts name them; the engine only adds and compares.
pub const METERS: usize = 3;

/// An amount on each meter.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, Shape)]
pub struct Amount(pub [u64; METERS]);

impl Amount {
    /// Nothing on any meter.
    pub const NONE: Amount = Amount([0; METERS]);

    /// Returns `quantity` on one meter.
    ///
    /// # Panics
    /// If `meter` is not below [`METERS`].
    pub const fn on(meter: usize, quantity: u64) -> Amount {
        let mut amount = [0; METERS];
        amount[meter] = quantity;
        Amount(amount)
    }

    /// Returns what is left after `other` is taken, or the first meter that does not have so much.
    ///
    /// # Errors
    /// The index of the meter that falls short.
    pub fn minus(self, other: Amount) -> Result<Amount, usize> {
        let mut left = self;
        for (meter, (have, take)) in left.0.iter_mut().zip(other.0).enumerate() {
            *have = have.checked_sub(take).ok_or(meter)?;
        }
        Ok(left)
    }

    /// Returns what is left after `other` is taken, with zero where it falls short.
    pub fn less(self, other: Amount) -> Amount {
        let mut left = self;
        left.0.iter_mut().zip(other.0).for_each(|(have, take)| *have = have.saturating_sub(take));
        left
    }

    /// Returns the smaller of both on each meter.
    pub fn min(self, other: Amount) -> Amount {
        let mut least = self;
        least.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = (*a).min(b));
        least
    }
}

impl Add for Amount {
    type Output = Amount;
    /// Adds meter by meter; a sum beyond `u64` stays at its largest value.
    fn add(self, other: Amount) -> Amount {
        let mut sum = self;
        sum.0.iter_mut().zip(other.0).for_each(|(a, b)| *a = a.saturating_add(b));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_too_much_names_the_meter() {
        assert_eq!(Amount([5, 5, 5]).minus(Amount([1, 6, 0])), Err(1));
        assert_eq!(Amount([5, 5, 5]).minus(Amount([1, 5, 0])), Ok(Amount([4, 0, 5])));
        assert_eq!(Amount([5, 5, 5]).less(Amount([9, 5, 1])), Amount([0, 0, 4]));
    }
}
