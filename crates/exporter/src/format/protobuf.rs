//! Protocol buffers: `io.prometheus.client.MetricFamily`, each behind its length.
//!
//! Field numbers are those of `io/prometheus/client/metrics.proto`.

use crate::metric::{Family, Kind, Label, Part, Sample};

/// Wire types.
const VARINT: u64 = 0;
const FIXED: u64 = 1;
const BYTES: u64 = 2;

/// Writes families; they are sorted already.
pub fn write(families: &[Family], out: &mut Vec<u8>) {
    let mut message = Vec::new();
    for family in families {
        message.clear();
        push_family(&mut message, family);
        push_varint(out, length(&message));
        out.extend_from_slice(&message);
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn push_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_varint(out, field << 3 | BYTES);
    push_varint(out, length(bytes));
    out.extend_from_slice(bytes);
}

fn push_number(out: &mut Vec<u8>, field: u64, value: u64) {
    push_varint(out, field << 3 | VARINT);
    push_varint(out, value);
}

fn push_double(out: &mut Vec<u8>, field: u64, value: f64) {
    push_varint(out, field << 3 | FIXED);
    out.extend_from_slice(&value.to_le_bytes());
}

fn push_family(out: &mut Vec<u8>, family: &Family) {
    push_bytes(out, 1, family.name.as_bytes());
    push_bytes(out, 2, family.help.as_bytes());
    let (kind, value) = match family.kind {
        Kind::Counter => (0, 3),
        Kind::Gauge => (1, 2),
        Kind::Summary => (2, 4),
        Kind::Untyped => (3, 5),
        Kind::Histogram => (4, 7),
    };
    push_number(out, 3, kind);
    let mut rest = &*family.samples;
    while let Some(first) = rest.first() {
        // A histogram is one metric, whose samples stand beside each other.
        let together = match family.kind {
            Kind::Histogram | Kind::Summary => rest.iter().take_while(|sample| same_group(first, sample)).count(),
            Kind::Counter | Kind::Gauge | Kind::Untyped => 1,
        };
        let (group, tail) = rest.split_at(together.clamp(1, rest.len()));
        rest = tail;
        let mut metric = Vec::new();
        for (name, value) in first.labels.iter().filter(|label| !is_bound(first.part, label)) {
            let mut pair = Vec::new();
            push_bytes(&mut pair, 1, name.as_bytes());
            push_bytes(&mut pair, 2, value.as_bytes());
            push_bytes(&mut metric, 1, &pair);
        }
        let mut inner = Vec::new();
        match family.kind {
            Kind::Histogram | Kind::Summary => push_parts(&mut inner, group),
            Kind::Counter | Kind::Gauge | Kind::Untyped => push_double(&mut inner, 1, first.value),
        }
        push_bytes(&mut metric, value, &inner);
        push_bytes(out, 4, &metric);
    }
}

/// Whether a label is the bound of a bucket or a quantile.
fn is_bound(part: Part, label: &Label) -> bool {
    matches!((part, &*label.0), (Part::Bucket, "le") | (Part::Value, "quantile"))
}

fn same_group(one: &Sample, other: &Sample) -> bool {
    let labels = |sample: &Sample| -> Vec<Label> {
        sample.labels.iter().filter(|label| !is_bound(sample.part, label)).cloned().collect()
    };
    labels(one) == labels(other)
}

/// Count, sum, and buckets or quantiles.
fn push_parts(out: &mut Vec<u8>, samples: &[Sample]) {
    for sample in samples {
        let bound = || {
            let bound = sample.labels.iter().find(|label| is_bound(sample.part, label));
            bound.and_then(|label| label.1.parse::<f64>().ok()).unwrap_or(f64::NAN)
        };
        match sample.part {
            Part::Count => push_number(out, 1, whole(sample.value)),
            Part::Sum => push_double(out, 2, sample.value),
            Part::Bucket => {
                let mut bucket = Vec::new();
                push_number(&mut bucket, 1, whole(sample.value));
                push_double(&mut bucket, 2, bound());
                push_bytes(out, 3, &bucket);
            }
            Part::Value => {
                let mut quantile = Vec::new();
                push_double(&mut quantile, 1, bound());
                push_double(&mut quantile, 2, sample.value);
                push_bytes(out, 3, &quantile);
            }
        }
    }
}

/// A count as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats stops at the ends")]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metrics;

    /// Fields of a message: number and contents.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let mut value = 0;
            for (shift, byte) in bytes.iter().enumerate() {
                value |= u64::from(byte & 0x7f) << (7 * shift);
                if byte & 0x80 == 0 {
                    *bytes = &bytes[shift + 1..];
                    return value;
                }
            }
            panic!("a number without an end");
        }
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let length = match key & 7 {
                VARINT => {
                    found.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                    continue;
                }
                FIXED => 8,
                BYTES => usize::try_from(varint(&mut bytes)).unwrap(),
                other => panic!("wire type {other}"),
            };
            found.push((key >> 3, bytes[..length].to_vec()));
            bytes = &bytes[length..];
        }
        found
    }

    fn of(fields: &[(u64, Vec<u8>)], number: u64) -> Vec<&[u8]> {
        fields.iter().filter(|(field, _)| *field == number).map(|(_, bytes)| &**bytes).collect()
    }

    fn families(metrics: Metrics) -> Vec<Vec<(u64, Vec<u8>)>> {
        let mut out = Vec::new();
        write(&metrics.sorted(&mut 0), &mut out);
        // Messages behind their lengths are the contents of fields without numbers.
        let mut found = Vec::new();
        let mut rest = &*out;
        while !rest.is_empty() {
            let (mut length, mut used) = (0_usize, 0);
            for byte in rest {
                length |= usize::from(byte & 0x7f) << (7 * used);
                used += 1;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            found.push(fields(&rest[used..used + length]));
            rest = &rest[used + length..];
        }
        found
    }

    #[test]
    fn a_counter_has_its_name_labels_and_value() {
        let mut metrics = Metrics::default();
        metrics.counter("a_total", "x".repeat(300), &[("b", "c"), ("a", "ä")], 1.5);
        let [family] = &*families(metrics) else { panic!("one family") };
        assert_eq!(of(family, 1), [b"a_total"]);
        assert_eq!((of(family, 2)[0].len(), of(family, 3)[0][0]), (300, 0));
        let metric = fields(of(family, 4)[0]);
        let pairs: Vec<_> = of(&metric, 1).into_iter().map(fields).collect();
        assert_eq!((of(&pairs[0], 1)[0], of(&pairs[0], 2)[0]), (&b"a"[..], "ä".as_bytes()));
        assert_eq!(of(&fields(of(&metric, 3)[0]), 1), [&1.5_f64.to_le_bytes()]);
    }

    #[test]
    fn a_histogram_is_one_metric() {
        let mut metrics = Metrics::default();
        let mut push = |part, labels: &[(&'static str, &str)], value| {
            let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            metrics.push(Kind::Histogram, "h".into(), "H.".into(), Sample { part, labels, value });
        };
        for (bound, count) in [("1", 2.0), ("+Inf", 3.0)] {
            push(Part::Bucket, &[("le", bound), ("x", "1")], count);
        }
        push(Part::Sum, &[("x", "1")], 4.5);
        push(Part::Count, &[("x", "1")], 3.0);
        push(Part::Count, &[("x", "2")], 7.0);
        let [family] = &*families(metrics) else { panic!("one family") };
        let all: Vec<_> = of(family, 4).into_iter().map(fields).collect();
        assert_eq!(all.len(), 2);
        let histogram = fields(of(&all[0], 7)[0]);
        assert_eq!((of(&histogram, 1)[0][0], of(&histogram, 2)[0]), (3, &4.5_f64.to_le_bytes()[..]));
        let buckets: Vec<_> = of(&histogram, 3).into_iter().map(fields).collect();
        assert_eq!((of(&buckets[1], 1)[0][0], of(&buckets[1], 2)[0]), (3, &f64::INFINITY.to_le_bytes()[..]));
        assert_eq!(of(&all[0], 1).len(), 1);
    }
}
