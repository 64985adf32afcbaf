//! Which file systems are looked at.

use procyon_units::Bytes;

/// The file systems that somebody wants to see; by default all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mounts {
    skip: Vec<Box<[u8]>>,
    smallest: Bytes,
}

impl Mounts {
    /// All but those mounted at or below one of these places, and those smaller than this. In a place, `*` stands for any
    /// one name: `/run/user/*`.
    #[must_use]
    pub fn new(skip: &[String], smallest: Bytes) -> Self {
        Self { skip: skip.iter().map(|place| place.as_bytes().into()).collect(), smallest }
    }

    /// Whether what is mounted there is looked at. What is not, is never asked, so it cannot hang.
    #[must_use]
    pub fn want(&self, mount_point: &[u8]) -> bool {
        !self.skip.iter().any(|place| lies_at(mount_point, place))
    }

    /// Whether a file system of this size is shown.
    #[must_use]
    pub fn want_size(&self, size: Bytes) -> bool {
        size >= self.smallest
    }
}

/// Whether the mount point is the place or below it.
fn lies_at(mount_point: &[u8], place: &[u8]) -> bool {
    let mut names = names(mount_point);
    self::names(place).all(|wanted| names.next().is_some_and(|name| wanted == b"*" || wanted == name))
}

fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_skipped_with_all_below_them_by_whole_names() {
        let mounts = Mounts::new(&["/var/lib/docker".to_owned(), "/run/user/*/".to_owned()], Bytes(0));
        for (mount_point, wanted) in [
            ("/", true),
            ("/var/lib", true),
            ("/var/lib/docker", false),
            ("/var/lib/docker/overlay2/1/merged", false),
            ("/var/lib/docker2", true),
            ("/run/user", true),
            ("/run/user/1000", false),
            ("/run/user/1000/doc", false),
        ] {
            assert_eq!(mounts.want(mount_point.as_bytes()), wanted, "{mount_point}");
        }
        assert!(Mounts::default().want(b"/") && Mounts::default().want_size(Bytes(0)));
    }

    #[test]
    fn small_ones_are_left_out() {
        let mounts = Mounts::new(&[], Bytes(1 << 30));
        assert!(!mounts.want_size(Bytes((1 << 30) - 1)) && mounts.want_size(Bytes(1 << 30)));
    }
}
