//! Families of samples as Prometheus has them: what collectors fill and formats write.

mod labels;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

pub use labels::{Label, Labels};

/// What a family of samples is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, or starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Nobody says what it is.
    Untyped,
    /// Buckets, sum and count; only from text files.
    Histogram,
    /// Quantiles, sum and count; only from text files.
    Summary,
}

impl Kind {
    /// Its name in text 0.0.4.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// Which part of a histogram or summary a sample is; the order is the one in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The sample of the family's own name: a value, or a quantile.
    Value,
    /// `_bucket`.
    Bucket,
    /// `_sum`.
    Sum,
    /// `_count`.
    Count,
}

impl Part {
    /// What is put behind the family's name.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Bucket => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
        }
    }
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Part of its family.
    pub part: Part,
    /// Its labels.
    pub labels: Labels,
    /// Value.
    pub value: f64,
}

#[derive(PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name.
    pub name: Cow<'static, str>,
    /// What it is about, for people.
    pub help: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// The most samples of one collector; what comes after is left out and counted.
pub const MOST_SAMPLES: usize = 1_000_000;

/// So many families are found by looking at each of them.
const FEW: usize = 16;

/// Where collectors put their samples.
#[derive(Debug, Default)]
pub struct Metrics {
    families: Vec<Family>,
    /// Places of those that are more than a few.
    index: HashMap<Cow<'static, str>, usize>,
    last: usize,
    count: usize,
    refused: u64,
    expected: usize,
}

impl Metrics {
    /// Families that begin from here on have room for so many samples: what grows bit by bit takes twice as much.
    pub(crate) const fn expect(&mut self, samples: usize) {
        self.expected = samples;
    }

    /// Adds a sample of a counter.
    pub fn counter(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        self.add(Kind::Counter, name.into(), help.into(), labels, value);
    }

    /// Adds a sample of a gauge.
    pub fn gauge(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        self.add(Kind::Gauge, name.into(), help.into(), labels, value);
    }

    /// Adds a sample of a family without a type.
    pub fn untyped(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        self.add(Kind::Untyped, name.into(), help.into(), labels, value);
    }

    /// Adds a sample.
    pub fn add(
        &mut self,
        kind: Kind,
        name: Cow<'static, str>,
        help: Cow<'static, str>,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        let labels = labels.iter().map(|(name, value)| (Cow::Borrowed(*name), Arc::from(*value)));
        // Without any, none are made.
        let labels = if labels.len() == 0 { Labels::default() } else { labels.collect() };
        self.push(kind, name, help, Sample { part: Part::Value, labels, value });
    }

    /// Adds a sample with labels that others share.
    pub(crate) fn share(&mut self, kind: Kind, name: &'static str, help: &'static str, labels: Labels, value: f64) {
        let sample = Sample { part: Part::Value, labels, value };
        self.push(kind, Cow::Borrowed(name), Cow::Borrowed(help), sample);
    }

    /// Adds a sample of whatever part.
    pub fn push(&mut self, kind: Kind, name: Cow<'static, str>, help: Cow<'static, str>, sample: Sample) {
        if self.count >= MOST_SAMPLES {
            self.refused += 1;
            return;
        }
        self.count += 1;
        let at = self.place(&name);
        self.last = at;
        if let Some(family) = self.families.get_mut(at) {
            family.samples.push(sample);
            return;
        }
        if at >= FEW {
            self.index.insert(name.clone(), at);
        }
        let mut samples = Vec::with_capacity(self.expected.max(1));
        samples.push(sample);
        self.families.push(Family { name, help, kind, samples });
    }

    /// The place of a family; the one behind the last, where it is not there. Devices one after the other mostly have the
    /// same families in the same order.
    fn place(&self, name: &str) -> usize {
        let is_it = |at: &usize| self.families.get(*at).is_some_and(|family| family.name == name);
        if let Some(at) = [self.last, self.last + 1, 0].into_iter().find(is_it) {
            return at;
        }
        let few = self.families.iter().take(FEW).position(|family| family.name == name);
        few.or_else(|| self.index.get(name).copied()).unwrap_or(self.families.len())
    }

    /// Samples that were left out because there were too many.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// How many samples there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The families, in the order in which they appeared.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Takes what another collector found.
    pub fn merge(&mut self, other: Self) {
        self.refused += other.refused;
        self.count += other.count;
        // What is here twice comes together when all is sorted.
        self.families.extend(other.families);
    }

    /// The families sorted by name, their samples by labels. A family that is there twice keeps the type that it had first;
    /// what has another one, and of two samples with the same labels the second, is left out and counted as a mistake.
    pub fn sorted(mut self, mistakes: &mut u64) -> Vec<Family> {
        self.families.retain(|family| !family.samples.is_empty());
        self.families.sort_by(|one, other| one.name.cmp(&other.name));
        self.families.dedup_by(|later, earlier| {
            if later.name != earlier.name {
                return false;
            }
            if later.kind == earlier.kind {
                earlier.samples.append(&mut later.samples);
            } else {
                *mistakes += 1;
            }
            true
        });
        for family in self.families.iter_mut().filter(|family| !is_in_order(family)) {
            sort_samples(family);
            let before = family.samples.len();
            family.samples.dedup_by(|later, earlier| later.part == earlier.part && later.labels == earlier.labels);
            *mistakes += u64::try_from(before - family.samples.len()).unwrap_or(u64::MAX);
        }
        self.families
    }
}

const fn has_parts(family: &Family) -> bool {
    matches!(family.kind, Kind::Histogram | Kind::Summary)
}

/// Whether nothing is left to sort and no sample is there twice, as where a collector goes through sorted names.
fn is_in_order(family: &Family) -> bool {
    let is_before = |one: &Sample, other: &Sample| one.labels.cmp(&other.labels).is_lt();
    family.samples.len() < 2 || (!has_parts(family) && family.samples.is_sorted_by(is_before))
}

fn sort_samples(family: &mut Family) {
    if has_parts(family) {
        family.samples.sort_by_cached_key(OwnedIdentity::of);
        return;
    }
    family.samples.sort_by(|one, other| one.labels.cmp(&other.labels));
}

/// The order of samples in a histogram or summary: group by group, buckets by their bounds, then sum and count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OwnedIdentity(usize, Vec<Arc<str>>, Part, Option<Bound>);

impl OwnedIdentity {
    fn of(sample: &Sample) -> Self {
        let is_bound =
            |label: &&Label| matches!((sample.part, &*label.0), (Part::Bucket, "le") | (Part::Value, "quantile"));
        let group: Vec<Arc<str>> =
            sample.labels.iter().filter(|label| !is_bound(label)).map(|label| label.1.clone()).collect();
        let bound = sample.labels.iter().find(is_bound).and_then(|label| label.1.parse().ok()).map(Bound);
        Self(group.len(), group, sample.part, bound)
    }
}
