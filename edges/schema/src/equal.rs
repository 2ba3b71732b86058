//! When two JSON values are the same, and how numbers compare: 1 and 1.0 are one number, whatever they are stored as.
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Whether two values are the same.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => order(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// How two numbers compare.
pub(crate) fn order(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (None, _) | (_, None) => float(a).partial_cmp(&float(b)),
    }
}

/// Whether a number is without a fraction: 1.0 is.
pub(crate) fn is_whole(number: &Number) -> bool {
    whole(number).is_some() || float(number).fract() == 0.0
}

/// Whether a number is a multiple of another: without a rest, or with one that is the error of a fraction in binary.
pub(crate) fn is_multiple(number: &Number, of: &Number) -> bool {
    if let (Some(number), Some(of)) = (whole(number), whole(of)) {
        return number % of == 0;
    }
    let ratio = float(number) / float(of);
    ratio.is_finite() && (ratio - ratio.round()).abs() <= 4.0 * f64::EPSILON * ratio.abs().max(1.0)
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().expect("numbers are not read with arbitrary precision")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(value: Value) -> Number {
        value.as_number().expect("it is one").clone()
    }

    #[test]
    fn one_number_is_one_number() {
        assert!(same(&json!([1, {"a": 2.0}]), &json!([1.0, {"a": 2}])));
        assert!(!same(&json!([1, 2]), &json!([1])) && !same(&json!({"a": 1}), &json!({"b": 1})));
        assert!(!same(&json!(1), &json!(true)) && !same(&json!("1"), &json!(1)));
        assert!(!same(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
        assert_eq!(order(&number(json!(-1)), &number(json!(u64::MAX))), Some(Ordering::Less));
        assert!(is_whole(&number(json!(3.0))) && !is_whole(&number(json!(3.5))));
    }

    #[test]
    fn fractions_are_multiples_of_fractions() {
        for (a, of, is_one) in [
            (json!(0.0075), json!(0.0001), true),
            (json!(0.00751), json!(0.0001), false),
            (json!(7), json!(2), false),
            (json!(4.5), json!(1.5), true),
            (json!(19.99), json!(0.01), true),
            (json!(1e308), json!(0.123_456_789), false),
        ] {
            assert_eq!(is_multiple(&number(a.clone()), &number(of.clone())), is_one, "{a} of {of}");
        }
    }
}
