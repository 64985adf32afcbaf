//! `selinux`: whether SELinux is on (`/sys/fs/selinux`, `/etc/selinux/config`).

use super::{Collector, Outcome, Places, flag, read};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Selinux;

impl Collector for Selinux {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let enforce = at.sys("fs/selinux").number("enforce");
        let help = "SELinux is enabled, 1 is true, 0 is false";
        out.gauge("node_selinux_enabled", help, &[], flag(enforce.is_some()));
        let Some(enforce) = enforce else { return Ok(()) };
        let config = read(&at.root().fs("etc/selinux/config")).unwrap_or_default();
        let config = String::from_utf8_lossy(&config);
        let mode = config.lines().find_map(|line| line.trim().strip_prefix("SELINUX=")).unwrap_or_default();
        let help = "Configured SELinux enforcement mode";
        out.gauge("node_selinux_config_mode", help, &[], flag(mode.trim() == "enforcing"));
        out.gauge("node_selinux_current_mode", "Current SELinux enforcement mode", &[], flag(enforce == 1));
        Ok(())
    }
}
