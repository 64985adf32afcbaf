//! The labels of a sample.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A label: name and value. Many samples share a value.
pub type Label = (Cow<'static, str>, Arc<str>);

/// Labels in the order of their names: those that all samples of one device or group share, and one of the sample's own.
/// To say both of a sample takes no memory beyond the sample, however many there are.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    shared: Arc<[Label]>,
    own: Option<Arc<Label>>,
}

impl Labels {
    /// These and another one.
    #[must_use]
    pub fn with(&self, own: &Arc<Label>) -> Self {
        debug_assert!(self.own.is_none(), "there is room for one");
        Self { shared: Arc::clone(&self.shared), own: Some(Arc::clone(own)) }
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        let own = self.own.as_deref();
        let before = own.map_or(self.shared.len(), |own| self.shared.partition_point(|label| label.0 < own.0));
        let (before, behind) = self.shared.split_at(before);
        before.iter().chain(own).chain(behind)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shared.len() + usize::from(self.own.is_some())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The order in which samples are served: few labels first, then by their values.
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        // Most stand beside one of the same group.
        if Arc::ptr_eq(&self.shared, &other.shared)
            && let (Some(one), Some(other)) = (&self.own, &other.own)
            && one.0 == other.0
        {
            return one.1.cmp(&other.1);
        }
        let by_value = || self.iter().map(|label| &*label.1).cmp(other.iter().map(|label| &*label.1));
        let by_name = || self.iter().map(|label| &*label.0).cmp(other.iter().map(|label| &*label.0));
        self.len().cmp(&other.len()).then_with(by_value).then_with(by_name)
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        let mut shared: Arc<[Label]> = labels.into_iter().collect();
        // Nobody else has them yet.
        if let Some(labels) = Arc::get_mut(&mut shared) {
            labels.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        }
        Self { shared, own: None }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for label in self.iter() {
            label.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn label(name: &'static str, value: &str) -> Label {
        (name.into(), value.into())
    }

    #[test]
    fn one_of_its_own_stands_where_its_name_belongs() {
        let shared: Labels = [label("m", "2"), label("d", "1")].into_iter().collect();
        for (own, expected) in [("a", ["a", "d", "m"]), ("f", ["d", "f", "m"]), ("x", ["d", "m", "x"])] {
            let labels = shared.with(&Arc::new(label(own, "3")));
            assert_eq!(labels.iter().map(|label| &*label.0).collect::<Vec<_>>(), expected);
            // It makes no difference who says it.
            let same: Labels = labels.iter().cloned().collect();
            assert_eq!((&labels, labels.cmp(&same), labels.len()), (&same, Ordering::Equal, 3));
            assert_eq!(HashSet::from([labels, same]).len(), 1);
        }
        assert!(Labels::default().is_empty());
    }
}
