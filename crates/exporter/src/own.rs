//! What the exporter says of itself: `process_*`, `promhttp_*`, `node_exporter_build_info`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use procyon_linux::held::HeldFiles;
use procyon_linux::own::{clock_ticks_per_second, page_size};
use procyon_linux::root::Root;
use rustix::process::{Resource, getrlimit};

use crate::metric::Metrics;
use crate::node::float;

/// In whose place we stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// node_exporter's.
    Node,
    /// process-exporter's.
    Process,
}

impl Face {
    /// Where it listens unless told otherwise.
    pub const fn address(self) -> &'static str {
        match self {
            Self::Node => ":9100",
            Self::Process => ":9256",
        }
    }

    /// Its name on the first page.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Node => "Node Exporter",
            Self::Process => "Process Exporter",
        }
    }
}

/// Counts of requests.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) in_flight: AtomicU64,
    pub(crate) ok: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) encoding_errors: AtomicU64,
}

impl Requests {
    /// Adds `promhttp_*`.
    pub(crate) fn report(&self, gathering_errors: u64, out: &mut Metrics) {
        let read = |counter: &AtomicU64| float(counter.load(Ordering::Relaxed));
        let name = "promhttp_metric_handler_errors_total";
        let help = "Total number of internal errors encountered by the promhttp metric handler.";
        out.counter(name, help, &[("cause", "encoding")], read(&self.encoding_errors));
        out.counter(name, help, &[("cause", "gathering")], float(gathering_errors));
        let (name, help) = ("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.");
        out.gauge(name, help, &[], read(&self.in_flight));
        let name = "promhttp_metric_handler_requests_total";
        let help = "Total number of scrapes by HTTP status code.";
        out.counter(name, help, &[("code", "200")], read(&self.ok));
        out.counter(name, help, &[("code", "500")], read(&self.failed));
        out.counter(name, help, &[("code", "503")], read(&self.refused));
    }
}

/// Adds `node_exporter_build_info`, or process-exporter's; dashboards join on it.
pub(crate) fn build(face: Face, version: &str, out: &mut Metrics) {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let (name, help) = match face {
        Face::Node => (
            "node_exporter_build_info",
            "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
        ),
        Face::Process => (
            "process_exporter_build_info",
            "A metric with a constant '1' value labeled by version, revision, branch, goversion from which process_exporter was built, and the goos and goarch for the build.",
        ),
    };
    out.gauge(
        name,
        help,
        &[
            ("branch", ""),
            ("goarch", arch),
            ("goos", "linux"),
            ("goversion", ""),
            ("revision", ""),
            ("tags", "procyon"),
            ("version", version),
        ],
        1.0,
    );
}

/// When this process started: the same at every scrape, and `/proc/stat` is dear on large machines.
static START: OnceLock<Option<f64>> = OnceLock::new();

/// Adds `process_*` of this process, always from the live procfs. Where it cannot be read they are missing.
pub(crate) fn process(files: &HeldFiles, out: &mut Metrics) {
    let root = Root::live();
    let mut stat = Vec::new();
    if files.read_into(&root.proc("self/stat"), &mut stat).is_err() {
        stat.clear();
    }
    let text = String::from_utf8_lossy(&stat);
    // The name may hold anything; the last parenthesis ends it.
    let fields: Vec<f64> = text
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0.0)).collect())
        .unwrap_or_default();
    // Numbered as in proc(5), of which the first three are gone.
    let field = |number: usize| fields.get(number - 4).copied();
    let ticks = float(clock_ticks_per_second());
    if let (Some(user), Some(system)) = (field(14), field(15)) {
        let help = "Total user and system CPU time spent in seconds.";
        out.counter("process_cpu_seconds_total", help, &[], (user + system) / ticks);
    }
    if let (Some(size), Some(resident)) = (field(23), field(24)) {
        let help = "Resident memory size in bytes.";
        out.gauge("process_resident_memory_bytes", help, &[], resident * float(page_size()));
        out.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", &[], size);
    }
    let started = || {
        let boot = procyon_linux::host::stat::read(&root, &mut Vec::new());
        let boot = boot.get()?.boot_time.get()?.0;
        #[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
        let boot = boot as f64 / 1e9;
        Some(boot + field(22)? / ticks)
    };
    if let Some(start) = *START.get_or_init(started) {
        let help = "Start time of the process since unix epoch in seconds.";
        out.gauge("process_start_time_seconds", help, &[], start);
    }
    let limit = |resource| getrlimit(resource).current.map_or(float(u64::MAX), float);
    out.gauge("process_max_fds", "Maximum number of open file descriptors.", &[], limit(Resource::Nofile));
    let help = "Maximum amount of virtual memory available in bytes.";
    out.gauge("process_virtual_memory_max_bytes", help, &[], limit(Resource::As));
    if let Some(count) = open_files(&root) {
        out.gauge("process_open_fds", "Number of open file descriptors.", &[], float(count));
    }
    network(&root, files, out);
}

fn open_files(root: &Root) -> Option<u64> {
    // By `self`: where procfs is that of another pid namespace, our number is somebody else's.
    let folder = root.proc("self/fd");
    // The size of the folder since Linux 6.2.
    let counted = std::fs::metadata(&folder).ok()?.len();
    if counted > 0 {
        return Some(counted);
    }
    // Without the one that lists.
    u64::try_from(std::fs::read_dir(&folder).ok()?.count().saturating_sub(1)).ok()
}

/// Octets of the network namespace, which client_golang takes for those of the process.
fn network(root: &Root, files: &HeldFiles, out: &mut Metrics) {
    let mut text = Vec::new();
    if files.read_into(&root.proc("self/net/netstat"), &mut text).is_err() {
        return;
    }
    let tables = procyon_linux::net::snmp::parse(&text);
    let read = |field: &str| {
        let (_, _, value) = tables.iter().find(|(table, name, _)| *table == "IpExt" && *name == field)?;
        value.parse::<f64>().ok()
    };
    if let (Some(received), Some(sent)) = (read("InOctets"), read("OutOctets")) {
        let help = "Number of bytes received by the process over the network.";
        out.counter("process_network_receive_bytes_total", help, &[], received);
        let help = "Number of bytes sent by the process over the network.";
        out.counter("process_network_transmit_bytes_total", help, &[], sent);
    }
}
