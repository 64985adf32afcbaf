//! Text 0.0.4: HELP, TYPE, samples.

use super::push_float;
use crate::metric::{Family, Labels};

/// Writes families; they are sorted already.
pub fn write(families: &[Family], out: &mut String) {
    for family in families {
        out.push_str("# HELP ");
        out.push_str(&family.name);
        out.push(' ');
        push_help(out, &family.help);
        out.push_str("\n# TYPE ");
        out.push_str(&family.name);
        out.push(' ');
        out.push_str(family.kind.name());
        out.push('\n');
        for sample in &family.samples {
            out.push_str(&family.name);
            out.push_str(sample.part.suffix());
            push_labels(out, &sample.labels);
            out.push(' ');
            push_float(out, sample.value);
            out.push('\n');
        }
    }
}

fn push_help(out: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'\n')) {
        out.push_str(text);
        return;
    }
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter => out.push(letter),
        }
    }
}

pub(super) fn push_labels(out: &mut String, labels: &Labels) {
    if labels.is_empty() {
        return;
    }
    let mut before = '{';
    labels.iter().for_each(|(name, value)| {
        out.push(before);
        out.push_str(name);
        out.push_str("=\"");
        push_escaped(out, value);
        out.push('"');
        before = ',';
    });
    out.push('}');
}

pub(super) fn push_escaped(out: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'\n' | b'"')) {
        out.push_str(text);
        return;
    }
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' => out.push_str("\\\""),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metrics;

    #[test]
    fn families_and_samples_are_sorted_and_text_is_escaped() {
        let mut metrics = Metrics::default();
        metrics.gauge("b", "Two\nlines \\ and \"more\".", &[("x", "a\"b\\c\nd"), ("a", "1")], 1e6);
        metrics.gauge("b", "Two\nlines \\ and \"more\".", &[("x", "a"), ("a", "0")], 2.0);
        metrics.counter("a_total", "First.", &[], 0.5);
        let mut mistakes = 0;
        let mut out = String::new();
        write(&metrics.sorted(&mut mistakes), &mut out);
        assert_eq!(mistakes, 0);
        assert_eq!(
            out,
            "# HELP a_total First.\n# TYPE a_total counter\na_total 0.5\n\
             # HELP b Two\\nlines \\\\ and \"more\".\n# TYPE b gauge\n\
             b{a=\"0\",x=\"a\"} 2\nb{a=\"1\",x=\"a\\\"b\\\\c\\nd\"} 1e+06\n"
        );
    }

    #[test]
    fn a_sample_that_is_there_twice_is_written_once_and_counted() {
        let mut metrics = Metrics::default();
        metrics.gauge("a", "A.", &[("x", "1")], 1.0);
        metrics.gauge("a", "A.", &[("x", "1")], 2.0);
        let mut mistakes = 0;
        let families = metrics.sorted(&mut mistakes);
        assert_eq!((families.first().map(|family| family.samples.len()), mistakes), (Some(1), 1));
    }
}
