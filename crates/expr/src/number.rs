//! Numbers: whole and broken ones mix freely, and compare exactly.

use std::cmp::Ordering;

/// A number. Whole numbers stay exact; what does not fit becomes broken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Uint(u64),
    Int(i64),
    Float(f64),
}

/// First whole number that a `u64` cannot hold.
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    /// The result of a calculation; no number (0/0, infinity) is unknown.
    fn finite(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }

    const fn whole(self) -> Option<i128> {
        match self {
            Self::Uint(value) => Some(value as i128),
            Self::Int(value) => Some(value as i128),
            Self::Float(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "meeting a broken number, a whole one is rounded to 53 bits")]
    pub(crate) const fn float(self) -> f64 {
        match self {
            Self::Uint(value) => value as f64,
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the result does not fit a whole number")]
    fn from_whole(value: i128) -> Self {
        if let Ok(value) = u64::try_from(value) {
            Self::Uint(value)
        } else if let Ok(value) = i64::try_from(value) {
            Self::Int(value)
        } else {
            Self::Float(value as f64)
        }
    }

    fn calculate(
        self,
        other: Self,
        whole: fn(i128, i128) -> Option<i128>,
        broken: fn(f64, f64) -> f64,
    ) -> Option<Self> {
        let exact = self.whole().zip(other.whole()).and_then(|(a, b)| whole(a, b));
        exact.map_or_else(|| Self::finite(broken(self.float(), other.float())), |value| Some(Self::from_whole(value)))
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        self.calculate(other, i128::checked_add, |a, b| a + b)
    }

    pub(crate) fn subtract(self, other: Self) -> Option<Self> {
        self.calculate(other, i128::checked_sub, |a, b| a - b)
    }

    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        self.calculate(other, i128::checked_mul, |a, b| a * b)
    }

    /// Always a broken number: whether a field happens to be whole must not turn `read / rchar` into 0.
    pub(crate) fn divide(self, other: Self) -> Option<Self> {
        Self::finite(self.float() / other.float())
    }

    pub(crate) fn remainder(self, other: Self) -> Option<Self> {
        self.calculate(other, i128::checked_rem, |a, b| a % b)
    }

    pub(crate) fn negate(self) -> Self {
        self.whole().map_or_else(|| Self::Float(-self.float()), |value| Self::from_whole(-value))
    }

    /// By value, exact also where a `u64` meets an `f64`. Numbers here are never NaN.
    pub(crate) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Uint(a), Self::Uint(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Float(a), b) => b.whole().map_or(Ordering::Equal, |b| order_mixed(b, a).reverse()),
            (a, Self::Float(b)) => a.whole().map_or(Ordering::Equal, |a| order_mixed(a, b)),
            (a, b) => a.whole().cmp(&b.whole()),
        }
    }
}

/// A whole number of at most 65 bits against a broken one.
#[expect(clippy::cast_possible_truncation, reason = "the broken number is within the bounds checked before")]
fn order_mixed(whole: i128, broken: f64) -> Ordering {
    if broken >= TWO_TO_64 {
        return Ordering::Less;
    }
    if broken < -TWO_TO_63 {
        return Ordering::Greater;
    }
    let floor = broken.floor();
    whole.cmp(&(floor as i128)).then(if floor < broken { Ordering::Less } else { Ordering::Equal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_comparison_is_exact() {
        let big = (1 << 53) + 1;
        assert_eq!(Number::Uint(big).order(Number::Float(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(Number::Uint(u64::MAX).order(Number::Float(TWO_TO_64)), Ordering::Less);
        assert_eq!(Number::Int(-1).order(Number::Uint(u64::MAX)), Ordering::Less);
        assert_eq!(Number::Int(-1).order(Number::Float(-0.5)), Ordering::Less);
        assert_eq!(Number::Float(2.0).order(Number::Uint(2)), Ordering::Equal);
        assert_eq!(Number::Float(1e300).order(Number::Uint(2)), Ordering::Greater);
        assert_eq!(Number::Float(-1e300).order(Number::Int(i64::MIN)), Ordering::Less);
    }

    #[test]
    fn arithmetic_neither_wraps_nor_makes_nan() {
        assert!(matches!(Number::Uint(u64::MAX).add(Number::Uint(1)), Some(Number::Float(sum)) if sum >= TWO_TO_64));
        assert!(matches!(Number::Uint(1).subtract(Number::Uint(3)), Some(Number::Int(-2))));
        assert!(Number::Uint(0).divide(Number::Uint(0)).is_none());
        assert!(Number::Uint(5).remainder(Number::Uint(0)).is_none());
        assert!(matches!(Number::Uint(1).divide(Number::Uint(4)), Some(Number::Float(0.25))));
        assert!(matches!(Number::Int(i64::MIN).negate(), Number::Uint(n) if n == 1 << 63));
    }
}
