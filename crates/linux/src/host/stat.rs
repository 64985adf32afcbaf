//! `/proc/stat`: processor time by mode, interrupts, switches, forks.

use std::time::Duration;

use procyon_units::{Cores, CpuTime, Reading, Ticks, Wall};

use crate::file;
use crate::root::Root;
use crate::text::{lines, number, words};

/// Time since boot by mode. Source: `/proc/stat` lines `cpu` and `cpuN`, clock ticks.
///
/// The kernel counts guest time twice, in `guest` and in `user` (`account_guest_time`, kernel/sched/cputime.c);
/// here it is taken out of `user` and `nice`, so that the modes add up to all time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// Programs, virtual machines apart.
    pub user: CpuTime,
    /// Programs with lowered priority, virtual machines apart.
    pub nice: CpuTime,
    /// The kernel for programs.
    pub system: CpuTime,
    /// Nothing to do.
    pub idle: CpuTime,
    /// Nothing to do while a disk works; a hint only, the kernel says so itself.
    pub iowait: CpuTime,
    /// Hardware interrupts.
    pub irq: CpuTime,
    /// Software interrupts.
    pub softirq: CpuTime,
    /// Taken by the hypervisor for others. Since 2.6.11.
    pub steal: CpuTime,
    /// Virtual machines. Since 2.6.24.
    pub guest: CpuTime,
    /// Virtual machines with lowered priority. Since 2.6.33.
    pub guest_nice: CpuTime,
}

impl CpuTimes {
    /// Every mode but idle, iowait and steal.
    #[must_use]
    pub fn busy(&self) -> CpuTime {
        [self.user, self.nice, self.system, self.irq, self.softirq, self.guest, self.guest_nice].into_iter().sum()
    }

    /// All modes.
    #[must_use]
    pub fn all(&self) -> CpuTime {
        [self.busy(), self.idle, self.iowait, self.steal].into_iter().sum()
    }

    /// What was added since `earlier`. A mode that went backwards counts as zero: `iowait` and `idle` of one core
    /// may do so, and a core that was switched off starts again.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            user: self.user.since(earlier.user),
            nice: self.nice.since(earlier.nice),
            system: self.system.since(earlier.system),
            idle: self.idle.since(earlier.idle),
            iowait: self.iowait.since(earlier.iowait),
            irq: self.irq.since(earlier.irq),
            softirq: self.softirq.since(earlier.softirq),
            steal: self.steal.since(earlier.steal),
            guest: self.guest.since(earlier.guest),
            guest_nice: self.guest_nice.since(earlier.guest_nice),
        }
    }

    fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut ticks = words.map_while(number).map(|ticks| Ticks(ticks).cpu_time());
        let (user, nice) = (ticks.next()?, ticks.next()?);
        let (system, idle) = (ticks.next()?, ticks.next()?);
        let mut next = || ticks.next().unwrap_or_default();
        let (iowait, irq, softirq, steal) = (next(), next(), next(), next());
        let (guest, guest_nice) = (next(), next());
        let (user, nice) = (user.since(guest), nice.since(guest_nice));
        Some(Self { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice })
    }
}

/// Software interrupts since boot, by kind in the kernel's order. Source: line `softirq`, less its first number, which is
/// their sum. Empty where the line is missing (before 2.6.31).
#[must_use]
pub fn softirqs(text: &[u8]) -> Vec<u64> {
    let line = lines(text).find_map(|line| line.strip_prefix(b"softirq "));
    line.map(|line| words(line).skip(1).map_while(number).collect()).unwrap_or_default()
}

/// Processors that were busy: cores × wall − idle − iowait − steal, over the wall time, never below zero.
///
/// This is what the books are balanced against. It differs from the sum of the busy modes where ticks were lost.
/// `grown` is [`CpuTimes::since`] of the line `cpu`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of cores and seconds are small")]
pub fn busy_cores(grown: &CpuTimes, cores: usize, wall: Duration) -> Cores {
    let wall = wall.as_secs_f64();
    if wall <= 0.0 {
        return Cores(0.0);
    }
    let idle = [grown.idle, grown.iowait, grown.steal].into_iter().sum::<CpuTime>();
    Cores((cores as f64 - idle.seconds() / wall).max(0.0))
}

/// One core's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CoreTimes {
    /// Its number; cores that are switched off leave gaps.
    pub id: u32,
    /// Its time.
    pub times: CpuTimes,
}

/// What `/proc/stat` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stat {
    /// All cores together, those that were switched off since boot included.
    pub total: CpuTimes,
    /// Each core that is online.
    pub cores: Vec<CoreTimes>,
    /// Interrupts since boot. Field `intr`, first number.
    pub interrupts: Reading<u64>,
    /// Context switches since boot. Field `ctxt`.
    pub context_switches: Reading<u64>,
    /// When the machine started, to the second. Field `btime`; moves when the clock is set.
    pub boot_time: Reading<Wall>,
    /// Processes and threads made since boot. Field `processes`.
    pub forks: Reading<u64>,
    /// Runnable threads. Field `procs_running`.
    pub running: Reading<u64>,
    /// Threads that wait for a disk. Field `procs_blocked`.
    pub blocked: Reading<u64>,
}

/// Parses the file; none without its first line.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Stat> {
    let mut stat = Stat {
        interrupts: Reading::Unsupported,
        context_switches: Reading::Unsupported,
        boot_time: Reading::Unsupported,
        forks: Reading::Unsupported,
        running: Reading::Unsupported,
        blocked: Reading::Unsupported,
        ..Stat::default()
    };
    let mut total = None;
    for line in lines(text) {
        let mut words = words(line);
        let Some(name) = words.next() else { continue };
        let mut first = |slot: &mut Reading<u64>| {
            if let Some(value) = words.next().and_then(number) {
                *slot = Reading::Known(value);
            }
        };
        match name {
            b"cpu" => total = CpuTimes::parse(words),
            b"intr" => first(&mut stat.interrupts),
            b"ctxt" => first(&mut stat.context_switches),
            b"processes" => first(&mut stat.forks),
            b"procs_running" => first(&mut stat.running),
            b"procs_blocked" => first(&mut stat.blocked),
            b"btime" => {
                let mut seconds = Reading::Unsupported;
                first(&mut seconds);
                stat.boot_time = seconds.map(|s| Wall(i64::try_from(s).unwrap_or(0).saturating_mul(1_000_000_000)));
            }
            _ => {
                let id = name.strip_prefix(b"cpu").and_then(number).and_then(|id| u32::try_from(id).ok());
                if let (Some(id), Some(times)) = (id, CpuTimes::parse(words)) {
                    stat.cores.push(CoreTimes { id, times });
                }
            }
        }
    }
    stat.total = total?;
    Some(stat)
}

/// Reads `/proc/stat`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Stat> {
    file::read_with(&root.proc("stat"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(n: u64) -> CpuTime {
        Ticks(n).cpu_time()
    }

    #[test]
    fn guest_time_is_counted_once() {
        let stat =
            parse(b"cpu  100 50 30 1000 20 1 2 3 60 5\ncpu0 100 50 30 1000 20 1 2 3 60 5\nintr 77 1 2\n").unwrap();
        assert_eq!(stat.total.user, ticks(40));
        assert_eq!(stat.total.nice, ticks(45));
        assert_eq!(stat.total.all(), ticks(100 + 50 + 30 + 1000 + 20 + 1 + 2 + 3));
        assert_eq!(stat.total.busy(), ticks(100 + 50 + 30 + 1 + 2));
        assert_eq!(stat.interrupts, Reading::Known(77));
        assert_eq!(stat.forks, Reading::Unsupported);
    }

    #[test]
    fn a_kernel_with_four_modes_is_read() {
        let stat = parse(b"cpu 1 2 3 4\ncpu3 1 2 3 4\n").unwrap();
        assert_eq!(stat.total.steal, CpuTime(0));
        assert_eq!(stat.cores.first().map(|core| core.id), Some(3));
    }

    #[test]
    fn iowait_that_goes_backwards_adds_nothing() {
        let before = parse(b"cpu 1 2 3 4 50\n").unwrap().total;
        let after = parse(b"cpu 11 2 3 4 48\n").unwrap().total;
        assert_eq!(after.since(&before).all(), ticks(10));
    }

    #[test]
    fn busy_is_what_is_left_of_the_wall_time() {
        let grown =
            CpuTimes { user: ticks(90), idle: ticks(60), iowait: ticks(20), steal: ticks(10), ..CpuTimes::default() };
        let busy = busy_cores(&grown, 2, Duration::from_secs(1));
        assert!((busy.0 - 1.1).abs() < 1e-9, "{busy:?}");
    }
}
