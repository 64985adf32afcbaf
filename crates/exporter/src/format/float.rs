//! Numbers as Go's `%g` writes them in their shortest form: `1e+06`, `6.9e-05`, `NaN`, `+Inf`.

use std::fmt::Write;

/// Appends a number.
pub fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0" } else { "0" });
    } else {
        push_finite(out, value);
    }
}

/// Without an exponent below this many digits before the point.
const PLAIN_BELOW: f64 = 1e6;
/// And from this many zeros behind it.
const PLAIN_FROM: f64 = 1e-4;

/// Below this every whole number has a value of its own, so that its digits are the shortest that tell it.
const WHOLE_BELOW: f64 = 9_007_199_254_740_992.0;

fn push_finite(out: &mut String, value: f64) {
    let size = value.abs();
    if size < WHOLE_BELOW && size.trunc().total_cmp(&size).is_eq() {
        if value.is_sign_negative() {
            out.push('-');
        }
        push_whole(out, size);
        return;
    }
    if (PLAIN_FROM..PLAIN_BELOW).contains(&size) {
        // Writing to a string does not fail.
        let _written = write!(out, "{value}");
        return;
    }
    let start = out.len();
    let _written = write!(out, "{value:e}");
    // Rust writes `1e6` and `6.9e-5`; Go writes a sign and at least two digits.
    let Some(at) = out.get(start..).and_then(|text| text.find('e')) else { return };
    let exponent = out.split_off(start + at + 1);
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent.as_str()), |digits| ('-', digits));
    out.push(sign);
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(digits);
}

/// Most numbers are counts: their digits are written one by one, which takes a fraction of the time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, from 0 to 2^53; digits below 10")]
fn push_whole(out: &mut String, size: f64) {
    let (mut rest, mut digits, mut start) = (size as u64, [b'0'; 16], 16);
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start = at;
        if rest == 0 {
            break;
        }
    }
    let digits = digits.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    if size < PLAIN_BELOW {
        out.push_str(digits);
        return;
    }
    let (first, rest) = digits.split_at(1);
    out.push_str(first);
    let rest = rest.trim_end_matches('0');
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out.push_str("e+");
    let exponent = digits.len() - 1;
    out.push(if exponent < 10 { '0' } else { '1' });
    out.push(char::from(b'0' + (exponent % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_go_spells_them() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.000_069, "6.9e-05"),
            (6.536_000_000_000_000_5, "6.5360000000000005"),
            (-9.223_372_036_854_776e17, "-9.223372036854776e+17"),
            (1.844_674_407_370_953_7e19, "1.8446744073709537e+19"),
            (1e100, "1e+100"),
            (-1_234_567.0, "-1.234567e+06"),
            (9_007_199_254_740_991.0, "9.007199254740991e+15"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (1e15, "1e+15"),
            (10_203_000.0, "1.0203e+07"),
            (999_999.5, "999999.5"),
            (1_234_567.5, "1.2345675e+06"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::new();
            push_float(&mut out, value);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn counts_are_spelled_as_other_numbers_are() {
        let mut random = 1_u64;
        for round in 0..20_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // All magnitudes, some of them with zeros at the end.
            let count = (random >> 11) >> (round % 53);
            let value = crate::node::float(if round.is_multiple_of(3) { count / 1000 * 1000 } else { count });
            let mut out = String::new();
            push_float(&mut out, value);
            assert_eq!(out.parse::<f64>().unwrap().to_bits(), value.to_bits());
            let shortest = if value < PLAIN_BELOW { format!("{value}") } else { format!("{value:e}") };
            assert_eq!(out.replace("e+0", "e").replace("e+", "e"), shortest);
        }
    }
}
