//! What the options say about collecting, for the collector.

use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config, LocalInspect, Mounts, StartError};
use procyon_diag::{Fault, Kind};
use procyon_linux::privilege::held::Capability;
use procyon_model::inspect::Inspect;
use procyon_model::{Frame, HostId};
use procyon_units::SystemClock;

use crate::cli::VERSION;
use crate::options::{Settings, Source};
use crate::{pause, privilege, probe};

/// The collector's options.
pub(crate) fn config(settings: &Settings) -> Config {
    let collect = &settings.collect;
    Config {
        root: probe::root(settings),
        source: match collect.source {
            Source::Auto => procyon_collect::Source::Auto,
            Source::Ebpf => procyon_collect::Source::Ebpf,
            Source::Procfs => procyon_collect::Source::Procfs,
        },
        interval: collect.interval,
        connections: collect.connections,
        filesystems: collect.filesystems,
        mounts: mounts(settings),
        users: collect.users,
        containers: collect.containers,
        pss_budget: collect.pss_budget.0,
        slow_budget: collect.slow_budget.0,
        ceiling: collect.ceiling.0,
        version: VERSION.into(),
        label: settings.label.template.as_deref().map(Box::from),
        mask_patterns: settings.mask.patterns.clone(),
        strip_args: settings.mask.strip_args,
    }
}

/// Which file systems are looked at, by the monitor as by the probes.
pub(crate) fn mounts(settings: &Settings) -> Mounts {
    Mounts::new(&settings.collect.skip_mounts, settings.collect.smallest_filesystem)
}

/// A collector that works for one command and says why when it cannot.
pub(crate) fn once(settings: &Settings, id: HostId) -> Result<Collector, Fault> {
    // Nobody waits for the next tick, so the slow lanes may take what they need to fill every column at once. File systems
    // are in no column, and a dead one could keep the command from ending.
    // To put a program into the kernel costs more than reading procfs twice.
    let source = match config(settings).source {
        procyon_collect::Source::Auto => procyon_collect::Source::Procfs,
        chosen => chosen,
    };
    let config = Config {
        source,
        pss_budget: 1.0,
        slow_budget: 1.0,
        ceiling: 1.0,
        filesystems: Duration::MAX,
        ..config(settings)
    };
    start(&config, id)
}

/// A collector with these options.
pub(crate) fn start(config: &Config, id: HostId) -> Result<Collector, Fault> {
    Collector::new(config, id, Arc::new(SystemClock)).map_err(|error| {
        let hint = match &error {
            StartError::Source(why) if why.is_refusal() => format!(
                "{}; or let it fall back to procfs with `--source auto`",
                privilege::grant(&[Capability::Bpf, Capability::Perfmon])
            ),
            StartError::Source(_) => "let it fall back to procfs with `--source auto`".to_owned(),
            _ => "is procfs mounted? `mount -t proc proc /proc`; another place is named with `--proc-root`".to_owned(),
        };
        Fault::new(Kind::Failed, procyon_diag::message_of(&error)).hint(hint)
    })
}

/// One reading of the machine.
pub(crate) fn tick(collector: &mut Collector) -> Result<Arc<Frame>, Fault> {
    collector.tick().map_err(|error| Fault::new(Kind::Failed, procyon_diag::message_of(&error)))
}

/// Two readings so far apart, so that the second one has rates.
pub(crate) fn twice(collector: &mut Collector, apart: Duration) -> Result<Arc<Frame>, Fault> {
    let began = pause::now();
    tick(collector)?;
    pause::rest(began, apart);
    tick(collector)
}

/// Reads details of one process when somebody looks at it.
pub(crate) fn inspect(config: &Config) -> Result<Arc<dyn Inspect>, Fault> {
    match LocalInspect::new(&config.root) {
        Ok(inspect) => Ok(Arc::new(inspect)),
        Err(error) => Err(Fault::new(Kind::Failed, procyon_diag::message_of(&error))),
    }
}
