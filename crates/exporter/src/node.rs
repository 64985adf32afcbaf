//! The collectors, one file of upstream's name each. [`NODE`] lists them all: name, whether it runs unless told
//! otherwise, its flags, and what makes it.
//!
//! A collector knows nothing of threads, deadlines or logs: it reads, fills [`Metrics`] and says what went wrong.
//! What it found before it failed is kept, as upstream keeps it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use procyon_linux::attributes::{self, Attributes};
use procyon_linux::held::HeldFiles;
use procyon_linux::root::Root;

use crate::dbus::DbusError;
use crate::flags::{Flag, FlagError, Flags};
use crate::metric::Metrics;

mod arp;
mod bcache;
mod bcachefs;
mod bonding;
mod btrfs;
mod buddyinfo;
mod cgroups;
mod conntrack;
mod cpu;
mod cpu_vulnerabilities;
mod cpufreq;
mod diskstats;
mod dmi;
mod dmmultipath;
mod drbd;
mod drm;
mod edac;
mod entropy;
mod ethtool;
mod fibrechannel;
mod filefd;
mod filesystem;
mod hwmon;
mod infiniband;
mod interrupts;
mod ipvs;
mod kernel_hung;
mod ksmd;
mod lnstat;
mod loadavg;
mod logind;
mod mdadm;
mod meminfo;
mod meminfo_numa;
mod mountstats;
mod netclass;
mod netdev;
mod netstat;
mod network_route;
mod nfs;
mod nfsd;
mod ntp;
mod nvme;
mod nvmesubsystem;
mod os;
mod pcidevice;
mod perf;
mod powersupplyclass;
mod pressure;
mod processes;
mod qdisc;
mod rapl;
mod row;
mod runit;
mod schedstat;
mod selinux;
mod slabinfo;
mod sockstat;
mod softirqs;
mod softnet;
mod stat;
mod supervisord;
mod swap;
mod sysctl;
mod systemd;
mod tapestats;
mod tcpstat;
mod textfile;
mod thermal_zone;
mod time;
mod timex;
mod udp_queues;
mod uname;
mod vmstat;
mod watchdog;
mod wifi;
mod xfrm;
mod xfs;
mod zfs;
mod zoneinfo;

/// Why a collector did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// This machine has nothing of the kind. Counts as not successful, as it does upstream.
    #[error("nothing here: {0}")]
    Nothing(String),
    /// A file could not be read.
    #[error("could not read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file was read and says something unheard of.
    #[error("{path} does not read as {expected}")]
    Odd {
        /// Which file.
        path: PathBuf,
        /// What was expected in it.
        expected: &'static str,
    },
    /// The processes could not be read.
    #[error("{0}")]
    Processes(String),
    /// Who is asked over D-Bus did not answer.
    #[error(transparent)]
    Dbus(DbusError),
    /// The past could not be asked.
    #[error("history does not answer")]
    History(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A system call failed.
    #[error("{call} failed")]
    Call {
        /// Which call.
        call: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl CollectError {
    /// Whether there is nothing of the kind on this machine, which is no fault.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing(_) => true,
            Self::Read { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Dbus(error) => error.is_nothing(),
            Self::Odd { .. } | Self::Call { .. } | Self::Processes(_) | Self::History(_) => false,
        }
    }
}

/// What came of a collector.
pub type Outcome = Result<(), CollectError>;

/// One source of metrics.
pub trait Collector: Send + Sync {
    /// Reads what there is now. May block; it runs on a thread that may be given up.
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome;
}

/// Makes a collector from its flags.
pub type Make = fn(&Flags, &Places) -> Result<Box<dyn Collector>, FlagError>;

/// Makes a collector that has no flags.
#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
fn plain<C: Collector + Default + 'static>(_: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(C::default()))
}

/// A collector in the list.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name, as in `--collector.NAME`.
    pub name: &'static str,
    /// Whether it runs unless told otherwise.
    pub on: bool,
    /// Its own flags.
    pub flags: &'static [Flag],
    /// What makes it.
    pub make: Make,
}

impl Entry {
    const fn on(name: &'static str, flags: &'static [Flag], make: Make) -> Self {
        Self { name, on: true, flags, make }
    }

    const fn off(name: &'static str, flags: &'static [Flag], make: Make) -> Self {
        Self { name, on: false, flags, make }
    }
}

/// Every collector.
pub const NODE: &[Entry] = &[
    Entry::on("arp", arp::FLAGS, arp::make),
    Entry::on("bcache", bcache::FLAGS, bcache::make),
    Entry::on("bcachefs", &[], plain::<bcachefs::Bcachefs>),
    Entry::on("bonding", &[], plain::<bonding::Bonding>),
    Entry::on("btrfs", &[], plain::<btrfs::Btrfs>),
    Entry::off("buddyinfo", &[], plain::<buddyinfo::Buddyinfo>),
    Entry::off("cgroups", &[], plain::<cgroups::Cgroups>),
    Entry::on("conntrack", &[], plain::<conntrack::Conntrack>),
    Entry::on("cpu", cpu::FLAGS, cpu::make),
    Entry::off("cpu_vulnerabilities", &[], plain::<cpu_vulnerabilities::CpuVulnerabilities>),
    Entry::on("cpufreq", &[], plain::<cpufreq::Cpufreq>),
    Entry::on("diskstats", diskstats::FLAGS, diskstats::make),
    Entry::on("dmi", &[], plain::<dmi::Dmi>),
    Entry::on("dmmultipath", &[], plain::<dmmultipath::Dmmultipath>),
    Entry::off("drbd", &[], plain::<drbd::Drbd>),
    Entry::off("drm", &[], plain::<drm::Drm>),
    Entry::on("edac", &[], plain::<edac::Edac>),
    Entry::on("entropy", &[], plain::<entropy::Entropy>),
    Entry::off("ethtool", ethtool::FLAGS, ethtool::make),
    Entry::on("fibrechannel", &[], plain::<fibrechannel::Fibrechannel>),
    Entry::on("filefd", &[], plain::<filefd::Filefd>),
    Entry::on("filesystem", filesystem::FLAGS, filesystem::make),
    Entry::on("hwmon", hwmon::FLAGS, hwmon::make),
    Entry::on("infiniband", infiniband::FLAGS, infiniband::make),
    Entry::off("interrupts", interrupts::FLAGS, interrupts::make),
    Entry::on("ipvs", ipvs::FLAGS, ipvs::make),
    Entry::on("kernel_hung", &[], plain::<kernel_hung::KernelHung>),
    Entry::off("ksmd", &[], plain::<ksmd::Ksmd>),
    Entry::off("lnstat", &[], plain::<lnstat::Lnstat>),
    Entry::on("loadavg", &[], plain::<loadavg::Loadavg>),
    Entry::off("logind", &[], logind::make),
    Entry::on("mdadm", &[], plain::<mdadm::Mdadm>),
    Entry::on("meminfo", &[], plain::<meminfo::Meminfo>),
    Entry::off("meminfo_numa", &[], plain::<meminfo_numa::MeminfoNuma>),
    Entry::off("mountstats", &[], plain::<mountstats::Mountstats>),
    Entry::on("netclass", netclass::FLAGS, netclass::make),
    Entry::on("netdev", netdev::FLAGS, netdev::make),
    Entry::on("netstat", netstat::FLAGS, netstat::make),
    Entry::off("network_route", &[], plain::<network_route::NetworkRoute>),
    Entry::on("nfs", &[], plain::<nfs::Nfs>),
    Entry::on("nfsd", &[], plain::<nfsd::Nfsd>),
    Entry::off("ntp", ntp::FLAGS, ntp::make),
    Entry::on("nvme", &[], plain::<nvme::Nvme>),
    Entry::off("nvmesubsystem", &[], plain::<nvmesubsystem::Nvmesubsystem>),
    Entry::on("os", &[], plain::<os::Os>),
    Entry::off("pcidevice", pcidevice::FLAGS, pcidevice::make),
    Entry::off("perf", perf::FLAGS, perf::make),
    Entry::on("powersupplyclass", powersupplyclass::FLAGS, powersupplyclass::make),
    Entry::on("pressure", &[], plain::<pressure::Pressure>),
    Entry::off("process", &[], crate::process::make),
    Entry::off("processes", &[], plain::<processes::Processes>),
    Entry::off("qdisc", qdisc::FLAGS, qdisc::make),
    Entry::on("rapl", rapl::FLAGS, rapl::make),
    Entry::off("runit", runit::FLAGS, runit::make),
    Entry::on("schedstat", &[], plain::<schedstat::Schedstat>),
    Entry::on("selinux", &[], plain::<selinux::Selinux>),
    Entry::off("slabinfo", slabinfo::FLAGS, slabinfo::make),
    Entry::on("sockstat", &[], plain::<sockstat::Sockstat>),
    Entry::off("softirqs", &[], plain::<softirqs::Softirqs>),
    Entry::on("softnet", &[], plain::<softnet::Softnet>),
    Entry::on("stat", stat::FLAGS, stat::make),
    Entry::off("supervisord", supervisord::FLAGS, supervisord::make),
    Entry::off("swap", &[], plain::<swap::Swap>),
    Entry::off("sysctl", sysctl::FLAGS, sysctl::make),
    Entry::off("systemd", systemd::FLAGS, systemd::make),
    Entry::on("tapestats", tapestats::FLAGS, tapestats::make),
    Entry::off("tcpstat", &[], plain::<tcpstat::Tcpstat>),
    Entry::on("textfile", textfile::FLAGS, textfile::make),
    Entry::on("thermal_zone", &[], plain::<thermal_zone::ThermalZone>),
    Entry::on("time", &[], plain::<time::Time>),
    Entry::on("timex", &[], plain::<timex::Timex>),
    Entry::on("udp_queues", &[], plain::<udp_queues::UdpQueues>),
    Entry::on("uname", &[], plain::<uname::Uname>),
    Entry::on("vmstat", vmstat::FLAGS, vmstat::make),
    Entry::on("watchdog", &[], plain::<watchdog::Watchdog>),
    Entry::off("wifi", wifi::FLAGS, wifi::make),
    Entry::off("xfrm", &[], plain::<xfrm::Xfrm>),
    Entry::on("xfs", &[], plain::<xfs::Xfs>),
    Entry::on("zfs", &[], plain::<zfs::Zfs>),
    Entry::off("zoneinfo", &[], plain::<zoneinfo::Zoneinfo>),
];

/// Where the kernel's files are.
#[derive(Debug, Clone)]
pub struct Places {
    root: Root,
    files: Arc<HeldFiles>,
    rootfs: PathBuf,
    sysfs: PathBuf,
    udev: PathBuf,
}

/// The flags that say where the kernel's files are.
pub const FLAGS: &[Flag] = &[
    Flag::word("path.procfs", "/proc", "procfs mountpoint."),
    Flag::word("path.sysfs", "/sys", "sysfs mountpoint."),
    Flag::word("path.rootfs", "/", "rootfs mountpoint."),
    Flag::word("path.udev.data", "/run/udev/data", "udev data path."),
];

impl Places {
    /// From the flags.
    pub fn new(flags: &Flags) -> Self {
        let path = |name| PathBuf::from(flags.text(name));
        let (rootfs, sysfs) = (path("path.rootfs"), path("path.sysfs"));
        let root = Root::new(path("path.procfs"), sysfs.clone(), rootfs.clone());
        Self { files: Arc::new(HeldFiles::new(&root)), root, rootfs, sysfs, udev: path("path.udev.data") }
    }

    /// This machine, with procfs at this place.
    pub(crate) fn with_procfs(procfs: &str) -> Self {
        let (rootfs, sysfs) = (PathBuf::from("/"), PathBuf::from("/sys"));
        let root = Root::new(procfs.into(), sysfs.clone(), rootfs.clone());
        Self { files: Arc::new(HeldFiles::new(&root)), root, rootfs, sysfs, udev: "/run/udev/data".into() }
    }

    /// The roots for readers of `procyon-linux`.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Where the file system is.
    pub fn rootfs(&self) -> &Path {
        &self.rootfs
    }

    /// Where sysfs is.
    pub fn sysfs(&self) -> &Path {
        &self.sysfs
    }

    /// What udev knows.
    pub fn udev(&self) -> &Path {
        &self.udev
    }

    /// The files that stay open between scrapes.
    pub(crate) fn files(&self) -> &HeldFiles {
        &self.files
    }

    /// A file of procfs, whole.
    pub(crate) fn proc(&self, path: &str) -> Result<Vec<u8>, CollectError> {
        let path = self.root.proc(path);
        let mut text = Vec::new();
        match self.files.read_into(&path, &mut text) {
            Ok(()) => Ok(text),
            Err(source) => Err(CollectError::Read { path, source }),
        }
    }

    /// A file of procfs as text; bytes that are not UTF-8 become replacement characters.
    pub(crate) fn proc_text(&self, path: &str) -> Result<String, CollectError> {
        self.proc(path).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// A number that fills a file of procfs.
    pub(crate) fn proc_number(&self, path: &str) -> Result<f64, CollectError> {
        let text = self.proc_text(path)?;
        text.trim().parse().map_err(|_| self.odd(path, "one number"))
    }

    /// A file of procfs that says something unheard of.
    pub(crate) fn odd(&self, path: &str, expected: &'static str) -> CollectError {
        CollectError::Odd { path: self.root.proc(path), expected }
    }

    /// A folder of sysfs.
    pub(crate) fn sys(&self, path: impl AsRef<Path>) -> Attributes {
        Attributes::held(self.root.sys(path), Arc::clone(&self.files))
    }

    /// The devices of a class of sysfs: names and folders, sorted.
    pub(crate) fn devices(&self, path: &str) -> Result<Vec<(Box<str>, Attributes)>, CollectError> {
        let folder = self.root.sys(path);
        attributes::devices(&folder, &self.files).map_err(|source| CollectError::Read { path: folder, source })
    }
}

/// How long a collector may talk to another program: a little less than its deadline, past which all that it found is lost.
pub(crate) fn patience(flags: &Flags) -> Result<Duration, FlagError> {
    flags.duration("collector.deadline").map(|deadline| deadline.mul_f64(0.9))
}

/// A file, whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CollectError> {
    attributes::read(path).map_err(|source| CollectError::Read { path: path.to_owned(), source })
}

/// A count as a sample: 64 bits of which 53 are kept, as everywhere in Prometheus.
#[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// 1 for true.
pub(crate) const fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}

/// A name with everything that a metric's name may not hold turned into underscores.
pub(crate) fn clean(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' }).collect()
}

/// A word as a number; none where it is none.
pub(crate) fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}
