//! `drm`: graphics cards of AMD (`/sys/class/drm`, driver amdgpu).

use procyon_linux::attributes::Attributes;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Drm;

/// Files of a card, with the ends of the names that serve them.
const FILES: [(&str, &str, &str); 7] = [
    ("gpu_busy_percent", "gpu_busy_percent", "How busy the GPU is as a percentage."),
    ("mem_info_gtt_total", "memory_gtt_size_bytes", "The size of the graphics translation table (GTT) block in bytes."),
    (
        "mem_info_gtt_used",
        "memory_gtt_used_bytes",
        "The used amount of the graphics translation table (GTT) block in bytes.",
    ),
    ("mem_info_vis_vram_total", "memory_vis_vram_size_bytes", "The size of visible VRAM in bytes."),
    ("mem_info_vis_vram_used", "memory_vis_vram_used_bytes", "The used amount of visible VRAM in bytes."),
    ("mem_info_vram_total", "memory_vram_size_bytes", "The size of VRAM in bytes."),
    ("mem_info_vram_used", "memory_vram_used_bytes", "The used amount of VRAM in bytes."),
];

impl Collector for Drm {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let cards = match at.devices("class/drm") {
            // A machine without graphics.
            Err(error) if error.is_nothing() => return Ok(()),
            cards => cards?,
        };
        for (card, folder) in cards.iter().filter(|(name, _)| is_card(name)) {
            let device = folder.below("device");
            let is_amd = match device.bytes("uevent") {
                Ok(text) => text.split(|byte| *byte == b'\n').any(|line| line == b"DRIVER=amdgpu"),
                // Cards of no device: those that the kernel only simulates.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(source) => return Err(CollectError::Read { path: device.path().join("uevent"), source }),
            };
            if is_amd {
                serve(card, &device, out);
            }
        }
        Ok(())
    }
}

/// `card0`, and not its connectors `card0-HDMI-A-1`.
fn is_card(name: &str) -> bool {
    let number = name.strip_prefix("card").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn serve(card: &str, device: &Attributes, out: &mut Metrics) {
    let text = |file: &str| device.text(file).unwrap_or_default();
    let labels = [
        ("card", card),
        ("memory_vendor", &*text("mem_info_vram_vendor")),
        ("power_performance_level", &*text("power_dpm_force_performance_level")),
        ("unique_id", &*text("unique_id")),
        ("vendor", "amd"),
    ];
    out.gauge("node_drm_card_info", "Card information", &labels, 1.0);
    for (file, name, help) in FILES {
        // What a card does not have is zero, as upstream serves it.
        let value = device.number(file).map_or(0.0, float);
        out.gauge(format!("node_drm_{name}"), help, &[("card", card)], value);
    }
}
