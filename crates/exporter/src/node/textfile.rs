//! `textfile`: metrics that others leave in `*.prom` files.

mod glob;
mod parse;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use procyon_linux::attributes;

use super::{Collector, FlagError, Flags, Outcome, Places, flag};
use crate::flags::Flag;
use crate::metric::{Family, Metrics};

const DIRECTORY: &str = "collector.textfile.directory";

pub(super) const FLAGS: &[Flag] =
    &[Flag::list(DIRECTORY, "Directory to read text files with metrics from, supports glob matching. (repeatable)")];

/// The most files of one scrape.
const MOST_FILES: usize = 10_000;
/// The largest file, bytes: what is larger is not read to its end.
const LARGEST: usize = 32 << 20;

struct Textfile {
    directories: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Textfile { directories: flags.list(DIRECTORY).to_vec() }))
}

impl Collector for Textfile {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let mut reader = Reader::default();
        // Debian's units name none to turn it off.
        for directory in self.directories.iter().filter(|directory| !directory.is_empty()) {
            let mut folders = glob::folders(directory);
            // Neither a pattern nor there: reading it tells what is wrong.
            if folders.is_empty() {
                folders.push(directory.into());
            }
            for folder in folders {
                reader.folder(&folder);
            }
        }
        reader.report(out);
        Ok(())
    }
}

/// What came of the files.
#[derive(Default)]
struct Reader {
    families: BTreeMap<String, (String, Family)>,
    /// By path: when it was changed.
    changed: BTreeMap<String, f64>,
    failed: bool,
    files: usize,
}

impl Reader {
    fn folder(&mut self, folder: &Path) {
        let names = match attributes::names(folder) {
            Ok(names) => names,
            Err(error) => {
                tracing::debug!(folder = %folder.display(), %error, "could not list a folder of text files");
                self.failed = true;
                return;
            }
        };
        for name in names.iter().filter(|name| name.ends_with(".prom")) {
            self.files += 1;
            let path = folder.join(&**name);
            if self.files > MOST_FILES {
                self.failed = true;
                return;
            }
            if let Err(reason) = self.file(&path) {
                tracing::debug!(file = %path.display(), reason, "could not take a text file");
                self.failed = true;
            }
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), String> {
        let shown = path.to_string_lossy().into_owned();
        let text = attributes::read(path).map_err(|error| error.to_string())?;
        if text.len() >= LARGEST {
            return Err(format!("is larger than {} MiB", LARGEST >> 20));
        }
        let families = parse::parse(&text).map_err(|mistake| mistake.to_string())?;
        let changed = std::fs::metadata(path).and_then(|data| data.modified()).map_err(|error| error.to_string())?;
        for mut parsed in families {
            if parsed.help.is_none() {
                parsed.help = Some(format!("Metric read from {shown}"));
            }
            self.take(parsed, &shown);
        }
        let seconds = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.changed.insert(shown, super::float(seconds));
        Ok(())
    }

    /// Puts families of one name from several files together; the first help text wins, and a second one is a mistake.
    fn take(&mut self, parsed: parse::Parsed, path: &str) {
        let (name, help) = (parsed.name, parsed.help.unwrap_or_default());
        if let Some((files, known)) = self.families.get_mut(&name) {
            let both_without = known.help.starts_with("Metric read from ") && help.starts_with("Metric read from ");
            if both_without {
                files.push_str(", ");
                files.push_str(path);
                known.help = format!("Metric read from {files}").into();
            } else if known.help != help {
                self.failed = true;
            }
            known.samples.extend(parsed.samples);
            return;
        }
        let family =
            Family { name: name.clone().into(), help: help.into(), kind: parsed.kind, samples: parsed.samples };
        self.families.insert(name, (path.to_owned(), family));
    }

    fn report(self, out: &mut Metrics) {
        for (_, (_, mut family)) in self.families {
            parse::fill_labels(&mut family.samples);
            for sample in family.samples {
                out.push(family.kind, family.name.clone(), family.help.clone(), sample);
            }
        }
        for (file, seconds) in &self.changed {
            let help = "Unixtime mtime of textfiles successfully read.";
            out.gauge("node_textfile_mtime_seconds", help, &[("file", file)], *seconds);
        }
        let help = "1 if there was an error opening or reading a file, 0 otherwise";
        out.gauge("node_textfile_scrape_error", help, &[], flag(self.failed));
    }
}
