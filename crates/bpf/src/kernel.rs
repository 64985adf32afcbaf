//! The running kernel as programs meet it: its types, and why it refuses.

mod abridged;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::{Btf, Endianness};
use procyon_linux::privilege::attempt::{Attempt, Feature};
use procyon_linux::root::Root;

use crate::{lifecycle, network, processes, syscalls};
use abridged::Wanted;

/// The kernel's type information, as far as our programs ask for it. It takes some MiB: load what is wanted, then let it go.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) btf: Btf,
}

/// All compiled programs: the types whose names they hold are kept.
const OBJECTS: [&[u8]; 4] = [processes::OBJECT, lifecycle::OBJECT, network::OBJECT, syscalls::OBJECT];

/// Where it lies below sysfs. Since 5.2 with `CONFIG_DEBUG_INFO_BTF`.
const TYPES: &str = "kernel/btf/vmlinux";

impl Kernel {
    /// Reads the type information of the kernel whose sysfs is at `sys`.
    pub fn open(sys: &Path) -> Result<Self, LoadError> {
        // Asked first and plainly: where programs are refused, the loader takes the kernel for an older one than it is.
        if let Attempt::Refused { errno, .. } = Feature::BpfTracing.attempt(&Root::live()) {
            return Err(LoadError::Refused { program: "any", source: io::Error::from_raw_os_error(errno) });
        }
        let path = sys.join(TYPES);
        let all = match fs::read(&path) {
            Ok(all) => all,
            Err(source) => return Err(LoadError::NoTypes { path, source }),
        };
        let Some(bytes) = abridged::abridge(&all, &Wanted::by(&OBJECTS)) else {
            return Err(LoadError::Types { path, why: "their format is not the one we know".to_owned() });
        };
        drop(all);
        match Btf::parse(&bytes, Endianness::default()) {
            Ok(btf) => Ok(Self { btf }),
            Err(error) => Err(LoadError::Types { path, why: short(&error) }),
        }
    }
}

impl Drop for Kernel {
    /// Gives the memory back to the machine: the allocator would keep it for a monitor that never needs as much again.
    fn drop(&mut self) {
        self.btf = Btf::new();
        procyon_linux::allocator::give_back();
    }
}

/// Why a program is not in the kernel.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The kernel has no type information.
    #[error("could not read the kernel's types at {path}")]
    NoTypes {
        /// Where they should have been.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The type information is not understood.
    #[error("could not understand the kernel's types at {path}: {why}")]
    Types {
        /// Where they are.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Our rights do not suffice.
    #[error("the kernel refused to load a program (`{program}`)")]
    Refused {
        /// Which one; `any` when it refuses all.
        program: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel lacks something that the program uses, or its verifier does not accept it.
    #[error("this kernel cannot run the program `{program}`: {why}")]
    Unsupported {
        /// Which one.
        program: &'static str,
        /// What the loader or the verifier said, in one line.
        why: String,
    },
}

impl LoadError {
    /// Whether capabilities would help: `CAP_BPF` and `CAP_PERFMON`.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// What came of loading a program, from whatever the loader says.
    pub(crate) fn of(program: &'static str, error: &(dyn Error + 'static)) -> Self {
        match os_error(error) {
            Some(source) if source.kind() == io::ErrorKind::PermissionDenied => Self::Refused { program, source },
            _ => Self::Unsupported { program, why: short(error) },
        }
    }
}

/// The operating system's answer at the bottom of an error.
fn os_error(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(code) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(io::Error::from_raw_os_error(code));
        }
        next = error.source();
    }
    None
}

/// Longest text taken over from the loader: the verifier's log can be a book.
const LONGEST_REASON: usize = 300;

/// An error with its causes in one line of bounded length.
fn short(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_refusal_is_told_from_a_lack() {
        let refused = LoadError::of("x", &Outer(io::Error::from_raw_os_error(libc::EPERM)));
        assert!(refused.is_refusal());
        let lacking = LoadError::of("x", &Outer(io::Error::from_raw_os_error(libc::EINVAL)));
        assert_eq!(
            lacking.to_string(),
            "this kernel cannot run the program `x`: outer: Invalid argument (os error 22)"
        );
    }

    #[test]
    fn a_machine_without_type_information_says_where_it_looked() {
        let error = Kernel::open(Path::new("/nonexistent")).unwrap_err();
        let expected = "could not read the kernel's types at /nonexistent/kernel/btf/vmlinux";
        assert!(error.is_refusal() || error.to_string() == expected, "{error}");
    }
}
