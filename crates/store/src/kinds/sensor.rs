//! Temperature sensors.

use procyon_model::machine::Sensor;
use procyon_units::Celsius;

use crate::column::Shape::{Float, Level, Text};
use crate::column::{Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick, near};
use crate::texts::Texts;

columns! {
    CHIP = "sensor_chip", Text;
    NAME = "sensor_name", Text;
    ORDER = "sensor_order", Level;
    FLAGS = "sensor_flags", Level;
    TEMPERATURE = "sensor_temperature_celsius", Float;
    HIGH = "sensor_high_celsius", Float;
    CRITICAL = "sensor_critical_celsius", Float;
}

/// Temperature sensors.
pub(crate) struct Sensors;

impl Kind for Sensors {
    type Row = Sensor;
    const AT: usize = 7;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Sensor, texts: &mut Texts) -> Key {
        [texts.number(0, row.chip.as_bytes()), texts.number(0, row.name.as_bytes()), 0, 0, 0, 0]
    }

    fn write(row: &Sensor, _: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(CHIP, texts.number(near(old, CHIP), row.chip.as_bytes()));
        new.set(NAME, texts.number(near(old, NAME), row.name.as_bytes()));
        new.flag(FLAGS, 0, row.high.is_some());
        new.flag(FLAGS, 1, row.critical.is_some());
        new.float(TEMPERATURE, row.temperature.0);
        new.float(HIGH, row.high.map_or(0.0, |high| high.0));
        new.float(CRITICAL, row.critical.map_or(0.0, |critical| critical.0));
        0
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, _: &Tick, texts: &Texts) -> Sensor {
        Sensor {
            name: texts.string(cells.get(NAME)),
            chip: texts.string(cells.get(CHIP)),
            temperature: Celsius(cells.float(TEMPERATURE)),
            high: cells.flag(FLAGS, 0).then(|| Celsius(cells.float(HIGH))),
            critical: cells.flag(FLAGS, 1).then(|| Celsius(cells.float(CRITICAL))),
        }
    }
}
