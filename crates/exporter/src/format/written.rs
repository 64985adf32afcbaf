//! An answer as far as it is written.

use super::{Form, openmetrics, protobuf, text};
use crate::metric::Family;

/// As much as most hosts have to say.
const USUAL: usize = 64 << 10;

/// Families in one of the forms: text, or messages.
#[derive(Debug)]
pub struct Written {
    form: Form,
    text: String,
    messages: Vec<u8>,
}

impl Written {
    /// Nothing yet.
    pub fn new(form: Form) -> Self {
        let (text, messages) = if form == Form::Protobuf { (0, USUAL) } else { (USUAL, 0) };
        Self { form, text: String::with_capacity(text), messages: Vec::with_capacity(messages) }
    }

    /// Writes families; they are sorted already.
    pub fn write(&mut self, families: &[Family]) {
        match self.form {
            Form::Text => text::write(families, &mut self.text),
            Form::OpenMetrics => openmetrics::write(families, &mut self.text),
            Form::Protobuf => protobuf::write(families, &mut self.messages),
        }
    }

    /// Writes what tells that this was all, where the form has that.
    pub fn end(&mut self) {
        if self.form == Form::OpenMetrics {
            openmetrics::end(&mut self.text);
        }
    }

    /// What is written since it was cleared.
    pub fn bytes(&self) -> &[u8] {
        if self.form == Form::Protobuf { &self.messages } else { self.text.as_bytes() }
    }

    /// The same, for good.
    pub fn into_bytes(self) -> Vec<u8> {
        if self.form == Form::Protobuf { self.messages } else { self.text.into_bytes() }
    }

    /// Begins another part.
    pub fn clear(&mut self) {
        self.text.clear();
        self.messages.clear();
    }
}
