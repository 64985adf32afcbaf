//! `edac`: errors of memory that the controllers found (`/sys/devices/system/edac/mc`).

use procyon_linux::attributes::Attributes;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Edac;

/// What follows a prefix, if it is a number.
fn numbered<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix).filter(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Collector for Edac {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let folder = at.sys("devices/system/edac/mc");
        for name in folder.names() {
            if let Some(controller) = numbered(&name, "mc") {
                memory(("controller", controller), &folder.below(&*name), out);
            }
        }
        Ok(())
    }
}

type Label<'a> = (&'static str, &'a str);

fn memory(controller: Label<'_>, folder: &Attributes, out: &mut Metrics) {
    let count = |file: &str| folder.number(file).map(float);
    if let Some(count) = count("ce_count") {
        out.counter("node_edac_correctable_errors_total", "Total correctable memory errors.", &[controller], count);
    }
    if let Some(count) = count("ue_count") {
        out.counter("node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors.", &[controller], count);
    }
    // Errors of which nobody knows the row.
    let unknown = [controller, ("csrow", "unknown")];
    row(&unknown, folder.number("ce_noinfo_count"), folder.number("ue_noinfo_count"), out);
    for name in folder.names() {
        let Some(number) = numbered(&name, "csrow") else { continue };
        let below = folder.below(&*name);
        let csrow = ("csrow", number);
        row(&[controller, csrow], below.number("ce_count"), below.number("ue_count"), out);
        for file in below.names() {
            let channel = file.strip_prefix("ch").and_then(|rest| rest.strip_suffix("_ce_count"));
            if let Some(channel) = channel {
                channels([controller, csrow, ("channel", channel)], &below, channel, out);
            }
        }
    }
}

fn row(labels: &[Label<'_>], correctable: Option<u64>, uncorrectable: Option<u64>, out: &mut Metrics) {
    if let Some(count) = correctable {
        let help = "Total correctable memory errors for this csrow.";
        out.counter("node_edac_csrow_correctable_errors_total", help, labels, float(count));
    }
    if let Some(count) = uncorrectable {
        let help = "Total uncorrectable memory errors for this csrow.";
        out.counter("node_edac_csrow_uncorrectable_errors_total", help, labels, float(count));
    }
}

/// The kernel's own labels are `mc#0csrow#1channel#2`, or without `#`; upstream parts the numbers: `mc0_csrow1_channel2`.
/// Labels that the firmware gave stay as they are.
fn readable(label: &str) -> String {
    let plain = label.replace('#', "");
    if plain.starts_with("mc") && plain.contains("csrow") && plain.contains("channel") {
        return plain.replace("csrow", "_csrow").replace("channel", "_channel");
    }
    label.to_owned()
}

fn channels(labels: [Label<'_>; 3], folder: &Attributes, channel: &str, out: &mut Metrics) {
    let dimm = folder.text(format!("ch{channel}_dimm_label")).unwrap_or_default();
    let dimm = readable(&dimm);
    let [controller, csrow, channel_label] = labels;
    let labels = [controller, csrow, channel_label, ("dimm_label", &*dimm)];
    if let Some(count) = folder.number(format!("ch{channel}_ce_count")) {
        let help = "Total correctable memory errors for this channel.";
        out.counter("node_edac_channel_correctable_errors_total", help, &labels, float(count));
    }
    if let Some(count) = folder.number(format!("ch{channel}_ue_count")) {
        let help = "Total uncorrectable memory errors for this channel.";
        out.counter("node_edac_channel_uncorrectable_errors_total", help, &labels, float(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_kernel_are_parted_and_others_kept() {
        for (label, expected) in [
            ("mc0csrow0channel1", "mc0_csrow0_channel1"),
            ("mc#0csrow#1channel#2", "mc0_csrow1_channel2"),
            ("CPU_SrcID#0_Ha#0", "CPU_SrcID#0_Ha#0"),
        ] {
            assert_eq!(readable(label), expected);
        }
    }
}
