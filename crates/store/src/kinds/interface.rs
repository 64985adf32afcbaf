//! Network interfaces.

use procyon_model::machine::{Interface, InterfaceRates};
use procyon_units::{Bytes, PerSecond, Reading};

use crate::column::Shape::{Counter, Float, Level, Text};
use crate::column::{ALL_GROUPS, Cells, Fill, columns};
use crate::kinds::disk::rate;
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{code, reading};
use crate::texts::Texts;

columns! {
    NAME = "interface_name", Text;
    ORDER = "interface_order", Level;
    STATE = "interface_state", Text;
    KIND = "interface_kind", Text;
    ADDRESS = "interface_address", Text;
    READINGS = "interface_readings", Level;
    SPEED = "interface_speed_bits_per_second", Level;
    MTU = "interface_mtu_bytes", Level;
    RECEIVED = "interface_receive_bytes", Counter(0);
    SENT = "interface_transmit_bytes", Counter(0);
    RATE_RECEIVED = "interface_receive_bytes_per_second", Float;
    RATE_SENT = "interface_transmit_bytes_per_second", Float;
    RECEIVED_PACKETS = "interface_receive_packets_per_second", Float;
    SENT_PACKETS = "interface_transmit_packets_per_second", Float;
    RECEIVE_ERRORS = "interface_receive_errors_per_second", Float;
    SEND_ERRORS = "interface_transmit_errors_per_second", Float;
    RECEIVE_DROPS = "interface_receive_drops_per_second", Float;
    SEND_DROPS = "interface_transmit_drops_per_second", Float;
    /// Which of the six before hold what came in the frame, and not what comes each second.
    COUNTS_OF = "interface_counted", Level;
}

/// Codes in [`READINGS`]: speed, packet size, rates, and whether bytes each second follow from growth (0) or not (1).
const RATES: u32 = 2;
const BYTES: u32 = 3;

/// Network interfaces.
pub(crate) struct Interfaces;

impl Kind for Interfaces {
    type Row = Interface;
    const AT: usize = 5;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Interface, texts: &mut Texts) -> Key {
        [texts.number(0, row.name.as_bytes()), 0, 0, 0, 0, 0]
    }

    fn write(row: &Interface, tick: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(NAME, texts.number(near(old, NAME), row.name.as_bytes()));
        new.set(STATE, texts.number(near(old, STATE), row.state.as_bytes()));
        new.set(KIND, texts.number(near(old, KIND), row.kind.as_bytes()));
        new.set(ADDRESS, texts.number(near(old, ADDRESS), row.address.as_bytes()));
        new.code(READINGS, 0, code(&row.speed));
        new.code(READINGS, 1, code(&row.mtu));
        new.code(READINGS, RATES, code(&row.rates));
        new.count(SPEED, row.speed.get().copied().unwrap_or(0));
        new.count(MTU, row.mtu.get().copied().unwrap_or(0));
        new.count(RECEIVED, row.received_total.0);
        new.count(SENT, row.sent_total.0);
        let start = if old.is_some() && tick.follows { 0 } else { ALL_GROUPS };
        if let Reading::Known(rates) = &row.rates {
            new.rate(RECEIVED_PACKETS, (COUNTS_OF, 0), rates.received_packets.0, (1.0, tick));
            new.rate(SENT_PACKETS, (COUNTS_OF, 1), rates.sent_packets.0, (1.0, tick));
            new.rate(RECEIVE_ERRORS, (COUNTS_OF, 2), rates.receive_errors.0, (1.0, tick));
            new.rate(SEND_ERRORS, (COUNTS_OF, 3), rates.send_errors.0, (1.0, tick));
            new.rate(RECEIVE_DROPS, (COUNTS_OF, 4), rates.receive_drops.0, (1.0, tick));
            new.rate(SEND_DROPS, (COUNTS_OF, 5), rates.send_drops.0, (1.0, tick));
            let derived = old.filter(|_| start == 0).map(|old| {
                let rate = |place| rate(new.get(place).wrapping_sub(old.get(place)), tick);
                (rate(RECEIVED), rate(SENT))
            });
            if derived != Some((Some(rates.received), Some(rates.sent))) {
                new.code(READINGS, BYTES, 1);
                new.float(RATE_RECEIVED, rates.received.0);
                new.float(RATE_SENT, rates.sent.0);
            }
        }
        start
    }

    fn read(cells: Cells<'_>, grown: Cells<'_>, tick: &Tick, texts: &Texts) -> Interface {
        let bytes = |counter, place| match cells.code(READINGS, BYTES) {
            0 => rate(grown.get(counter), tick).unwrap_or_default(),
            _ => PerSecond(cells.float(place)),
        };
        let float = |place, bit| PerSecond(cells.rate(place, (COUNTS_OF, bit), (1.0, tick)));
        Interface {
            name: texts.string(cells.get(NAME)),
            state: texts.string(cells.get(STATE)),
            kind: texts.string(cells.get(KIND)),
            address: texts.string(cells.get(ADDRESS)),
            speed: reading(cells.code(READINGS, 0), || cells.count(SPEED)),
            mtu: reading(cells.code(READINGS, 1), || cells.count(MTU)),
            received_total: Bytes(cells.count(RECEIVED)),
            sent_total: Bytes(cells.count(SENT)),
            rates: reading(cells.code(READINGS, RATES), || InterfaceRates {
                received: bytes(RECEIVED, RATE_RECEIVED),
                sent: bytes(SENT, RATE_SENT),
                received_packets: float(RECEIVED_PACKETS, 0),
                sent_packets: float(SENT_PACKETS, 1),
                receive_errors: float(RECEIVE_ERRORS, 2),
                send_errors: float(SEND_ERRORS, 3),
                receive_drops: float(RECEIVE_DROPS, 4),
                send_drops: float(SEND_DROPS, 5),
            }),
        }
    }
}
