//! Third-party notices: whose code is in the binary and in the page, and under which terms. Read from the sources of the packages,
//! which lie on this machine already; nothing is asked of a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::place::Place;
use crate::{step, web};

/// Where the notices are checked in.
const FILE: &str = "THIRD-PARTY.md";
/// Machines that the binary is built for.
const TARGETS: &[&str] = &["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
/// Packages that reach the browser; all others of `web/package.json` only build and test the page.
const PAGE: &[&str] = &["clsx", "esm-env", "svelte", "uplot"];
const APACHE: &str = "Apache-2.0";

const HEAD: &str = "\
# Third-party notices

Written by `cargo xtask notices`; `procyon licenses` prints it with the text of the Apache License.

Procyon itself is under the Apache License 2.0. It contains the Rust standard library (Apache License 2.0 or MIT) and the packages
below. Where a package leaves the choice, it is used under the Apache License 2.0.
";

/// What is said of a package.
struct Package {
    name: String,
    license: String,
    /// Where its sources lie.
    folder: PathBuf,
}

/// A licence without names and years, with those whom each package names in it.
#[derive(Default)]
struct Terms {
    packages: BTreeSet<String>,
    owners: BTreeSet<String>,
    text: String,
}

/// Writes the notices, into another file where one is named.
pub fn notices(place: &Place, arguments: &[String]) -> Result<()> {
    web::packages(place)?;
    let mut packages = crates(place)?;
    for name in PAGE {
        packages.push(of_page(place, name)?);
    }
    let file = arguments.first().map_or_else(|| place.root.join(FILE), PathBuf::from);
    fs::write(&file, write(packages)?).with_context(|| format!("could not write {}", file.display()))
}

/// The crates in the binary that are not ours.
fn crates(place: &Place) -> Result<Vec<Package>> {
    let mut packages: BTreeMap<PathBuf, Package> = BTreeMap::new();
    for target in TARGETS {
        let inside = inside(place, target)?;
        // Those of other systems are not on this machine.
        let asked = ["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", target];
        let metadata: Value = serde_json::from_slice(&output(step::cargo(place).args(asked))?)
            .context("could not read what cargo metadata says")?;
        let known = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for package in known.iter().filter(|package| package.get("source").is_some_and(Value::is_string)) {
            let text = |field| package.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let folder = Path::new(&text("manifest_path")).parent().map(PathBuf::from).unwrap_or_default();
            if inside.contains(&(text("name"), text("version"))) {
                let package = Package { name: text("name"), license: text("license"), folder: folder.clone() };
                packages.insert(folder, package);
            }
        }
    }
    if packages.is_empty() {
        bail!("cargo tree and cargo metadata name no crate");
    }
    Ok(packages.into_values().collect())
}

/// Names and versions of the crates in the binary for a kind of machine; what only runs in the compiler is not in it.
fn inside(place: &Place, target: &str) -> Result<BTreeSet<(String, String)>> {
    let tree = ["tree", "--offline", "--locked", "--package=procyon", "--prefix=none", "--format={p}"];
    let edges = ["--edges=normal,no-proc-macro", "--target", target];
    let listed = output(step::cargo(place).args(tree).args(edges))?;
    let listed = String::from_utf8_lossy(&listed);
    let named = listed.lines().filter_map(|line| {
        let (name, version) = line.split_once(" v")?;
        Some((name.to_owned(), version.split_whitespace().next()?.to_owned()))
    });
    Ok(named.collect())
}

fn of_page(place: &Place, name: &str) -> Result<Package> {
    let folder = place.web.join("node_modules").join(name);
    let manifest = fs::read(folder.join("package.json")).with_context(|| format!("{name} is not in node_modules"))?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let license = manifest.get("license").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Package { name: format!("{name} (page)"), license, folder })
}

fn output(command: &mut std::process::Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("could not start {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// Whether all of a package may be used under the Apache License.
fn is_apache(license: &str) -> bool {
    !license.contains(" AND ") && license.split([' ', '/']).any(|word| word == APACHE)
}

fn write(packages: Vec<Package>) -> Result<String> {
    let mut apache = BTreeSet::new();
    let mut notices = BTreeMap::new();
    let mut terms: BTreeMap<String, Terms> = BTreeMap::new();
    for package in packages {
        let files = legal_files(&package.folder)?;
        if let Some(notice) = files.iter().find(|path| name_of(path).starts_with("NOTICE")) {
            notices.insert(package.name.clone(), read(notice)?);
        }
        if is_apache(&package.license) {
            apache.insert(package.name);
            continue;
        }
        let chosen = chosen(&package.license, &files);
        if chosen.is_empty() {
            bail!("{} ({}) holds no text of its licence", package.name, package.license);
        }
        for path in chosen {
            let (owners, text) = parts(&read(path)?);
            let key: String = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let terms = terms.entry(key).or_default();
            terms.packages.insert(package.name.clone());
            terms.owners.extend(owners);
            if terms.text.is_empty() {
                terms.text = text;
            }
        }
    }
    let list = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut out = format!("{HEAD}\n## Under the Apache License 2.0\n\n{}\n", list(&apache));
    for (name, notice) in notices {
        write!(out, "\n### Notice of {name}\n\n```text\n{}\n```\n", notice.trim_end())?;
    }
    out.push_str("\n## Under other licences\n");
    let mut terms: Vec<Terms> = terms.into_values().collect();
    terms.sort_by(|a, b| b.packages.len().cmp(&a.packages.len()).then_with(|| a.packages.cmp(&b.packages)));
    for Terms { packages, owners, text } in terms {
        let owners = owners.into_iter().collect::<Vec<_>>().join("\n");
        write!(out, "\n### {}\n\n```text\n{owners}\n\n{}\n```\n", list(&packages), text.trim())?;
    }
    Ok(out)
}

fn legal_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let starts = ["LICENSE", "LICENCE", "COPYING", "NOTICE"];
    files.retain(|path| path.is_file() && starts.iter().any(|start| name_of(path).starts_with(start)));
    files.sort();
    Ok(files)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_uppercase()
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n"))
}

/// The texts that have to go along: those of MIT where that may be chosen, else all.
fn chosen<'f>(license: &str, files: &'f [PathBuf]) -> Vec<&'f PathBuf> {
    let all = || files.iter().filter(|path| !name_of(path).starts_with("NOTICE"));
    let mit: Vec<&PathBuf> = all().filter(|path| name_of(path).contains("MIT")).collect();
    if license.contains(" OR ") && !mit.is_empty() { mit } else { all().collect() }
}

/// The lines that name owners, and the rest without its title.
fn parts(text: &str) -> (Vec<String>, String) {
    let names = |line: &str| line.trim_start().to_lowercase().starts_with("copyright ");
    let owners = text.lines().filter(|line| names(line)).map(|line| line.trim().to_owned()).collect();
    let is_title = |line: &&str| {
        let line = line.trim_matches(['#', '=', '*', '(', ')', ' ']).to_lowercase();
        line.is_empty() || line.ends_with("license") && line.len() < 30
    };
    let rest: Vec<&str> = text.lines().filter(|line| !names(line)).skip_while(is_title).collect();
    (owners, rest.join("\n"))
}
