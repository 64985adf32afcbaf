//! The clone that the tests look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folder of the clone.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The text of one file of the clone.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file that belongs to the project: tracked, or new and not ignored; sorted.
pub fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let mut files: Vec<String> = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8(path.to_vec()).unwrap())
        // Deleted, but not yet committed.
        .filter(|path| root().join(path).symlink_metadata().is_ok())
        .collect();
    files.sort();
    files.dedup();
    files
}

/// One package of the workspace.
pub struct Package {
    pub name: String,
    /// Its folder, relative to the clone.
    pub folder: String,
    pub dependencies: Vec<Dependency>,
}

/// One line of a package's dependency tables.
pub struct Dependency {
    pub name: String,
    /// Part of the workspace, not from a registry.
    pub ours: bool,
    /// Only for tests, examples and benchmarks.
    pub dev: bool,
}

/// The packages of the workspace, as cargo reads them.
pub fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let manifest = Path::new(value["manifest_path"].as_str().unwrap());
    Package {
        name: value["name"].as_str().unwrap().to_owned(),
        folder: manifest.parent().unwrap().strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
        dependencies: value["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: value["name"].as_str().unwrap().to_owned(),
        ours: value["path"].is_string(),
        dev: value["kind"] == "dev",
    }
}
