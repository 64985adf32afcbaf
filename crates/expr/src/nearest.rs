//! The name that was probably meant.

/// The nearest of `names` by edit distance, near enough to be worth showing. The first of equals wins.
pub(crate) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let letters: Vec<char> = wanted.chars().flat_map(char::to_lowercase).take(64).collect();
    let limit = (letters.len() / 3).max(1);
    let mut best: Option<(usize, &'n str)> = None;
    for name in names {
        let distance = distance(&letters, name);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Optimal string alignment distance without regard to case: insert, delete, replace, swap neighbours.
fn distance(wanted: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).take(64).collect();
    let width = name.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, a) in wanted.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, b) in name.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let above = rows.last().map_or(&[][..], Vec::as_slice);
            let mut cost = (at(above, j) + usize::from(a != b)).min(at(above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && wanted.get(i - 1) == Some(b) && name.get(j - 1) == Some(a);
            if swapped && let Some(before) = rows.len().checked_sub(2).and_then(|k| rows.get(k)) {
                cost = cost.min(at(before, j - 1) + 1);
            }
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = cost;
            }
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_is_found_and_far_ones_are_not() {
        let names = ["name", "user", "rss", "pss", "cmd", "threads"];
        let near = |wanted| nearest(wanted, names.into_iter());
        assert_eq!(near("nam"), Some("name"));
        assert_eq!(near("naem"), Some("name"));
        assert_eq!(near("RSS"), Some("rss"));
        assert_eq!(near("thread"), Some("threads"));
        assert_eq!(near("memory"), None);
        assert_eq!(near(""), None);
    }
}
