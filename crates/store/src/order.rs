//! Keeps the order of a list whose things come and go, so that a thing's own number seldom changes.

/// Distance of two neighbours when there is room.
const STEP: i64 = 1 << 20;

/// Numbers that ascend along the list. Things that had a number keep it as long as the order allows.
pub(crate) fn assign(before: &[Option<i64>]) -> Vec<i64> {
    let mut numbers = Vec::with_capacity(before.len());
    let mut last: Option<i64> = None;
    for (at, number) in before.iter().enumerate() {
        let next = match number {
            Some(number) if last.is_none_or(|last| *number > last) => *number,
            _ => {
                let ahead =
                    before.iter().enumerate().skip(at + 1).find_map(|(place, number)| Some((place, (*number)?)));
                let ahead = ahead.filter(|(_, number)| last.is_none_or(|last| *number > last));
                let room = |place: usize| i64::try_from(place - at + 1).unwrap_or(i64::MAX);
                match (last, ahead) {
                    (None, None) => STEP,
                    (None, Some((place, number))) => number.saturating_sub(STEP.saturating_mul(room(place) - 1)),
                    (Some(last), None) => last.saturating_add(STEP),
                    (Some(last), Some((place, number))) => match number.saturating_sub(last) / room(place) {
                        0 => return (1_i64..).map(|number| number * STEP).take(before.len()).collect(),
                        gap => last + gap,
                    },
                }
            }
        };
        numbers.push(next);
        last = Some(next);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_always_ascend(before: Vec<Option<i32>>) {
            let before: Vec<_> = before.into_iter().map(|number| number.map(i64::from)).collect();
            let numbers = assign(&before);
            prop_assert_eq!(numbers.len(), before.len());
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn a_list_that_only_lost_and_gained_keeps_the_numbers_of_the_others() {
        let first = assign(&[None, None, None]);
        let later = assign(&[Some(first[0]), None, None, Some(first[2]), None]);
        assert_eq!((later[0], later[3]), (first[0], first[2]));
    }
}
