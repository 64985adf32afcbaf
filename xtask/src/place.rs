//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that the tasks work in.
pub struct Place {
    /// The clone.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
    /// The web sources.
    pub web: PathBuf,
}

impl Place {
    /// The clone is the folder above this package, wherever the task was started.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the clone's own folder")?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        let web = root.join("web");
        Ok(Self { root, target, web })
    }

    /// The binary that a profile builds.
    pub fn binary(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join("procyon")
    }
}
