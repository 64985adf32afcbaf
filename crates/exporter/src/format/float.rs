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

fn push_finite(out: &mut String, value: f64) {
    let size = value.abs();
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
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::new();
            push_float(&mut out, value);
            assert_eq!(out, expected);
        }
    }
}
