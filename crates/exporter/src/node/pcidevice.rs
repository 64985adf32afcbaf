//! `pcidevice`: devices on the PCI bus (`/sys/bus/pci/devices`).

mod ids;

use procyon_linux::attributes::Attributes;

use super::{Collector, FlagError, Flags, Outcome, Places, flag, float};
use crate::flags::Flag;
use crate::metric::Metrics;
use ids::Ids;

const NAMES: &str = "collector.pcidevice.names";
const FILE: &str = "collector.pcidevice.idsfile";

pub(super) const FLAGS: &[Flag] = &[
    Flag::off(NAMES, "Enable PCI device name resolution (requires pci.ids file)."),
    Flag::word(FILE, "", "Path to pci.ids file to use for PCI device identification."),
];

struct Pcidevice {
    ids: Option<Ids>,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Pcidevice { ids: flags.is_on(NAMES).then(|| Ids::load(flags.text(FILE))) }))
}

impl Collector for Pcidevice {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (location, folder) in at.devices("bus/pci/devices")? {
            if let Some(own) = Location::parse(&location) {
                self.info(&own, &folder, out);
                link(&own, &folder, out);
                state(&own, &folder, out);
            }
        }
        Ok(())
    }
}

/// `0000:01:00.0`: segment, bus, device, function, as they are written.
struct Location<'a>([&'a str; 4]);

impl<'a> Location<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split([':', '.']);
        let all = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let is_hex = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        (parts.next().is_none() && all.iter().all(is_hex)).then_some(Self(all))
    }

    fn labels(&self) -> [(&'static str, &'a str); 4] {
        let [segment, bus, device, function] = self.0;
        [("segment", segment), ("bus", bus), ("device", device), ("function", function)]
    }
}

impl Pcidevice {
    fn info(&self, own: &Location<'_>, folder: &Attributes, out: &mut Metrics) {
        // The folder above, where links lead, is the bridge.
        let path = folder.real_path().unwrap_or_default();
        let above = path.parent().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let parent = Location::parse(&above).map_or(["*"; 4], |parent| parent.0);
        let hex = |file: &str, digits: usize| format!("0x{:0digits$x}", folder.number(file).unwrap_or(0));
        let values = [
            hex("class", 6),
            hex("vendor", 4),
            hex("device", 4),
            hex("subsystem_vendor", 4),
            hex("subsystem_device", 4),
            hex("revision", 2),
        ];
        let names = ["class_id", "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id", "revision"];
        let parents = ["parent_segment", "parent_bus", "parent_device", "parent_function"];
        let mut labels = own.labels().to_vec();
        labels.extend(parents.into_iter().zip(parent));
        labels.extend(names.into_iter().zip(values.iter().map(String::as_str)));
        let [class, vendor, device, subsystem_vendor, subsystem_device, _] = &values;
        if let Some(ids) = &self.ids {
            labels.extend([
                ("vendor_name", ids.vendor(vendor)),
                ("device_name", ids.device(vendor, device)),
                ("subsystem_vendor_name", ids.vendor(subsystem_vendor)),
                ("subsystem_device_name", ids.subsystem(vendor, device, subsystem_vendor, subsystem_device)),
                ("class_name", ids.class(class)),
            ]);
        }
        let help = "Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.";
        out.gauge("node_pcidevice_info", help, &labels, 1.0);
    }
}

fn link(own: &Location<'_>, folder: &Attributes, out: &mut Metrics) {
    let labels = own.labels();
    // `8.0 GT/s PCIe`, or `Unknown`.
    let speed = |file: &str| {
        let text = folder.text(file)?;
        text.split_whitespace().next()?.parse::<f64>().ok().map(|speed| speed * 1e9)
    };
    let width = |file: &str| folder.number(file).map_or(-1.0, float);
    let help = "Value of maximum link's transfers per second (T/s)";
    let value = speed("max_link_speed").unwrap_or(-1.0);
    out.gauge("node_pcidevice_max_link_transfers_per_second", help, &labels, value);
    let help = "Value of maximum link's width (number of lanes)";
    out.gauge("node_pcidevice_max_link_width", help, &labels, width("max_link_width"));
    let help = "Value of current link's transfers per second (T/s)";
    let value = speed("current_link_speed").unwrap_or(-1.0);
    out.gauge("node_pcidevice_current_link_transfers_per_second", help, &labels, value);
    let help = "Value of current link's width (number of lanes)";
    out.gauge("node_pcidevice_current_link_width", help, &labels, width("current_link_width"));
}

const POWER_STATES: [&str; 7] = ["D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"];

fn state(own: &Location<'_>, folder: &Attributes, out: &mut Metrics) {
    let labels = own.labels();
    let number = |file: &str| folder.number(file).map_or(0.0, float);
    let help = "Whether the PCIe device supports D3cold power state (0/1).";
    out.gauge("node_pcidevice_d3cold_allowed", help, &labels, number("d3cold_allowed"));
    let help = "Whether SR-IOV drivers autoprobe is enabled for the device (0/1).";
    out.gauge("node_pcidevice_sriov_drivers_autoprobe", help, &labels, number("sriov_drivers_autoprobe"));
    let help = "Number of Virtual Functions (VFs) currently enabled for SR-IOV.";
    out.gauge("node_pcidevice_sriov_numvfs", help, &labels, number("sriov_numvfs"));
    let help = "Total number of Virtual Functions (VFs) supported by the device.";
    out.gauge("node_pcidevice_sriov_totalvfs", help, &labels, number("sriov_totalvfs"));
    let help = "Total number of MSI-X vectors for Virtual Functions.";
    out.gauge("node_pcidevice_sriov_vf_total_msix", help, &labels, number("sriov_vf_total_msix"));
    if let Some(current) = folder.text("power_state") {
        for state in POWER_STATES {
            let [segment, bus, device, function] = labels;
            let help = "PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.";
            let labels = [segment, bus, device, function, ("state", state)];
            out.gauge("node_pcidevice_power_state", help, &labels, flag(state == current));
        }
    }
    // Machines with one node say -1.
    if let Some(node) = folder.number("numa_node") {
        let help = "NUMA node number for the PCI device. -1 indicates unknown or not available.";
        out.gauge("node_pcidevice_numa_node", help, &labels, float(node));
    }
}
