//! Who is to blame: processes and groups, by how much they changed and how unusual that is.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::samples::{Sample, Samples};
use super::{Item, Metric};
use crate::GroupBy;

/// What groups there are, with the weight of each: the wider a group, the less it says.
const GROUPS: &[(GroupBy, f64)] = &[
    (GroupBy::Label, 1.0),
    (GroupBy::Name, 0.98),
    (GroupBy::Unit, 0.9),
    (GroupBy::Container, 0.9),
    (GroupBy::User, 0.5),
];
/// A group says nothing that one of its members does not say that explains this share of its change.
const EXPLAINS: f64 = 0.6;
/// A change that goes against that of the whole machine tells less.
const AGAINST: f64 = 0.25;
/// How many times its usual variation a change has to be to be half as telling as it could be.
const UNUSUAL: f64 = 3.0;
/// Nothing is steadier than this share of what it uses.
const STEADIEST: f64 = 0.05;

/// A process or a group on its way to an item.
#[derive(Debug)]
struct Candidate<'a> {
    group: Option<GroupBy>,
    word: Arc<[u8]>,
    members: Vec<&'a Sample>,
    now: f64,
    before: f64,
    score: f64,
}

/// The part of a group or process that a time used.
struct Sums {
    around: f64,
    close: f64,
    before: f64,
    usual: Vec<f64>,
}

impl Sums {
    fn of(members: &[&Sample]) -> Self {
        let spans = members.first().map_or(0, |first| first.usual.len());
        let mut sums = Self { around: 0.0, close: 0.0, before: 0.0, usual: vec![0.0; spans] };
        for member in members {
            sums.around += member.around;
            sums.close += member.close;
            sums.before += member.before;
            for (sum, value) in sums.usual.iter_mut().zip(&member.usual) {
                *sum += value;
            }
        }
        sums
    }

    /// How much it usually varies: the wider of the median deviation and a third of the way to its highest peak, so that what
    /// happens now and then is no news either.
    fn variation(&self, floor: f64) -> f64 {
        let middle = median(&self.usual);
        let deviations: Vec<f64> = self.usual.iter().map(|value| (value - middle).abs()).collect();
        let peak = self.usual.iter().copied().fold(middle, f64::max) - middle;
        (1.4826 * median(&deviations)).max(peak / 3.0).max(STEADIEST * self.before).max(floor)
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

/// What the whole machine did.
#[derive(Clone, Copy)]
struct Whole {
    total: f64,
    change: f64,
    floor: f64,
}

impl<'a> Candidate<'a> {
    fn new(group: Option<GroupBy>, word: Arc<[u8]>, members: Vec<&'a Sample>, weight: f64, whole: Whole) -> Self {
        let sums = Sums::of(&members);
        let variation = sums.variation(whole.floor);
        let telling = |now: f64| {
            let change = now - sums.before;
            let unusual = (change / variation).powi(2);
            let way = if change * whole.change < 0.0 { AGAINST } else { 1.0 };
            weight * way * change.abs() * unusual / (unusual + UNUSUAL.powi(2))
        };
        let (around, close) = (telling(sums.around), telling(sums.close));
        let (now, score) = if close > around { (sums.close, close) } else { (sums.around, around) };
        Self { group, word, members, now, before: sums.before, score }
    }

    /// Whether it stands for the same processes; both were gathered in one order.
    fn is_of_the_same(&self, other: &Self) -> bool {
        self.members.iter().map(|member| member.key).eq(other.members.iter().map(|member| member.key))
    }

    fn change(&self) -> f64 {
        self.now - self.before
    }

    fn item(&self, whole: Whole) -> Option<Item> {
        let most = |a: &&&Sample, b: &&&Sample| {
            let value = |sample: &Sample| (sample.around.max(sample.close) - sample.before).abs();
            value(a).total_cmp(&value(b)).then_with(|| b.key.cmp(&a.key))
        };
        let lead = self.members.iter().max_by(most)?;
        Some(Item {
            group: self.group,
            key: lead.key,
            label: Arc::clone(&self.word),
            name: Arc::from(&*lead.descriptor.name),
            user: Arc::from(&*lead.descriptor.user),
            processes: self.members.len(),
            now: self.now,
            before: self.before,
            share: (self.change().abs() / whole.total).clamp(0.0, 1.0),
            score: self.score,
            born: self.members.iter().all(|member| member.born && !member.restarted),
            ended: self.members.iter().all(|member| member.ended),
            restarted: self.members.iter().all(|member| member.restarted),
            text: String::new(),
        })
    }
}

/// The most telling processes and groups.
pub(super) fn rank(samples: &Samples, metric: Metric, n: usize) -> Vec<Item> {
    let all: Vec<&Sample> = samples.all.iter().collect();
    let sums = Sums::of(&all);
    let now = sums.around.max(sums.close);
    let floor = metric.floor();
    let whole = Whole { total: now.max(sums.before).max(floor), change: now - sums.before, floor };
    let mut candidates: Vec<Candidate<'_>> =
        all.iter().map(|one| Candidate::new(None, Arc::clone(&one.label), vec![*one], 1.0, whole)).collect();
    for (group, weight) in GROUPS {
        let mut words: BTreeMap<Arc<[u8]>, Vec<&Sample>> = BTreeMap::new();
        for sample in &samples.all {
            let word = group.word_of(&sample.descriptor, &sample.label);
            if !word.is_empty() {
                words.entry(word).or_default().push(sample);
            }
        }
        let several = words.into_iter().filter(|(_, members)| members.len() > 1);
        let several = several.map(|(word, members)| Candidate::new(Some(*group), word, members, *weight, whole));
        candidates.extend(several.filter(|group| !explained(group)));
    }
    candidates.retain(|candidate| candidate.change().abs() >= floor);
    candidates.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.members.len().cmp(&b.members.len()))
            .then_with(|| a.word.cmp(&b.word))
    });
    choose(&candidates, n).into_iter().filter_map(|candidate| candidate.item(whole)).collect()
}

/// Whether a single member explains the change of its group.
fn explained(group: &Candidate<'_>) -> bool {
    let parts = group.members.iter().map(|member| part(member) * group.change().signum());
    parts.fold(0.0, f64::max) >= EXPLAINS * group.change().abs()
}

/// What a member changed by.
fn part(member: &Sample) -> f64 {
    let (close, around) = (member.close - member.before, member.around - member.before);
    if close.abs() > around.abs() { close } else { around }
}

/// Takes the most telling, and of the others those that are not told by it already: no group of the same processes, no member of a group that was taken, and no
/// group whose change is explained by what was taken.
fn choose<'a, 'b>(candidates: &'b [Candidate<'a>], n: usize) -> Vec<&'b Candidate<'a>> {
    let mut taken: Vec<&Candidate<'_>> = Vec::new();
    let mut told = HashSet::new();
    for candidate in candidates {
        if taken.len() >= n {
            break;
        }
        if taken.iter().any(|known| known.is_of_the_same(candidate)) {
            continue;
        }
        // A good part of its change has to be news.
        let old = candidate.members.iter().filter(|member| told.contains(&member.key));
        let old: f64 = old.map(|member| part(member)).sum();
        if old * candidate.change().signum() >= EXPLAINS * candidate.change().abs() {
            continue;
        }
        told.extend(candidate.members.iter().map(|member| member.key));
        taken.push(candidate);
    }
    taken
}
