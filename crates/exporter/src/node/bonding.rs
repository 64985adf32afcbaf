//! `bonding`: interfaces bound together (`/sys/class/net/bonding_masters`).

use procyon_linux::attributes::Attributes;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Bonding;

impl Collector for Bonding {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Bonds change names, and a file that stays open would go on telling of the one that it was opened for.
        let class = Attributes::at(at.root().sys("class/net"));
        let path = class.path().join("bonding_masters");
        let masters = class.bytes("bonding_masters").map_err(|source| CollectError::Read { path, source })?;
        for master in String::from_utf8_lossy(&masters).split_whitespace() {
            let folder = class.below(master);
            let slaves = folder.text("bonding/slaves").unwrap_or_default();
            let (mut all, mut active) = (0, 0);
            for slave in slaves.split_whitespace() {
                all += 1;
                // `lower_` since 3.13, `slave_` before.
                let state = ["lower_", "slave_"]
                    .iter()
                    .find_map(|prefix| folder.text(format!("{prefix}{slave}/bonding_slave/mii_status")));
                active += u64::from(state.as_deref() == Some("up"));
            }
            let labels = [("master", master)];
            let help = "Number of configured slaves per bonding interface.";
            out.gauge("node_bonding_slaves", help, &labels, float(all));
            let help = "Number of active slaves per bonding interface.";
            out.gauge("node_bonding_active", help, &labels, float(active));
        }
        Ok(())
    }
}
