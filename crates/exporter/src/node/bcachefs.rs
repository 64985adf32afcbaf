//! `bcachefs`: counters, errors and devices of each file system (`/sys/fs/bcachefs`).

use procyon_linux::attributes::Attributes;
use procyon_linux::storage::bcachefs::{rows, since_creation, size};

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Bcachefs;

impl Collector for Bcachefs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let systems = at.devices("fs/bcachefs")?;
        if systems.is_empty() {
            return Err(CollectError::Nothing("no bcachefs is mounted".to_owned()));
        }
        for (uuid, folder) in systems {
            system(("uuid", &uuid), &folder, out);
        }
        Ok(())
    }
}

type Label<'a> = (&'static str, &'a str);

fn system(uuid: Label<'_>, folder: &Attributes, out: &mut Metrics) {
    out.gauge("node_bcachefs_info", "Filesystem information.", &[uuid], 1.0);
    let text = |name: &str| folder.bytes(name).unwrap_or_default();
    if let Some(bytes) = size(text("btree_cache_size").trim_ascii()) {
        let help = "Btree cache memory usage in bytes.";
        out.gauge("node_bcachefs_btree_cache_size_bytes", help, &[uuid], float(bytes));
    }
    // The first line is the heading.
    for (algorithm, values) in rows(&text("compression_stats")).into_iter().skip(1) {
        let [compressed, uncompressed, ..] = &*values else { continue };
        let labels = [uuid, ("algorithm", &*algorithm)];
        let bytes = |word: &str| size(word.as_bytes()).map_or(0.0, float);
        let (name, help) = ("node_bcachefs_compression_compressed_bytes", "Compressed size by algorithm.");
        out.gauge(name, help, &labels, bytes(compressed));
        let (name, help) = ("node_bcachefs_compression_uncompressed_bytes", "Uncompressed size by algorithm.");
        out.gauge(name, help, &labels, bytes(uncompressed));
    }
    for (kind, values) in rows(&text("errors")) {
        if let Some(count) = values.first().and_then(|word| size(word.as_bytes())) {
            let labels = [uuid, ("error_type", &*kind)];
            out.counter("node_bcachefs_errors_total", "Error count by error type.", &labels, float(count));
        }
    }
    counters(uuid, &folder.below("counters"), out);
    for (kind, values) in rows(&text("btree_write_stats")).into_iter().skip(1) {
        let [count, average, ..] = &*values else { continue };
        let labels = [uuid, ("type", &*kind)];
        let value = |word: &str| size(word.as_bytes()).map_or(0.0, float);
        out.counter("node_bcachefs_btree_writes_total", "Number of btree writes by type.", &labels, value(count));
        let (name, help) = ("node_bcachefs_btree_write_average_size_bytes", "Average btree write size by type.");
        out.gauge(name, help, &labels, value(average));
    }
    for name in folder.names() {
        if let Some(number) = name.strip_prefix("dev-") {
            device([uuid, ("device", number)], &folder.below(&*name), out);
        }
    }
}

fn counters(uuid: Label<'_>, folder: &Attributes, out: &mut Metrics) {
    for name in folder.names() {
        let Some(value) = folder.bytes(&*name).ok().and_then(|text| since_creation(&text)) else { continue };
        let help = format!("Bcachefs counter {name} since filesystem creation.");
        out.counter(format!("node_bcachefs_{}_total", super::clean(&name)), help, &[uuid], float(value));
    }
}

fn device(labels: [Label<'_>; 2], folder: &Attributes, out: &mut Metrics) {
    let [uuid, device] = labels;
    let (label, state) = (folder.text("label").unwrap_or_default(), folder.text("state").unwrap_or_default());
    let info = [uuid, device, ("label", &*label), ("state", &*state)];
    out.gauge("node_bcachefs_device_info", "Device information.", &info, 1.0);
    let all = [
        ("bucket_size", "node_bcachefs_device_bucket_size_bytes", "Bucket size in bytes."),
        ("nbuckets", "node_bcachefs_device_buckets", "Total number of buckets."),
        ("durability", "node_bcachefs_device_durability", "Device durability setting."),
    ];
    for (file, name, help) in all {
        let value = folder.bytes(file).ok().and_then(|text| size(text.trim_ascii()));
        out.gauge(name, help, &labels, value.map_or(0.0, float));
    }
    let mut operation = String::new();
    for (name, values) in rows(&folder.bytes("io_done").unwrap_or_default()) {
        let Some(value) = values.first() else {
            operation = name.into_string();
            continue;
        };
        let labels = [uuid, device, ("operation", &*operation), ("data_type", &*name)];
        let (family, help) = ("node_bcachefs_device_io_done_bytes_total", "IO bytes by operation type and data type.");
        out.counter(family, help, &labels, size(value.as_bytes()).map_or(0.0, float));
    }
    // The second block of the file counts since another time.
    let errors = rows(&folder.bytes("io_errors").unwrap_or_default());
    for (name, values) in errors.iter().skip(1).take_while(|(name, _)| &**name != "IO") {
        let labels = [uuid, device, ("type", &**name)];
        let value = values.first().and_then(|word| size(word.as_bytes()));
        let (family, help) = ("node_bcachefs_device_io_errors_total", "IO errors by error type.");
        out.counter(family, help, &labels, value.map_or(0.0, float));
    }
}
