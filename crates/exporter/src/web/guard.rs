//! Who may come in, by `--web.config.file`: TLS, passwords, a limit of requests; and the headers of every answer.
//!
//! The file, and the certificates that it names, are read again when they change. What cannot be read then leaves the old
//! ones in force, with a warning.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyper::header::{HeaderName, HeaderValue};
use procyon_diag::Fault;
use procyon_units::{Clock, Mono};
use tokio_rustls::TlsAcceptor;

use super::auth::Passwords;
use super::config::{Config, Pem, Rate};
use super::tls;

/// The largest file.
const LARGEST_FILE: u64 = 1 << 20;

/// The door.
pub(super) struct Guard {
    path: Option<PathBuf>,
    current: Mutex<Current>,
    clock: Arc<dyn Clock>,
}

struct Current {
    rules: Arc<Rules>,
    /// What the files looked like when they were read, those that could not be read included.
    seen: Vec<(PathBuf, Option<(SystemTime, u64)>)>,
}

/// What holds for a connection.
pub(super) struct Rules {
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) passwords: Passwords,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    rate: Option<Mutex<Bucket>>,
}

struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Option<Mono>,
}

impl Guard {
    /// Reads the file; without one everybody may come in.
    pub(super) fn new(path: &str, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let path = (!path.is_empty()).then(|| PathBuf::from(path));
        let (rules, seen) = match &path {
            Some(path) => load(path)?,
            None => (Rules::of(Config::default())?, Vec::new()),
        };
        Ok(Self { path, current: Mutex::new(Current { rules: Arc::new(rules), seen }), clock })
    }

    /// What holds now.
    pub(super) fn rules(&self) -> Arc<Rules> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && current.seen.iter().any(|(path, before)| look(path) != *before)
        {
            match load(path) {
                Ok((rules, seen)) => {
                    tracing::info!(path = %path.display(), "read --web.config.file again");
                    *current = Current { rules: Arc::new(rules), seen };
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                    tracing::warn!(%error, cause, "what --web.config.file said before stays in force");
                    for (path, seen) in &mut current.seen {
                        *seen = look(path);
                    }
                }
            }
        }
        Arc::clone(&current.rules)
    }

    /// Whether one more request fits into the limit.
    pub(super) fn has_room(&self, rules: &Rules) -> bool {
        let Some(bucket) = &rules.rate else { return true };
        bucket.lock().unwrap_or_else(PoisonError::into_inner).take(self.clock.mono())
    }
}

impl Bucket {
    fn take(&mut self, now: Mono) -> bool {
        let grown = self.at.map_or(0.0, |at| now.since(at).as_secs_f64() / self.rate.interval.as_secs_f64());
        self.tokens = (self.tokens + grown).min(f64::from(self.rate.burst));
        self.at = Some(now);
        let fits = self.tokens >= 1.0;
        if fits {
            self.tokens -= 1.0;
        }
        fits
    }
}

impl Rules {
    fn of(config: Config) -> Result<Self, Fault> {
        let mut headers = Vec::new();
        for (name, value) in config.headers {
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) else {
                return Err(Fault::usage(format!("--web.config.file: header {name} holds what headers cannot hold")));
            };
            headers.push((name, value));
        }
        let protocols = if config.only_http1 { tls::HTTP1_ALONE } else { tls::HTTP2_AND_1 };
        let bucket = |rate: Rate| Mutex::new(Bucket { rate, tokens: f64::from(rate.burst), at: None });
        Ok(Self {
            tls: config.tls.as_ref().map(|tls| tls::acceptor(tls, protocols)).transpose()?,
            passwords: Passwords::new(config.users),
            headers,
            rate: config.rate.map(bucket),
        })
    }
}

/// When a file was changed last, and its size.
fn look(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

type Seen = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

fn load(path: &Path) -> Result<(Rules, Seen), Fault> {
    let mut seen = vec![(path.to_owned(), look(path))];
    let unreadable =
        |error| Fault::usage(format!("--web.config.file: could not read {}", path.display())).because(error);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(Fault::usage(format!("--web.config.file: {} is larger than 1 MiB", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let config = Config::parse(&text, folder)
        .map_err(|error| Fault::usage(format!("--web.config.file: {}: {error}", path.display())))?;
    if let Some(tls) = &config.tls {
        for pem in [Some(&tls.certificate), Some(&tls.key), tls.authority.as_ref()].into_iter().flatten() {
            if let Pem::File(path) = pem {
                seen.push((path.clone(), look(path)));
            }
        }
    }
    Ok((Rules::of(config)?, seen))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use procyon_units::SystemClock;

    use super::*;

    #[test]
    fn a_limit_of_requests_refills() {
        let rate = Rate { interval: Duration::from_secs(1), burst: 2 };
        let mut bucket = Bucket { rate, tokens: 2.0, at: None };
        let mut take = |millis: u64| bucket.take(Mono(millis * 1_000_000));
        assert_eq!(
            [take(0), take(1), take(2), take(900), take(1100), take(1200)],
            [true, true, false, false, true, false]
        );
    }

    #[test]
    fn a_file_that_changes_is_read_again_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        let write = |value: &str| {
            let text = format!("http_server_config:\n  headers:\n    X-Frame-Options: {value}\n");
            std::fs::write(&path, text).unwrap();
        };
        write("deny");
        let guard = Guard::new(path.to_str().unwrap(), Arc::new(SystemClock)).unwrap();
        let header = || guard.rules().headers.first().map(|(_, value)| value.to_str().unwrap().to_owned());
        assert_eq!(header().as_deref(), Some("deny"));
        write("sameorigin");
        assert_eq!(header().as_deref(), Some("sameorigin"));
        std::fs::write(&path, "nonsense: 1\n").unwrap();
        assert_eq!(header().as_deref(), Some("sameorigin"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(header().as_deref(), Some("sameorigin"));
        assert!(Guard::new(path.to_str().unwrap(), Arc::new(SystemClock)).is_err());
    }
}
