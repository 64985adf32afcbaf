//! Merges the layers and finds every mistake in them.

use std::collections::HashMap;
use std::path::PathBuf;

use procyon_diag::nearest;

use crate::declare::{Declared, Options, Reader};
use crate::layer::{self, Entry, Raw};
use crate::mistake::{Mistake, Mistakes, Origin};

/// Where to look for options.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file that somebody named: it must be there.
    pub file: Option<PathBuf>,
    /// The file to read when nobody named one; it may be missing.
    pub usual_file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The arguments of `--set`.
    pub set: Vec<String>,
    /// Flags that stand for options.
    pub flags: Vec<Flag>,
}

/// A flag of the command line that stands for an option.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The option.
    pub path: &'static str,
    /// The flag, as `--listen`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// The value in force of one option.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The option.
    pub declared: Declared,
    /// Its value in normal text form.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

/// What came of loading.
#[derive(Debug, Clone)]
pub struct Loaded<S> {
    /// The options.
    pub settings: S,
    /// Every option with its value and origin, in the order of declaration.
    pub effective: Vec<Effective>,
    /// What is odd but stops nothing: variables of the environment that look like options and are none.
    pub warnings: Vec<Mistake>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// The values that won, by option.
#[derive(Debug, Default)]
pub struct Winners(HashMap<String, Raw>);

impl Winners {
    pub(crate) fn get(&self, path: &str) -> Option<&Raw> {
        self.0.get(path)
    }
}

/// Merges all layers. Later layers win: defaults, file, environment, `--set`, flags. All mistakes are found before it gives
/// up, also those in values that another layer overrides.
pub fn load<S: Options>(sources: &Sources) -> Result<Loaded<S>, Mistakes> {
    let mut declared = Vec::new();
    S::declare("", &mut declared);
    let known = Known::new(&declared);
    let mut mistakes = Vec::new();
    let mut warnings = Vec::new();

    let file = sources.file.clone().or_else(|| sources.usual_file.clone().filter(|path| path.is_file()));
    let mut entries = file.as_deref().map(|path| layer::file(path, &mut mistakes)).unwrap_or_default();
    entries.extend(layer::environment(sources.environment.iter().cloned()));
    entries.extend(layer::sets(&sources.set, &mut mistakes));
    entries.extend(sources.flags.iter().map(|flag| Entry {
        path: flag.path.to_owned(),
        raw: Some(Raw::Text(flag.value.clone())),
        origin: Origin::Flag(flag.name),
    }));

    let mut winners = Winners::default();
    let mut origins: HashMap<String, (String, Origin)> = HashMap::new();
    for entry in entries {
        match known.judge(&entry) {
            Verdict::Section => {}
            Verdict::Value(normal) => {
                origins.insert(entry.path.clone(), (normal, entry.origin));
                if let Some(raw) = entry.raw {
                    winners.0.insert(entry.path, raw);
                }
            }
            // A stranger in the environment is perhaps meant for somebody else (Kubernetes sets PROCYON_PORT for a service
            // of our name), so it does not stop the start.
            Verdict::Unknown(mistake) if matches!(entry.origin, Origin::Environment(_)) => warnings.push(mistake),
            Verdict::Unknown(mistake) | Verdict::Bad(mistake) => mistakes.push(mistake),
            Verdict::InUnknownSection => {}
        }
    }
    if !mistakes.is_empty() {
        mistakes.sort_by(|a, b| a.origin.cmp(&b.origin));
        return Err(Mistakes(mistakes));
    }
    let settings = S::take(&mut Reader::new(&winners));
    let effective = declared
        .into_iter()
        .map(|declared| {
            let (value, origin) = origins.remove(&declared.path).unwrap_or_else(|| {
                let default = Raw::Text(declared.default.to_owned());
                ((declared.check)(&default).unwrap_or_else(|_| declared.default.to_owned()), Origin::Default)
            });
            Effective { declared, value, origin }
        })
        .collect();
    Ok(Loaded { settings, effective, warnings, file })
}

enum Verdict {
    /// A section that exists.
    Section,
    /// An option with a good value, in normal form.
    Value(String),
    /// No such option or section.
    Unknown(Mistake),
    /// Inside a section that was already reported.
    InUnknownSection,
    /// A bad value.
    Bad(Mistake),
}

/// What is declared, for looking up.
struct Known<'a> {
    options: HashMap<&'a str, &'a Declared>,
    sections: Vec<String>,
}

impl<'a> Known<'a> {
    fn new(declared: &'a [Declared]) -> Self {
        let mut sections: Vec<String> = declared
            .iter()
            .flat_map(|option| {
                option.path.match_indices('.').map(|(dot, _)| option.path.get(..dot).unwrap_or("").to_owned())
            })
            .collect();
        sections.sort();
        sections.dedup();
        Self { options: declared.iter().map(|option| (option.path.as_str(), option)).collect(), sections }
    }

    fn is_section(&self, path: &str) -> bool {
        self.sections.iter().any(|section| section == path)
    }

    fn judge(&self, entry: &Entry) -> Verdict {
        let mistake = |message: String, remedy: String| Mistake { origin: entry.origin.clone(), message, remedy };
        let path = entry.path.as_str();
        match (self.options.get(path), &entry.raw) {
            (Some(option), Some(raw)) => match (option.check)(raw) {
                Ok(normal) => Verdict::Value(normal),
                Err(problem) => {
                    Verdict::Bad(mistake(format!("{path}: {problem}"), format!("expected {}", option.shape)))
                }
            },
            (Some(_), None) => {
                Verdict::Bad(mistake(format!("{path} is an option, not a section"), format!("write {path} = …")))
            }
            (None, None) if self.is_section(path) => Verdict::Section,
            (None, Some(_)) if self.is_section(path) => {
                let inside = self.inside(path).join(", ");
                Verdict::Bad(mistake(format!("{path} is a section"), format!("its options are {inside}")))
            }
            (None, _) => {
                if self.parent_is_unknown(path) && matches!(entry.origin, Origin::File(..)) && entry.raw.is_some() {
                    // In TOML the section has an entry of its own; in a plain file the line is all there is.
                    if !is_plain(&entry.origin) {
                        return Verdict::InUnknownSection;
                    }
                }
                let what = if entry.raw.is_none() { "section" } else { "option" };
                Verdict::Unknown(mistake(format!("unknown {what} {path}"), self.meant(entry)))
            }
        }
    }

    fn inside(&self, section: &str) -> Vec<&str> {
        let mut inside: Vec<&str> = self
            .options
            .keys()
            .copied()
            .filter(|path| path.rsplit_once('.').is_some_and(|(parent, _)| parent == section))
            .collect();
        inside.sort_unstable();
        inside
    }

    fn parent_is_unknown(&self, path: &str) -> bool {
        path.rsplit_once('.').is_some_and(|(parent, _)| !self.is_section(parent))
    }

    fn meant(&self, entry: &Entry) -> String {
        let path = entry.path.as_str();
        let mut options: Vec<&str> = self.options.keys().copied().collect();
        options.sort_unstable();
        let sections = self.sections.iter().map(String::as_str);
        let found = if entry.raw.is_none() { nearest(path, sections) } else { nearest(path, options.iter().copied()) };
        // The right name in the wrong section is the other common slip.
        let last = path.rsplit('.').next().unwrap_or(path);
        let elsewhere = || {
            let mut same = options.iter().copied().filter(|option| option.rsplit('.').next() == Some(last));
            same.next().filter(|_| same.next().is_none())
        };
        match found.or_else(elsewhere) {
            Some(meant) => format!("did you mean {}?", shown(meant, &entry.origin)),
            None => "`procyon config show` lists all of them".to_owned(),
        }
    }
}

/// An option's name as it is written in the layer where the mistake was made.
fn shown(path: &str, origin: &Origin) -> String {
    match origin {
        Origin::Environment(_) => format!("PROCYON_{}", path.replace('.', "__").to_ascii_uppercase()),
        _ => path.to_owned(),
    }
}

fn is_plain(origin: &Origin) -> bool {
    matches!(origin, Origin::File(path, _) if path.extension().is_some_and(|extension| extension == "conf"))
}
