//! OpenMetrics 1.0: counters are declared without `_total`, untyped families are `unknown`, the text ends in `# EOF`.

use super::push_float;
use super::text::{push_escaped, push_labels};
use crate::metric::{Family, Kind};

/// Writes families; they are sorted already.
pub fn write(families: &[Family], out: &mut String) {
    for family in families {
        let (name, kind) = declared(family);
        out.push_str("# HELP ");
        out.push_str(name);
        out.push(' ');
        push_escaped(out, &family.help);
        out.push_str("\n# TYPE ");
        out.push_str(name);
        out.push(' ');
        out.push_str(kind);
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

/// Writes what tells that this was all.
pub fn end(out: &mut String) {
    out.push_str("# EOF\n");
}

/// A counter whose name does not end in `_total` cannot be one here.
fn declared(family: &Family) -> (&str, &'static str) {
    match (family.kind, family.name.strip_suffix("_total")) {
        (Kind::Counter, Some(name)) => (name, "counter"),
        (Kind::Counter | Kind::Untyped, _) => (&family.name, "unknown"),
        (kind, _) => (&family.name, kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metrics;

    #[test]
    fn counters_lose_their_ending_and_the_rest_is_unknown() {
        let mut metrics = Metrics::default();
        metrics.counter("a_total", "A.", &[], 1.0);
        metrics.counter("b", "B.", &[], 2.0);
        metrics.untyped("c", "C.", &[], 3.0);
        let mut out = String::new();
        write(&metrics.sorted(&mut 0), &mut out);
        end(&mut out);
        assert_eq!(
            out,
            "# HELP a A.\n# TYPE a counter\na_total 1\n# HELP b B.\n# TYPE b unknown\nb 2\n\
             # HELP c C.\n# TYPE c unknown\nc 3\n# EOF\n"
        );
    }
}
