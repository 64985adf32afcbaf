//! `/etc/passwd`, `/etc/group`, `/etc/login.defs`.

use std::collections::HashMap;
use std::sync::Arc;

use procyon_units::Reading;
use rustix::fs::stat;

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, words};

/// One account of `/etc/passwd`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Name to log in with.
    pub name: Box<str>,
    /// Number of the user.
    pub uid: u32,
    /// First group.
    pub gid: u32,
    /// Shell.
    pub shell: Box<str>,
}

/// One group of `/etc/group`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: Box<str>,
    /// Number.
    pub gid: u32,
    /// Accounts that are in it beside those whose first group it is.
    pub members: Vec<Box<str>>,
}

/// Groups whose members may become root by the usual configuration of sudo and polkit.
const ROOT_GROUPS: &[&str] = &["sudo", "wheel", "admin"];
/// First number of people's accounts where `/etc/login.defs` does not say.
const DEFAULT_UID_MIN: u32 = 1000;
/// The user `nobody`; numbers from here on are not people.
const NOBODY: u32 = 65_534;

/// Parses `/etc/passwd`; lines that do not parse are left out.
#[must_use]
pub fn parse_passwd(text: &[u8]) -> Vec<Account> {
    let parse = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let (uid, gid) = (u32::try_from(number(uid)?).ok()?, u32::try_from(number(gid)?).ok()?);
        // Lines of NIS begin with + or -.
        let named = !name.is_empty() && !name.starts_with(b"+") && !name.starts_with(b"-");
        let shell = lossy(fields.nth(2).unwrap_or_default());
        named.then(|| Account { name: lossy(name), uid, gid, shell })
    };
    lines(text).filter_map(parse).collect()
}

/// Parses `/etc/group`; lines that do not parse are left out.
#[must_use]
pub fn parse_group(text: &[u8]) -> Vec<Group> {
    let parse = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
        let gid = u32::try_from(number(gid)?).ok()?;
        let members = fields.next().unwrap_or_default();
        let members = members.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
        Some(Group { name: lossy(name), gid, members: members.map(lossy).collect() })
    };
    lines(text).filter_map(parse).collect()
}

/// Takes `UID_MIN` out of `/etc/login.defs`.
#[must_use]
pub fn parse_uid_min(text: &[u8]) -> Option<u32> {
    lines(text).find_map(|line| {
        let mut words = words(line);
        let value = (words.next()? == b"UID_MIN").then(|| words.next())??;
        number(value).and_then(|uid| u32::try_from(uid).ok())
    })
}

/// Accounts and groups, read again when a file changes.
#[derive(Debug, Default)]
pub struct Accounts {
    list: Vec<Account>,
    groups: Vec<Group>,
    names: HashMap<u32, Arc<str>>,
    uid_min: u32,
    /// Modification times and sizes of the files that were read.
    read: Option<[Option<(i64, u64, u64)>; 3]>,
    buffer: Vec<u8>,
}

impl Accounts {
    /// Reads the files again if one of them changed: three `stat(2)` otherwise. Says whether anything was read.
    /// Privilege: none.
    pub fn refresh(&mut self, root: &Root) -> bool {
        let paths = ["etc/passwd", "etc/group", "etc/login.defs"].map(|path| root.fs(path));
        let now = paths.clone().map(|path| {
            let stat = stat(&path).ok()?;
            Some((stat.st_mtime, stat.st_mtime_nsec, u64::try_from(stat.st_size).unwrap_or(0)))
        });
        if self.read == Some(now) {
            return false;
        }
        let [passwd, group, defaults] = paths;
        let buffer = &mut self.buffer;
        self.list = match file::read_with(&passwd, buffer, |text| Some(parse_passwd(text))) {
            Reading::Known(accounts) => accounts,
            _ => Vec::new(),
        };
        self.groups = match file::read_with(&group, buffer, |text| Some(parse_group(text))) {
            Reading::Known(groups) => groups,
            _ => Vec::new(),
        };
        let uid_min = file::read_with(&defaults, buffer, parse_uid_min);
        self.uid_min = uid_min.get().copied().unwrap_or(DEFAULT_UID_MIN);
        self.names.clear();
        for account in &self.list {
            // Of several accounts with one number the first is the one that `ls` shows.
            self.names.entry(account.uid).or_insert_with(|| Arc::from(&*account.name));
        }
        self.read = Some(now);
        true
    }

    /// The name of a user; none for numbers without an account in the file.
    #[must_use]
    pub fn name(&self, uid: u32) -> Option<&Arc<str>> {
        self.names.get(&uid)
    }

    /// All accounts in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Account] {
        &self.list
    }

    /// The name of a group.
    #[must_use]
    pub fn group_name(&self, gid: u32) -> Option<&str> {
        self.groups.iter().find(|group| group.gid == gid).map(|group| &*group.name)
    }

    /// Accounts of people: from `UID_MIN` of `/etc/login.defs` (1000 without it), below `nobody` (65534).
    pub fn people(&self) -> impl Iterator<Item = &Account> {
        self.list.iter().filter(|account| (self.uid_min..NOBODY).contains(&account.uid))
    }

    /// Accounts with root rights: number 0, or in a group `sudo`, `wheel` or `admin`; in the order of the file.
    pub fn with_root_rights(&self) -> impl Iterator<Item = &Account> {
        self.list.iter().filter(|account| {
            let in_group = |group: &Group| group.gid == account.gid || group.members.contains(&account.name);
            account.uid == 0 || self.groups.iter().any(|group| ROOT_GROUPS.contains(&&*group.name) && in_group(group))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_root_rights_are_told_apart() {
        let mut accounts = Accounts { uid_min: 1000, ..Accounts::default() };
        accounts.list = parse_passwd(
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nwww:x:33:33::/:/usr/sbin/nologin\n\
              ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash\nbob:x:1001:27::/home/bob:/bin/sh\ncy:x:1002:1002::/:/bin/sh\n\
              nobody:x:65534:65534::/:/bin/false\n+::::::\nbroken:x\n",
        );
        accounts.groups = parse_group(b"sudo:x:27:\nwheel:x:10:ada, zed\nadm:x:4:cy\n");
        let names = |list: Vec<&Account>| list.iter().map(|account| account.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(accounts.people().collect()), ["ada", "bob", "cy"]);
        assert_eq!(names(accounts.with_root_rights().collect()), ["root", "toor", "ada", "bob"]);
    }

    #[test]
    fn the_least_number_of_people_is_configured() {
        assert_eq!(parse_uid_min(b"# UID_MIN 7\nUID_MAX 60000\nUID_MIN\t\t\t  500\n"), Some(500));
    }
}
