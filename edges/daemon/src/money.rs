//! Money in words. It is counted in whole micro-dollars everywhere else.
use domain::{MicroUsd, Usage};

/// Whole micro-dollars as dollars, without the zeros at the end.
pub(crate) fn dollars(MicroUsd(micro): MicroUsd) -> String {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    format!("${}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What was used, in a few words; the cost only where there is one.
pub(crate) fn used(usage: &Usage) -> String {
    let Usage { input, output, cost, cached: _, cache_written: _ } = usage;
    let tokens = format!("{} tokens in, {} out", input.0, output.0);
    if *cost == MicroUsd(0) { tokens } else { format!("{tokens}, {}", dollars(*cost)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Tokens;

    #[test]
    fn dollars_are_written_without_what_is_nothing() {
        for (micro, text) in
            [(0, "$0"), (75_000, "$0.075"), (1_000_000, "$1"), (12_500_000, "$12.5"), (1, "$0.000001")]
        {
            assert_eq!(dollars(MicroUsd(micro)), text);
        }
    }

    #[test]
    fn what_was_free_names_no_price() {
        let usage =
            |cost| Usage { input: Tokens(10), output: Tokens(2), cost: MicroUsd(cost), ..Usage::default() };
        assert_eq!(used(&usage(0)), "10 tokens in, 2 out");
        assert_eq!(used(&usage(1_500)), "10 tokens in, 2 out, $0.0015");
    }
}
