//! `dmi`: what the firmware says of the machine (`/sys/class/dmi/id`).

use super::{CollectError, Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Dmi;

/// Labels and files; serial numbers are for root alone and then missing.
const LABELS: [(&str, &str); 20] = [
    ("bios_date", "bios_date"),
    ("bios_release", "bios_release"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_family", "product_family"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_sku", "product_sku"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

impl Collector for Dmi {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let folder = at.sys("class/dmi/id");
        if !folder.is_present() {
            return Err(CollectError::Nothing("the firmware tells nothing".to_owned()));
        }
        let values: Vec<_> = LABELS.iter().filter_map(|(label, file)| Some((*label, folder.text(file)?))).collect();
        let labels: Vec<_> = values.iter().map(|(label, value)| (*label, value.as_str())).collect();
        let help = "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, product_sku, product_uuid, product_version, system_vendor if provided by DMI.";
        out.gauge("node_dmi_info", help, &labels, 1.0);
        Ok(())
    }
}
