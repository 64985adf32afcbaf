//! `pci.ids`: names of vendors, devices and classes.

use std::collections::HashMap;
use std::path::Path;

use procyon_linux::attributes;

/// Where distributions keep the file.
const USUAL: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

/// Names by number, as `8086`, `8086:1521`, `8086:1521:8086:00a3`, `C 01`, `C 0108`, `C 010802`.
#[derive(Debug, Default)]
pub(super) struct Ids(HashMap<String, String>);

impl Ids {
    /// Reads the file, or the usual ones; without any nothing has a name.
    pub(super) fn load(path: &str) -> Self {
        let paths = if path.is_empty() { USUAL.to_vec() } else { vec![path] };
        if let Some(text) = paths.iter().find_map(|path| attributes::read(Path::new(path)).ok()) {
            return Self::parse(&String::from_utf8_lossy(&text));
        }
        tracing::warn!(paths = paths.join(" "), "no file of PCI names could be read: devices stay without names");
        Self::default()
    }

    fn parse(text: &str) -> Self {
        let mut names = HashMap::new();
        let (mut outer, mut inner) = (String::new(), String::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((id, name)) = line.trim_start_matches('\t').split_once("  ") else { continue };
            let depth = line.len() - line.trim_start_matches('\t').len();
            let is_class = outer.starts_with("C ");
            let key = match depth {
                0 => {
                    id.clone_into(&mut outer);
                    outer.clone()
                }
                1 => {
                    inner = if is_class { format!("{outer}{id}") } else { format!("{outer}:{id}") };
                    inner.clone()
                }
                _ if is_class => format!("{inner}{id}"),
                _ => format!("{inner}:{}", id.replace(' ', ":")),
            };
            names.insert(key, name.trim().to_owned());
        }
        Self(names)
    }

    /// The name of the first key that has one; else what stands for it.
    fn get(&self, keys: &[String]) -> Option<&str> {
        keys.iter().find_map(|key| self.0.get(key)).map(String::as_str)
    }

    pub(super) fn vendor<'a>(&'a self, vendor: &'a str) -> &'a str {
        self.get(&[bare(vendor).to_owned()]).unwrap_or(vendor)
    }

    pub(super) fn device<'a>(&'a self, vendor: &str, device: &'a str) -> &'a str {
        self.get(&[format!("{}:{}", bare(vendor), bare(device))]).unwrap_or(device)
    }

    pub(super) fn subsystem<'a>(
        &'a self,
        vendor: &str,
        device: &str,
        sub_vendor: &str,
        sub_device: &'a str,
    ) -> &'a str {
        let key = format!("{}:{}:{}:{}", bare(vendor), bare(device), bare(sub_vendor), bare(sub_device));
        self.get(&[key]).unwrap_or(sub_device)
    }

    pub(super) fn class<'a>(&'a self, class: &'a str) -> &'a str {
        let digits = bare(class);
        let keys = [6, 4, 2].map(|length| format!("C {}", digits.get(..length).unwrap_or(digits)));
        self.get(&keys).unwrap_or("Unknown class")
    }
}

fn bare(id: &str) -> &str {
    id.strip_prefix("0x").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_at_every_depth() {
        let ids = Ids::parse(
            "# comment\n8086  Intel Corporation\n\t1521  I350\n\t\t8086 00a3  Server Adapter\nC 01  Storage\n\t08  NVM\n\t\t02  NVM Express\n",
        );
        assert_eq!(ids.vendor("0x8086"), "Intel Corporation");
        assert_eq!(ids.device("0x8086", "0x1521"), "I350");
        assert_eq!(ids.subsystem("0x8086", "0x1521", "0x8086", "0x00a3"), "Server Adapter");
        assert_eq!(
            (ids.class("0x010802"), ids.class("0x0108ff"), ids.class("0x01ffff")),
            ("NVM Express", "NVM", "Storage")
        );
        assert_eq!((ids.vendor("0xffff"), ids.class("0xffffff")), ("0xffff", "Unknown class"));
    }
}
