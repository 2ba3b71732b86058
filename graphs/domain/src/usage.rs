//! What model calls use up.
use crate::{MicroUsd, SessionId, Tokens, TurnId};
use durable::{Fact, Owner, Time, durable, fact};
use std::ops::Add;

/// What one model call used.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Tokens read, those of a cache included.
    pub input: Tokens,
    /// Of the tokens read, those that were found in a cache of the provider.
    pub cached: Tokens,
    /// Of the tokens read, those that were put into a cache for the next time.
    pub cache_written: Tokens,
    /// Tokens written.
    pub output: Tokens,
    /// What it cost.
    pub cost: MicroUsd,
}

impl Add for Usage {
    type Output = Usage;
    fn add(self, other: Usage) -> Usage {
        let sum = |one: Tokens, two: Tokens| Tokens(one.0.saturating_add(two.0));
        Usage {
            input: sum(self.input, other.input),
            cached: sum(self.cached, other.cached),
            cache_written: sum(self.cache_written, other.cache_written),
            output: sum(self.output, other.output),
            cost: MicroUsd(self.cost.0.saturating_add(other.cost.0)),
        }
    }
}

/// What a million tokens cost, by what was done with them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Prices {
    /// Reading them.
    pub input: MicroUsd,
    /// Finding them in a cache.
    pub cached: MicroUsd,
    /// Putting them into a cache.
    pub cache_written: MicroUsd,
    /// Writing them.
    pub output: MicroUsd,
}

/// So many tokens a price is for.
const PRICED_TOKENS: u128 = 1_000_000;

impl Prices {
    /// What a use costs at these prices, rounded up to a whole micro-dollar.
    pub fn of(&self, usage: &Usage) -> MicroUsd {
        let Usage { input, cached, cache_written, output, cost: _ } = *usage;
        let read = input.0.saturating_sub(cached.0).saturating_sub(cache_written.0);
        let parts = [
            (read, self.input),
            (cached.0, self.cached),
            (cache_written.0, self.cache_written),
            (output.0, self.output),
        ];
        let cost: u128 =
            parts.into_iter().map(|(tokens, price)| u128::from(tokens) * u128::from(price.0)).sum();
        MicroUsd(u64::try_from(cost.div_ceil(PRICED_TOKENS)).unwrap_or(u64::MAX))
    }
}

/// Prices that may be higher for long prompts.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tariff {
    /// For prompts of any length.
    pub base: Prices,
    /// For calls that read more tokens than this, the shortest first.
    pub above: Vec<(Tokens, Prices)>,
}

impl Tariff {
    /// What a call costs, rounded up to a whole micro-dollar. A long prompt is charged at its prices from the first token.
    pub fn of(&self, usage: &Usage) -> MicroUsd {
        let long = self.above.iter().rev().find(|(size, _)| usage.input > *size);
        long.map_or(&self.base, |(_, prices)| prices).of(usage)
    }
}

/// A model call was made and is charged.
#[fact("usage")]
#[derive(Clone, PartialEq, Debug)]
pub struct UsageSpent {
    /// In which session.
    pub session: SessionId,
    /// In which turn.
    pub turn: TurnId,
    /// When the state that called was entered.
    pub at: Time,
    /// Which model.
    pub model: String,
    /// Which attempt of the call: above one, an earlier attempt was lost and may have been charged as well.
    pub attempt: u32,
    /// What it used.
    pub usage: Usage,
}

impl Fact for UsageSpent {
    fn owner(&self) -> Owner {
        self.session.owner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_costs_what_each_of_its_tokens_costs() {
        let prices = Prices {
            input: MicroUsd(3_000_000),
            cached: MicroUsd(300_000),
            cache_written: MicroUsd(3_750_000),
            output: MicroUsd(15_000_000),
        };
        let usage = |input, cached, cache_written, output| Usage {
            input: Tokens(input),
            cached: Tokens(cached),
            cache_written: Tokens(cache_written),
            output: Tokens(output),
            cost: MicroUsd(0),
        };
        assert_eq!(prices.of(&usage(1_000, 0, 0, 100)), MicroUsd(3_000 + 1_500));
        assert_eq!(prices.of(&usage(1_000, 800, 100, 0)), MicroUsd(300 + 240 + 375));
        assert_eq!(prices.of(&usage(1, 1, 0, 0)), MicroUsd(1), "rounded up");
        assert_eq!(prices.of(&usage(1, 9, 9, 0)), MicroUsd(3 + 34), "a server that lies costs what it says");
        assert_eq!(prices.of(&usage(u64::MAX, 0, 0, u64::MAX)), MicroUsd(u64::MAX));
        assert_eq!(Prices::default().of(&usage(5, 0, 0, 5)), MicroUsd(0), "free");
    }

    #[test]
    fn a_long_prompt_has_prices_of_its_own() {
        let flat = |n| Prices { input: MicroUsd(n), ..Prices::default() };
        let tariff = Tariff {
            base: flat(1_000_000),
            above: vec![(Tokens(10), flat(2_000_000)), (Tokens(100), flat(3_000_000))],
        };
        for (read, cost) in [(10, 10), (11, 22), (100, 200), (101, 303)] {
            let usage = Usage { input: Tokens(read), ..Usage::default() };
            assert_eq!(tariff.of(&usage), MicroUsd(cost), "{read}");
        }
    }
}
