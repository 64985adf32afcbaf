//! `/metrics` of `procyon up`: the node collectors, read at each scrape, groups of processes out of the newest frame, and how the
//! keeping of the past is doing.

mod history;

use std::sync::{Arc, OnceLock};

use procyon_api::{Kept, Metrics, Scraped};
use procyon_diag::Fault;
use procyon_exporter::flags::Flags;
use procyon_exporter::scrape::{self, Own};
use procyon_exporter::web::{self, Asked, Exporter};
use procyon_model::feed::Feed;
use procyon_units::SystemClock;

use crate::cli::VERSION;
use crate::options::Settings;
use history::History;

/// Made when somebody asks for the first time: a monitor that nobody scrapes does not pay for it.
struct Served {
    flags: Flags,
    feed: Arc<Feed>,
    kept: Kept,
    exporter: OnceLock<Option<Arc<Exporter>>>,
}

impl Served {
    fn make(&self) -> Result<Arc<Exporter>, Fault> {
        let own: Vec<Own> = vec![("history", Box::new(History::new(self.kept.clone())))];
        Exporter::beside(&self.flags, VERSION, (Arc::clone(&self.feed), own), Arc::new(SystemClock)).map(Arc::new)
    }
}

impl Metrics for Served {
    fn answer(&self, query: &str, header: &dyn Fn(&str) -> String) -> Scraped {
        let exporter = self.exporter.get_or_init(|| {
            let made = self.make();
            made.inspect_err(|error| tracing::error!(%error, "could not make what answers /metrics")).ok()
        });
        let Some(exporter) = exporter else {
            let body = "metrics could not be made; the log says why\n".into();
            return Scraped { status: 500, content_type: "text/plain; charset=utf-8", encoding: None, body };
        };
        let web::Scraped { status, content_type, encoding, body } = exporter.answer(&Asked::new(query, header));
        Scraped { status, content_type, encoding, body }
    }
}

/// What answers; none where nobody wants it.
pub(super) fn metrics(settings: &Settings, feed: &Arc<Feed>, kept: &Kept) -> Result<Option<Arc<dyn Metrics>>, Fault> {
    if !settings.metrics.enabled {
        return Ok(None);
    }
    let mut flags = Flags::default();
    flags.declare(web::FLAGS);
    scrape::declare(&mut flags);
    let collect = &settings.collect;
    let places = [("procfs", &collect.proc), ("sysfs", &collect.sys), ("rootfs", &collect.root)]
        .map(|(name, path)| format!("--path.{name}={}", path.display()));
    let wrong = |fault: Fault| fault.hint("this came from the option `metrics.flags`");
    let given = &settings.metrics.flags;
    flags.parse(places.into_iter().chain(given.iter().cloned())).map_err(|error| wrong(error.into()))?;
    let served = Served { flags, feed: Arc::clone(feed), kept: kept.clone(), exporter: OnceLock::new() };
    // Mistakes in flags end the start.
    if !given.is_empty() {
        let exporter = served.make().map_err(wrong)?;
        return Ok(Some(Arc::new(Served { exporter: OnceLock::from(Some(exporter)), ..served })));
    }
    Ok(Some(Arc::new(served)))
}
