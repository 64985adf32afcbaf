use std::time::Duration;

use procyon_model::process::{Io, Rates};
use procyon_model::rates::{between, since_birth};
use procyon_units::{Bytes, CpuTime, PerSecond, Reading};

use crate::rows::row;

#[test]
fn a_figure_that_was_forbidden_at_one_tick_has_no_rate() {
    let mut earlier = row(1, 0, "x", 0);
    let mut later = earlier.clone();
    later.io = Reading::Known(Io { read: Bytes(4096), ..Io::default() });
    assert_eq!(between(&earlier, &later, Duration::from_secs(1)).io, Reading::Pending);
    earlier.io = Reading::Known(Io { read: Bytes(1024), ..Io::default() });
    let rates = between(&earlier, &later, Duration::from_secs(2)).io;
    assert_eq!(rates.get().unwrap().read, PerSecond(1536.0));
    later.io = Reading::Forbidden;
    assert_eq!(between(&earlier, &later, Duration::from_secs(1)).io, Reading::Forbidden);
}

#[test]
fn what_a_newborn_did_belongs_to_the_tick_of_its_birth() {
    let mut born = row(1, 0, "x", 0);
    born.cpu.user = CpuTime(250_000_000);
    let rates: Rates = since_birth(&born, Duration::from_millis(500));
    assert!((rates.cpu().unwrap().0 - 0.5).abs() < 1e-9);
}
