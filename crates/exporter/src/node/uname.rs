//! `uname`: names and versions of the system, by `uname(2)`.

use procyon_linux::host::hostname;

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Uname;

impl Collector for Uname {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let uname = hostname::uname();
        let labels = [
            ("sysname", &*uname.sysname),
            ("release", &uname.release),
            ("version", &uname.version),
            ("machine", &uname.machine),
            ("nodename", &uname.nodename),
            ("domainname", &uname.domainname),
        ];
        let help = "Labeled system information as provided by the uname system call.";
        out.gauge("node_uname_info", help, &labels, 1.0);
        Ok(())
    }
}
