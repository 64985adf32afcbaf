//! The hot path allocates nothing for each process: twice the processes, the same number of allocations.

use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config};
use procyon_model::key::HostId;
use procyon_testkit::Workload;
use procyon_units::SystemClock;

/// Allocations of one tick in the steady state: the least of several, because births on the machine cost some.
fn allocations_of_a_tick() -> (u64, usize) {
    let config =
        Config { slow_budget: 0.0, pss_budget: 0.0, connections: Duration::from_hours(1), ..Config::default() };
    let mut collector = Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap();
    for _ in 0..4 {
        collector.tick().unwrap();
    }
    let mut processes = 0;
    let counts = (0..8)
        .map(|_| allocation_counter::measure(|| processes = collector.tick().unwrap().processes.len()).count_total);
    (counts.min().unwrap(), processes)
}

#[test]
fn a_tick_allocates_nothing_per_process() {
    let (few, before) = allocations_of_a_tick();
    let more: Vec<Workload> = (0..200).map(|_| Workload::start(&["idle"])).collect();
    let (many, after) = allocations_of_a_tick();
    assert!(after >= before + 190, "{before} processes, then {after}");
    drop(more);
    // The machine's own files may list more disks or sensors from one tick to the next, hence the slack.
    assert!(many <= few + 20, "{few} allocations with {before} processes, {many} with {after}");
}
