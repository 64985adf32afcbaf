//! Units of numbers, written behind a dot: `10.GiB`, `1.5.h`, `80.percent`.

use crate::number::Number;
use crate::schema::Measure;

struct Unit {
    name: &'static str,
    factor: Number,
    measure: Measure,
}

const fn bytes(name: &'static str, factor: u64) -> Unit {
    Unit { name, factor: Number::Uint(factor), measure: Measure::Bytes }
}

const fn seconds(name: &'static str, factor: u64) -> Unit {
    Unit { name, factor: Number::Uint(factor), measure: Measure::Seconds }
}

const fn fraction(name: &'static str, factor: f64) -> Unit {
    Unit { name, factor: Number::Float(factor), measure: Measure::Seconds }
}

const UNITS: &[Unit] = &[
    bytes("B", 1),
    bytes("KB", 1_000),
    bytes("kB", 1_000),
    bytes("MB", 1_000_000),
    bytes("GB", 1_000_000_000),
    bytes("TB", 1_000_000_000_000),
    bytes("KiB", 1 << 10),
    bytes("MiB", 1 << 20),
    bytes("GiB", 1 << 30),
    bytes("TiB", 1 << 40),
    fraction("ns", 1e-9),
    fraction("us", 1e-6),
    fraction("ms", 1e-3),
    seconds("s", 1),
    seconds("min", 60),
    seconds("h", 3_600),
    seconds("d", 86_400),
    Unit { name: "cores", factor: Number::Uint(1), measure: Measure::Cores },
    Unit { name: "percent", factor: Number::Float(0.01), measure: Measure::Plain },
];

/// `value` of the named unit in base units; `None` where there is no such unit.
pub(crate) fn fold(value: Number, name: &str) -> Option<(Number, Measure)> {
    let unit = UNITS.iter().find(|unit| unit.name == name)?;
    // Dividing by a whole number keeps `200.ms` and `50.percent` at the nearest double to 0.2 and 0.5.
    let folded = match unit.factor {
        Number::Float(factor) => value.divide(Number::Float((1.0 / factor).round())),
        factor => value.multiply(factor),
    };
    Some((folded?, unit.measure))
}

/// All names, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|unit| unit.name)
}
