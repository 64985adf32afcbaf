//! Compares what two values print as, numbers with a grain of salt.

/// Numbers that differ by less than this share are the same.
const GRAIN: f64 = 1e-9;
/// How much is shown around a difference.
const AROUND: usize = 60;

/// Whether two texts are the same; how they differ where they do.
pub(super) fn texts(got: &str, wanted: &str) -> Result<(), String> {
    let mut place = 0;
    let (mut one, mut other) = (Words(got), Words(wanted));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return Ok(()),
            (Some(a), Some(b)) if a == b || near(a, b) => place += b.len(),
            _ => return Err(format!("got `…{}`, wanted `…{}`", around(got, place), around(wanted, place))),
        }
    }
}

fn around(text: &str, place: usize) -> String {
    let skip = text.char_indices().filter(|(at, _)| at + AROUND < place).count();
    text.chars().skip(skip).take(3 * AROUND).collect()
}

/// Whether both are numbers, and of the same size.
fn near(a: &str, b: &str) -> bool {
    // Whole numbers are exact.
    if !(a.contains(['.', 'e']) && b.contains(['.', 'e'])) {
        return false;
    }
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= GRAIN * a.abs().max(b.abs()).max(GRAIN),
        _ => false,
    }
}

/// A text cut into numbers and what stands between them.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | 'e' | '+');
        let first = self.0.chars().next()?;
        let end = self.0.find(|c| number(c) != number(first)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_in_the_last_place_and_nothing_else_may() {
        assert!(texts("a: 0.30000000000000004, b: x", "a: 0.3, b: x").is_ok());
        assert!(texts("a: 1.5e-3", "a: 1.5000000000001e-3").is_ok());
        for (a, b) in [("a: 0.31", "a: 0.3"), ("a: 3", "a: 4"), ("a: 3", "a: 3 "), ("x", "y"), ("a", "")] {
            assert!(texts(a, b).is_err(), "{a} {b}");
        }
    }
}
