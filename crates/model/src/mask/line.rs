//! One command line, word after word.

use std::ops::Range;

use super::command::{self, Command, Form, Plain};
use super::inline::{self, is_harmless, is_variable, unquoted};
use super::names::{self, Place, Secret};
use super::shell::{self, MAX_DEPTH, Trust};
use super::{Masker, Sink};

/// What the words so far say about the next one.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the words so far")]
pub(super) struct Line<'m> {
    masker: &'m Masker,
    /// Set inside a text that a shell splits.
    text: Option<Trust>,
    depth: u8,
    command: Option<&'static Command>,
    /// The program is still to come: only assignments so far, or a wrapper.
    wanted: bool,
    /// [`Command::only_after`] was seen, or there is none.
    armed: bool,
    pending: Pending,
    /// Plain arguments so far.
    plain: u8,
    /// The plain argument before.
    before: Range<usize>,
    /// How many plain arguments it is until a secret, of [`Plain::Later`]; 0 where none is to come.
    left: u8,
    /// How many it was in the beginning.
    places_behind: u8,
    /// `htpasswd -b`: the password is an argument.
    batch: bool,
    /// `htpasswd -n`: there is no file before the user.
    without_file: bool,
    /// The last word was `-c`: this one is a script.
    script: bool,
    /// The last word was `set`: `config set requirepass X`.
    set: bool,
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// The value of a short option that always takes one.
    Option(Form),
    /// The value of a long option, unless it looks like an option itself.
    Name(Secret),
    /// An HTTP header.
    Header,
    /// A token, if it looks like one: behind `Bearer`.
    Token,
    /// `user:X`.
    Login,
    /// `key=value` whose value is a secret whatever its key: `--from-literal`.
    Literal,
}

impl<'m> Line<'m> {
    pub(super) const fn new(masker: &'m Masker, depth: u8) -> Self {
        Self {
            masker,
            text: None,
            depth,
            command: None,
            wanted: true,
            armed: false,
            pending: Pending::Nothing,
            plain: 0,
            before: 0..0,
            left: 0,
            places_behind: 0,
            batch: false,
            without_file: false,
            script: false,
            set: false,
        }
    }

    /// A line inside a text.
    pub(super) const fn of_text(masker: &'m Masker, trust: Trust, depth: u8) -> Self {
        let mut line = Self::new(masker, depth);
        line.text = Some(trust);
        line
    }

    /// Takes the next word.
    pub(super) fn word(&mut self, sink: &mut Sink<'_>, range: Range<usize>) {
        let range = if self.text.is_some() { unquoted_word(sink, range) } else { range };
        let word = sink.bytes(&range);
        if self.take_pending(sink, &range) {
            return;
        }
        if word.eq_ignore_ascii_case(b"bearer") {
            self.pending = Pending::Token;
            return;
        }
        let after_set = std::mem::replace(&mut self.set, word == b"set");
        let script = std::mem::replace(&mut self.script, is_script_option(word));
        let script = self.command.is_some_and(|command| script && command.runs || command.plain == Plain::Script);
        if script && has_blank(word) && self.depth < MAX_DEPTH {
            return shell::text(self.masker, sink, range, Trust::Command, self.depth + 1);
        }
        if self.wanted && self.begin(sink, &range) {
            return;
        }
        if after_set && names::secret(word, Place::Attached, &self.masker.patterns).is_some() {
            self.pending = Pending::Name(Secret::Value);
            return;
        }
        if word.len() > 1 && word.starts_with(b"-") || word.starts_with(b"/p:") {
            if self.option(sink, &range) {
                return;
            }
        } else if self.plain(sink, &range) {
            return;
        }
        self.inside(sink, range);
    }

    /// The value that an option before asked for.
    fn take_pending(&mut self, sink: &mut Sink<'_>, range: &Range<usize>) -> bool {
        let word = sink.bytes(range);
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => false,
            Pending::Option(form) => {
                self.option_value(sink, form, range.clone());
                true
            }
            Pending::Name(_) if word.starts_with(b"-") => false,
            // `docker build --secret id=npm,src=/root/.npmrc` names a file.
            Pending::Name(_) if word.starts_with(b"id=") || word.starts_with(b"type=") => false,
            Pending::Name(secret) => {
                self.mask(sink, range.clone(), secret);
                true
            }
            Pending::Header => {
                self.header(sink, range.clone());
                true
            }
            Pending::Token => {
                let token = names::looks_random(word, 12);
                if token {
                    self.mask(sink, range.clone(), Secret::Value);
                }
                token
            }
            Pending::Login if word.starts_with(b"-") => false,
            Pending::Login => {
                self.login(sink, range.clone());
                true
            }
            Pending::Literal => {
                self.after(sink, range.clone(), b'=');
                true
            }
        }
    }

    /// The program itself, or what may stand before it. True where nothing is left to look at.
    fn begin(&mut self, sink: &Sink<'_>, range: &Range<usize>) -> bool {
        let word = sink.bytes(range);
        if word.starts_with(b"-") && self.command.is_some() || is_assignment(word) {
            return false;
        }
        if has_blank(word) && self.command.is_some() {
            return false;
        }
        let found = command::lookup(word);
        if let Some(command) = found {
            self.command = Some(command);
            self.armed = command.only_after.is_empty();
            self.wanted = command.runs;
            self.plain = 0;
            return true;
        }
        if self.command.is_none() {
            // An unknown program: what follows is read without knowledge of it.
            self.wanted = false;
            return !has_blank(word) && !word.contains(&b'=') && !word.contains(&b':');
        }
        false
    }

    fn option(&mut self, sink: &mut Sink<'_>, range: &Range<usize>) -> bool {
        if self.short_option(sink, range) {
            return true;
        }
        let word = sink.bytes(range);
        let dashes = word.iter().take_while(|byte| **byte == b'-').count();
        let name = word.get(dashes..).unwrap_or_default();
        if name.contains(&b'=') || has_blank(name) {
            return self.attached(sink, range, dashes);
        }
        if word == b"-H" || dashes == 2 && matches!(name, b"header" | b"add-header" | b"headers") {
            self.pending = Pending::Header;
            return true;
        }
        if name == b"from-literal" {
            self.pending = Pending::Literal;
            return true;
        }
        if names::is_login(name) && self.text != Some(Trust::Prose) {
            self.pending = Pending::Login;
            return true;
        }
        // A single letter never tells by itself, and prose about an option is not its use.
        if word.len() > 3 && self.text != Some(Trust::Prose) {
            if let Some(secret) = names::secret(name, Place::Following, &self.masker.patterns) {
                self.pending = Pending::Name(secret);
                return true;
            }
        }
        false
    }

    /// `--name=value` where the command knows more than the name says.
    fn attached(&self, sink: &mut Sink<'_>, range: &Range<usize>, dashes: usize) -> bool {
        let word = sink.bytes(range);
        let Some(equals) = word.iter().position(|byte| *byte == b'=') else { return false };
        let value = range.start + equals + 1..range.end;
        match word.get(dashes..equals).unwrap_or_default() {
            b"header" | b"add-header" => self.header(sink, value),
            b"from-literal" => self.after(sink, value, b'='),
            name if names::is_login(name) => self.login(sink, value),
            name => {
                let Some((_, form)) =
                    self.options().iter().find(|(known, _)| known.len() > 1 && known.as_bytes() == name)
                else {
                    return false;
                };
                if *form == Form::Switch {
                    return false;
                }
                self.option_value(sink, *form, unquoted(sink, value));
            }
        }
        true
    }

    fn options(&self) -> &'static [command::Opt] {
        self.command.filter(|_| self.armed).map_or(&[], |command| command.options)
    }

    /// An option that the command is known for.
    fn short_option(&mut self, sink: &mut Sink<'_>, range: &Range<usize>) -> bool {
        let Some(command) = self.command else { return false };
        let word = sink.bytes(range);
        if command.plain == Plain::Htpasswd && !word.starts_with(b"--") {
            self.batch |= word.contains(&b'b');
            self.without_file |= word.contains(&b'n');
        }
        let name = word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-")).unwrap_or(word);
        let options = self.options();
        if let Some((_, form)) =
            options.iter().find(|(known, _)| known.as_bytes() == name && (known.len() > 1) == (name.len() > 1))
        {
            if !matches!(form, Form::Glued | Form::Switch) {
                self.pending = Pending::Option(*form);
            }
            return true;
        }
        if word.starts_with(b"--") {
            return false;
        }
        for (known, form) in options.iter().filter(|(known, _)| known.len() > 1) {
            if *form == Form::Glued && name.len() > known.len() && name.starts_with(known.as_bytes()) {
                self.option_value(sink, *form, range.end - name.len() + known.len()..range.end);
                return true;
            }
        }
        self.cluster(sink, range, command, name)
    }

    /// Letters behind one dash: `-pX`, `-sSu a:b`.
    fn cluster(&mut self, sink: &mut Sink<'_>, range: &Range<usize>, command: &Command, letters: &[u8]) -> bool {
        let first_valued = letters.iter().position(|letter| command.valued.as_bytes().contains(letter)).unwrap_or(0);
        let letter = letters.get(first_valued..=first_valued).unwrap_or_default();
        let options = self.options();
        let Some((_, form)) = options.iter().find(|(known, _)| known.as_bytes() == letter) else { return false };
        if *form == Form::Next {
            return false;
        }
        let value = range.end - letters.len() + first_valued + 1..range.end;
        if value.is_empty() {
            if !matches!(form, Form::Glued | Form::Switch) {
                self.pending = Pending::Option(*form);
            }
        } else {
            // `-p=X` is not how any of them reads it, but how people write it.
            self.option_value(sink, *form, unquoted(sink, value));
        }
        true
    }

    fn option_value(&self, sink: &mut Sink<'_>, form: Form, value: Range<usize>) {
        let value = unquoted_if(sink, value, self.text.is_some());
        match form {
            Form::Switch => {}
            Form::Open => inline::scan(self.masker, sink, value, self.text.is_some()),
            Form::Glued | Form::Value | Form::Next => self.mask(sink, value, Secret::Value),
            Form::After(separator) => {
                let bytes = sink.bytes(&value);
                if separator == b'@' {
                    // A proxy: `http://a:b@h` is a URL, `a:b@h` is not.
                    if bytes.windows(3).any(|part| part == b"://") || !self.userinfo(sink, &value) {
                        inline::scan(self.masker, sink, value, self.text.is_some());
                    }
                } else {
                    self.after(sink, value, separator);
                }
            }
            Form::Header => self.header(sink, value),
            Form::PassArgument => {
                if sink.bytes(&value).starts_with(b"pass:") {
                    self.mask(sink, value.start + 5..value.end, Secret::Value);
                }
            }
        }
    }

    /// `user:X`, but no URL and no `host:port`.
    fn login(&self, sink: &mut Sink<'_>, value: Range<usize>) {
        let value = unquoted_if(sink, value, self.text.is_some());
        let bytes = sink.bytes(&value);
        let colon = bytes.iter().position(|byte| *byte == b':');
        let behind = colon.and_then(|colon| bytes.get(colon + 1..)).unwrap_or_default();
        if behind.starts_with(b"//") || behind.iter().all(u8::is_ascii_digit) {
            inline::scan(self.masker, sink, value, self.text.is_some());
        } else {
            self.after(sink, value, b':');
        }
    }

    /// Masks what stands behind the first separator.
    fn after(&self, sink: &mut Sink<'_>, value: Range<usize>, separator: u8) {
        match sink.bytes(&value).iter().position(|byte| *byte == separator) {
            // `token:` without a password: the name is the secret.
            Some(at)
                if value.start + at + 1 == value.end
                    && names::looks_random(sink.bytes(&(value.start..value.start + at)), 16) =>
            {
                self.mask(sink, value.start..value.start + at, Secret::Value);
            }
            Some(at) => self.mask(sink, value.start + at + 1..value.end, Secret::Value),
            None => inline::scan(self.masker, sink, value, self.text.is_some()),
        }
    }

    /// `Name: value`.
    fn header(&self, sink: &mut Sink<'_>, range: Range<usize>) {
        let range = unquoted(sink, range);
        let word = sink.bytes(&range);
        let colon = word.iter().position(|byte| *byte == b':');
        let name = colon.and_then(|colon| word.get(..colon)).unwrap_or_default();
        let secret = names::secret_header(name, &self.masker.patterns)
            || names::secret(name, Place::Attached, &self.masker.patterns).is_some();
        match colon {
            Some(colon) if secret => {
                let after = range.start + colon + 1;
                inline::header_value(self.masker, sink, range, after, self.text.is_some());
            }
            _ => inline::scan(self.masker, sink, range, self.text.is_some()),
        }
    }

    /// An argument that is no option. True where it is done with.
    fn plain(&mut self, sink: &mut Sink<'_>, range: &Range<usize>) -> bool {
        let Some(command) = self.command else { return false };
        let word = sink.bytes(range);
        self.armed |= word == command.only_after.as_bytes();
        self.plain = self.plain.saturating_add(1);
        match command.plain {
            Plain::None | Plain::Script => false,
            Plain::Nth(place) => {
                let secret = self.plain == place;
                if secret {
                    self.mask(sink, range.clone(), Secret::Value);
                }
                secret
            }
            Plain::Htpasswd => {
                let place = if self.without_file { 2 } else { 3 };
                let secret = self.batch && self.plain == place;
                if secret {
                    self.mask(sink, range.clone(), Secret::Value);
                }
                secret
            }
            Plain::Slash => {
                let slash = word.iter().position(|byte| *byte == b'/').filter(|at| *at > 0);
                let Some(slash) = slash.filter(|_| self.plain == 1 || word.contains(&b'@')) else { return false };
                if word.starts_with(b"@") || word.starts_with(b".") || word.contains(&b'=') {
                    return false;
                }
                let behind = word.get(slash + 1..).unwrap_or_default();
                let length = behind.iter().rposition(|byte| *byte == b'@').unwrap_or(behind.len());
                let start = range.start + slash + 1;
                self.mask(sink, start..start + length, Secret::Value);
                true
            }
            Plain::Userinfo => !word.windows(3).any(|part| part == b"://") && self.userinfo(sink, range),
            Plain::Later(places) => {
                let pair = self.left == 1 && self.places_behind == 1 && is_assignment(word);
                let secret = self.left == 1 && !pair && word != b"-";
                // Pairs may come several in a row.
                self.left = if pair { 1 } else { self.left.saturating_sub(1) };
                let before = std::mem::replace(&mut self.before, range.clone());
                if secret {
                    self.mask(sink, range.clone(), Secret::Value);
                } else if let Some((_, _, behind)) = places.iter().find(|(first, second, _)| {
                    second.as_bytes() == word && (first.is_empty() || first.as_bytes() == sink.bytes(&before))
                }) {
                    (self.left, self.places_behind) = (*behind, *behind);
                }
                secret
            }
            Plain::Behind(names) => {
                if names.iter().any(|name| name.as_bytes() == word) {
                    self.pending = Pending::Option(Form::Value);
                }
                false
            }
        }
    }

    /// `user:X@host` without a scheme.
    fn userinfo(&self, sink: &mut Sink<'_>, range: &Range<usize>) -> bool {
        let word = sink.bytes(range);
        let Some(at) = word.iter().rposition(|byte| *byte == b'@') else { return false };
        let user = word.get(..at).unwrap_or_default();
        let Some(colon) = user.iter().position(|byte| *byte == b':') else { return false };
        if user.get(..colon).is_none_or(|user| user.contains(&b'/') || user.contains(&b'=')) {
            return false;
        }
        self.mask(sink, range.start + colon + 1..range.start + at, Secret::Value);
        true
    }

    /// What may be secret in a word whatever came before: a command line of its own, or single values.
    fn inside(&self, sink: &mut Sink<'_>, range: Range<usize>) {
        let word = sink.bytes(&range);
        if self.depth >= MAX_DEPTH || !has_blank(word) || self.is_one_value(word) {
            return inline::scan(self.masker, sink, range, self.text.is_some());
        }
        let runs = self.command.is_some_and(|command| command.runs);
        let first = word.split(|byte| *byte == b' ').next().unwrap_or_default();
        let trust = if runs || first.starts_with(b"-") || command::lookup(first).is_some() {
            Trust::Command
        } else {
            Trust::Prose
        };
        let (_, start) = option_text(word);
        shell::text(self.masker, sink, range.start + start..range.end, trust, self.depth + 1);
    }

    /// `NAME=value with blanks` of a secret is one value, as are JSON, headers and keys in PEM.
    fn is_one_value(&self, word: &[u8]) -> bool {
        let (name, start) = option_text(word);
        let rest = word.get(start..).unwrap_or_default();
        let json = rest.trim_ascii_start().starts_with(b"{") || rest.trim_ascii_start().starts_with(b"[");
        let colon = word.iter().position(|byte| *byte == b':').and_then(|colon| word.get(..colon)).unwrap_or_default();
        let colon = colon.rsplit(|byte| *byte == b'=').next().unwrap_or_default();
        json || rest.starts_with(b"-----BEGIN")
            || names::secret(name, Place::Attached, &self.masker.patterns).is_some()
            || names::secret_header(colon, &self.masker.patterns)
    }

    fn mask(&self, sink: &mut Sink<'_>, range: Range<usize>, secret: Secret) {
        let range = unquoted_if(sink, range, self.text.is_some());
        let value = sink.bytes(&range);
        if is_harmless(value) && secret == Secret::ValueOrPath
            || value.is_empty()
            || value == super::MASK.as_bytes()
            || secret == Secret::ValueOrPath && names::is_path(value)
            || self.text.is_some() && is_variable(value)
        {
            return;
        }
        sink.mask(range);
    }
}

/// The name of `--name=text` and where the text begins; of any other word nothing and its start.
fn option_text(word: &[u8]) -> (&[u8], usize) {
    let dashes = word.iter().take_while(|byte| **byte == b'-').count();
    let length = word
        .iter()
        .skip(dashes)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    let end = dashes + length;
    if length > 0 && word.get(end) == Some(&b'=') {
        (word.get(dashes..end).unwrap_or_default(), end + 1)
    } else {
        (&[], 0)
    }
}

/// Without the quotes around the whole word.
fn unquoted_word(sink: &Sink<'_>, range: Range<usize>) -> Range<usize> {
    match sink.bytes(&range) {
        [first @ (b'"' | b'\''), middle @ .., last] if first == last && !middle.contains(first) => {
            range.start + 1..range.end - 1
        }
        _ => range,
    }
}

/// Only in texts of a shell quotes are not part of the value.
fn unquoted_if(sink: &Sink<'_>, range: Range<usize>, text: bool) -> Range<usize> {
    if text { unquoted(sink, range) } else { range }
}

/// `-c`, `-lc`.
fn is_script_option(word: &[u8]) -> bool {
    word.starts_with(b"-") && !word.starts_with(b"--") && word.ends_with(b"c") && word.len() <= 5
}

/// `NAME=…` as it stands before a command.
fn is_assignment(word: &[u8]) -> bool {
    let length = word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    length > 0 && word.get(length) == Some(&b'=')
}

pub(super) fn has_blank(word: &[u8]) -> bool {
    word.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
}
