//! Collectors of devices, on folders laid out as the kernel lays them out, and on this machine's processors.

use std::path::Path;

use crate::exposition::{read, scrape};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn cards_of_amd_are_told_and_others_and_connectors_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("class/drm");
    for (file, text) in [
        ("card0/device/uevent", "DRIVER=amdgpu\nPCI_CLASS=30000\n"),
        ("card0/device/gpu_busy_percent", "4\n"),
        ("card0/device/mem_info_gtt_total", "8573157376\n"),
        ("card0/device/mem_info_gtt_used", "144560128\n"),
        ("card0/device/mem_info_vis_vram_total", "8573157376\n"),
        ("card0/device/mem_info_vis_vram_used", "1490378752\n"),
        ("card0/device/mem_info_vram_total", "8573157376\n"),
        ("card0/device/mem_info_vram_vendor", "samsung\n"),
        ("card0/device/power_dpm_force_performance_level", "manual\n"),
        ("card0/device/unique_id", "0123456789abcdef\n"),
        ("card0-DP-1/device/uevent", "DRIVER=amdgpu\n"),
        ("card1/device/uevent", "DRIVER=i915\n"),
        ("card2/dev", "226:2\n"),
        ("version", "drm 1.1.0 20060810\n"),
    ] {
        write(&class.join(file), text);
    }
    let sysfs = format!("--path.sysfs={}", folder.path().display());
    let text = scrape(&["--collector.disable-defaults", "--collector.drm", &sysfs]);
    let expected = "\
# HELP node_drm_card_info Card information
# TYPE node_drm_card_info gauge
node_drm_card_info{card=\"card0\",memory_vendor=\"samsung\",power_performance_level=\"manual\",unique_id=\"0123456789abcdef\",vendor=\"amd\"} 1
# HELP node_drm_gpu_busy_percent How busy the GPU is as a percentage.
# TYPE node_drm_gpu_busy_percent gauge
node_drm_gpu_busy_percent{card=\"card0\"} 4
# HELP node_drm_memory_gtt_size_bytes The size of the graphics translation table (GTT) block in bytes.
# TYPE node_drm_memory_gtt_size_bytes gauge
node_drm_memory_gtt_size_bytes{card=\"card0\"} 8.573157376e+09
# HELP node_drm_memory_gtt_used_bytes The used amount of the graphics translation table (GTT) block in bytes.
# TYPE node_drm_memory_gtt_used_bytes gauge
node_drm_memory_gtt_used_bytes{card=\"card0\"} 1.44560128e+08
# HELP node_drm_memory_vis_vram_size_bytes The size of visible VRAM in bytes.
# TYPE node_drm_memory_vis_vram_size_bytes gauge
node_drm_memory_vis_vram_size_bytes{card=\"card0\"} 8.573157376e+09
# HELP node_drm_memory_vis_vram_used_bytes The used amount of visible VRAM in bytes.
# TYPE node_drm_memory_vis_vram_used_bytes gauge
node_drm_memory_vis_vram_used_bytes{card=\"card0\"} 1.490378752e+09
# HELP node_drm_memory_vram_size_bytes The size of VRAM in bytes.
# TYPE node_drm_memory_vram_size_bytes gauge
node_drm_memory_vram_size_bytes{card=\"card0\"} 8.573157376e+09
# HELP node_drm_memory_vram_used_bytes The used amount of VRAM in bytes.
# TYPE node_drm_memory_vram_used_bytes gauge
node_drm_memory_vram_used_bytes{card=\"card0\"} 0
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("node_scrape_collector_success{collector=\"drm\"} 1\n"));
}

#[test]
fn what_the_kernel_counts_is_served_by_processor() {
    let arguments = ["--collector.disable-defaults", "--collector.perf", "--collector.perf.cpus=0"];
    let text = scrape(&arguments);
    if !text.contains("node_perf_") {
        println!("skipped: this user may not open counters of the whole machine");
        assert!(text.contains("node_scrape_collector_success{collector=\"perf\"} 0\n"), "{text}");
        return;
    }
    assert!(text.contains("node_scrape_collector_success{collector=\"perf\"} 1\n"), "{text}");
    for name in ["context_switches", "cpu_migrations", "major_faults", "minor_faults", "page_faults"] {
        assert!(text.contains(&format!("# TYPE node_perf_{name}_total counter\n")), "{text}");
        assert!(text.contains(&format!("node_perf_{name}_total{{cpu=\"0\"}} ")), "{text}");
    }
    let none = scrape(&[
        "--collector.disable-defaults",
        "--collector.perf",
        "--collector.perf.disable-hardware-profilers",
        "--collector.perf.disable-cache-profilers",
        "--collector.perf.software-profilers=PageFault",
    ]);
    let processors = std::thread::available_parallelism().unwrap().get();
    let families = read(&none);
    assert_eq!(families.keys().filter(|name| name.starts_with("node_perf_")).count(), 1, "{none}");
    assert!(*families.get("node_perf_page_faults_total").unwrap() >= processors, "{none}");
}

#[test]
fn a_counter_of_the_kernel_grows_with_what_it_counts() {
    use procyon_exporter::scrape::Collectors;
    let arguments =
        ["--collector.disable-defaults", "--collector.perf", "--collector.perf.software-profilers=PageFault"];
    let flags = crate::exposition::flags(&arguments);
    let collectors = Collectors::new(&flags, std::sync::Arc::new(procyon_units::SystemClock)).unwrap();
    let faults = || -> Option<f64> {
        let families = collectors.scrape(|_| true, None, |_| {});
        let family = families.iter().find(|family| family.name == "node_perf_page_faults_total")?;
        Some(family.samples.iter().map(|sample| sample.value).sum())
    };
    let Some(before) = faults() else {
        println!("skipped: this user may not open counters of the whole machine");
        return;
    };
    // A page is not there before it is touched.
    let pages = 4096;
    let mut memory = vec![0_u8; pages * 4096];
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&memory);
    let after = faults().unwrap();
    // Huge pages come 512 at a time.
    assert!(after - before >= 8.0, "{before} and {after} page faults");
}
