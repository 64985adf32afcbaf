//! The process object of the compatibility API. Fields and units are frozen: kB, cores, clock ticks.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use procyon_model::process::Memory;
use procyon_model::{Frame, ProcessRow};
use procyon_units::{Bytes, Wall};
use serde::Serialize;

use crate::live::Encoder;
use crate::rows::readable;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process {
    pid: u32,
    p_pid: u32,
    name: String,
    tgid: u32,
    state: String,
    uid: u32,
    gid: u32,
    threads: u32,
    vm_peak: u64,
    vm_size: u64,
    vm_lck: u64,
    vm_pin: u64,
    #[serde(rename = "vmHWM")]
    vm_hwm: u64,
    vm_rss: u64,
    vm_data: u64,
    vm_stk: u64,
    vm_exe: u64,
    vm_lib: u64,
    #[serde(rename = "vmPTE")]
    vm_pte: u64,
    vm_swap: u64,
    #[serde(rename = "voluntaryCS")]
    voluntary_cs: u64,
    #[serde(rename = "noVoluntaryCS")]
    no_voluntary_cs: u64,
    cpu_usage: f64,
    cpu_used: u64,
    time: i64,
    if_alarm: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_message: Option<AlarmMessage>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlarmMessage {
    cpu_msg: String,
    vm_msg: String,
}

/// One process, without alarm message.
pub(super) fn snapshot(at: Wall, row: &ProcessRow) -> Process {
    // What is not known is 0 here: the fields of this API have no null.
    let memory = row.memory.get().copied().unwrap_or_default();
    let kb = |take: fn(&Memory) -> Bytes| take(&memory).kib();
    let switches = row.switches.get().copied().unwrap_or_default();
    Process {
        pid: row.key.pid,
        p_pid: row.ppid,
        name: readable(&row.descriptor.cmd),
        tgid: row.tgid,
        state: readable(&[row.state.0]),
        uid: row.uid,
        gid: row.gid,
        threads: row.threads,
        vm_peak: kb(|m| m.peak),
        vm_size: kb(|m| m.size),
        vm_lck: kb(|m| m.locked),
        vm_pin: kb(|m| m.pinned),
        vm_hwm: kb(|m| m.high_water),
        vm_rss: kb(|m| m.resident),
        vm_data: kb(|m| m.data),
        vm_stk: kb(|m| m.stack),
        vm_exe: kb(|m| m.text),
        vm_lib: kb(|m| m.library),
        vm_pte: kb(|m| m.page_tables),
        vm_swap: kb(|m| m.swap),
        voluntary_cs: switches.voluntary,
        no_voluntary_cs: switches.involuntary,
        cpu_usage: row.rates.cpu().map_or(0.0, |cores| (cores.0 * 10_000.0).round() / 10_000.0),
        cpu_used: row.cpu.total().ticks().get(),
        time: at.unix_ms(),
        if_alarm: false,
        alarm_message: None,
    }
}

/// The stream: all processes each tick, busiest first.
#[derive(Debug, Default)]
pub(super) struct Stream(Option<Utf8Bytes>);

impl Encoder for Stream {
    fn tick(&mut self, frames: &[Arc<Frame>]) -> Option<Utf8Bytes> {
        let frame = frames.last()?;
        let mut rows: Vec<&ProcessRow> = frame.processes.iter().collect();
        let cpu = |row: &ProcessRow| row.rates.cpu().map_or(0.0, |cores| cores.0);
        rows.sort_by(|a, b| {
            cpu(b).total_cmp(&cpu(a)).then_with(|| b.cpu.total().cmp(&a.cpu.total())).then_with(|| a.key.cmp(&b.key))
        });
        let objects: Vec<Process> = rows
            .into_iter()
            .map(|row| Process {
                alarm_message: Some(AlarmMessage { cpu_msg: String::new(), vm_msg: String::new() }),
                ..snapshot(frame.wall, row)
            })
            .collect();
        self.0 = serde_json::to_string(&objects).ok().map(Into::into);
        self.0.clone()
    }

    fn full(&mut self) -> Option<Utf8Bytes> {
        self.0.clone()
    }

    fn gap(&self, _missed: u64) -> Option<Utf8Bytes> {
        None
    }
}
