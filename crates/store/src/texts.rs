//! Texts and descriptors of a segment, each kept once and known by a number. Number 0 is the empty one.

use std::collections::HashMap;
use std::sync::Arc;

use procyon_model::descriptor::{Descriptor, DescriptorId};

use crate::record;

/// The texts of a segment.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    words: Vec<Arc<[u8]>>,
    by_word: HashMap<Arc<[u8]>, u32>,
    descriptors: Vec<Arc<Descriptor>>,
    by_id: HashMap<DescriptorId, u32>,
    /// How long all of them are together.
    bytes: usize,
}

impl Default for Texts {
    fn default() -> Self {
        let (word, descriptor) = (Arc::<[u8]>::from([]), Arc::<Descriptor>::default());
        Self {
            by_word: HashMap::from([(Arc::clone(&word), 0)]),
            words: vec![word],
            by_id: HashMap::from([(descriptor.id(), 0)]),
            descriptors: vec![descriptor],
            bytes: 0,
        }
    }
}

impl Texts {
    /// The number of a text; `near` is the number of the text that stood there before, which it most often still is.
    pub(crate) fn number(&mut self, near: i64, text: &[u8]) -> i64 {
        if usize::try_from(near).ok().and_then(|near| self.words.get(near)).is_some_and(|word| **word == *text) {
            return near;
        }
        if let Some(number) = self.by_word.get(text) {
            return i64::from(*number);
        }
        let word: Arc<[u8]> = text.into();
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.by_word.insert(Arc::clone(&word), number);
        self.push_word(word);
        i64::from(number)
    }

    /// The number of a descriptor.
    pub(crate) fn strings(&mut self, near: i64, descriptor: &Arc<Descriptor>) -> i64 {
        let before = usize::try_from(near).ok().and_then(|near| self.descriptors.get(near));
        if before.is_some_and(|before| Arc::ptr_eq(before, descriptor) || before == descriptor) {
            return near;
        }
        let id = descriptor.id();
        if let Some(number) = self.by_id.get(&id) {
            return i64::from(*number);
        }
        let number = u32::try_from(self.descriptors.len()).unwrap_or(u32::MAX);
        self.by_id.insert(id, number);
        self.push_descriptor(Arc::clone(descriptor));
        i64::from(number)
    }

    /// Adds a text that was read back, under the next number, even if it is there already.
    pub(crate) fn push_word(&mut self, word: Arc<[u8]>) {
        self.bytes += word.len();
        self.words.push(word);
    }

    /// Adds a descriptor that was read back, under the next number.
    pub(crate) fn push_descriptor(&mut self, descriptor: Arc<Descriptor>) {
        self.bytes += record::STRINGS.iter().map(|text| text(&descriptor).len()).sum::<usize>();
        self.descriptors.push(descriptor);
    }

    /// The number of a text that is read back: the next one, even if it is there already.
    pub(crate) fn read(&mut self, text: &[u8]) -> i64 {
        if text.is_empty() {
            return 0;
        }
        self.push_word(text.into());
        i64::try_from(self.words.len() - 1).unwrap_or(0)
    }

    /// Makes texts that were read back known by their words, to write on.
    pub(crate) fn index(&mut self) {
        self.by_word = (0..).zip(&self.words).map(|(number, word)| (Arc::clone(word), number)).collect();
        self.by_id = (0..).zip(&self.descriptors).map(|(number, descriptor)| (descriptor.id(), number)).collect();
    }

    /// How long all texts are together, those of descriptors too.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of a number.
    pub(crate) fn word(&self, number: i64) -> Arc<[u8]> {
        let word = usize::try_from(number).ok().and_then(|number| self.words.get(number));
        word.map_or_else(|| Arc::from([]), Arc::clone)
    }

    /// The text of a number, where the kernel gives UTF-8.
    pub(crate) fn string(&self, number: i64) -> Box<str> {
        String::from_utf8_lossy(&self.word(number)).into()
    }

    /// The descriptor of a number.
    pub(crate) fn descriptor(&self, number: i64) -> Arc<Descriptor> {
        let descriptor = usize::try_from(number).ok().and_then(|number| self.descriptors.get(number));
        descriptor.map_or_else(Arc::default, Arc::clone)
    }

    /// All texts, the empty one first.
    pub(crate) fn words(&self) -> &[Arc<[u8]>] {
        &self.words
    }

    /// All descriptors, the empty one first.
    pub(crate) fn descriptors(&self) -> &[Arc<Descriptor>] {
        &self.descriptors
    }
}
