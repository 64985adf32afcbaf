//! The programs that run in the kernel: C sources, compiled ahead of time and checked in, so that building procyon takes no
//! clang.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::place::Place;
use crate::step;

/// The compiler whose output is checked in. Two runs of one version give the same bytes; two versions do not.
const CLANG: &str = "clang-19";
const STRIP: &str = "llvm-strip-19";
/// What `clang-19 --version` has to say.
const VERSION: &str = "19.1.7";

/// Compiles every `c/*.bpf.c` of crates/bpf into `objects/`, or into the folder that is named.
pub fn bpf(place: &Place, arguments: &[String]) -> Result<()> {
    let folder = place.root.join("crates/bpf");
    let objects = arguments.first().map_or_else(|| folder.join("objects"), PathBuf::from);
    check_compiler(place)?;
    fs::create_dir_all(&objects).with_context(|| format!("could not make {}", objects.display()))?;
    for source in sources(&folder.join("c"))? {
        let name = source.file_stem().context("a source has a name")?.to_string_lossy().into_owned();
        compile(place, &folder, &source, &objects.join(format!("{name}.o")))?;
    }
    Ok(())
}

fn check_compiler(place: &Place) -> Result<()> {
    let said = step::program(place, CLANG).arg("--version").output();
    let version = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if !version.contains(VERSION) {
        bail!("{CLANG} {VERSION} is not there; `scripts/setup bpf` installs it");
    }
    Ok(())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".bpf.c") {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// Debug information carries types for the loader (BTF, which stays) and lines for debuggers (which go).
fn compile(place: &Place, folder: &Path, source: &Path, object: &Path) -> Result<()> {
    let in_folder = |program: &str| {
        let mut command: Command = step::program(place, program);
        // Relative paths, so that the place of the clone is not in the object.
        command.current_dir(folder);
        command
    };
    let relative = source.strip_prefix(folder).unwrap_or(source);
    let mut clang = in_folder(CLANG);
    clang.args(["-g", "-O2", "-Wall", "-Wextra", "-Werror", "-target", "bpfel", "-mcpu=v3"]);
    clang.arg("-fdebug-compilation-dir=.").arg("-c").arg(relative).arg("-o").arg(object);
    step::run(&relative.display().to_string(), &mut clang)?;
    step::run("strip", in_folder(STRIP).arg("-g").arg(object))
}
