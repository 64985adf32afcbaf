//! `processes`: how many processes and threads there are, by state.

use std::collections::BTreeMap;

use procyon_linux::attributes;
use procyon_linux::proc::pid_stat;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Processes;

#[derive(Default)]
struct Counts {
    processes: u64,
    threads: u64,
    states: BTreeMap<char, u64>,
    thread_states: BTreeMap<char, u64>,
}

impl Collector for Processes {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let counts = count(at)?;
        out.gauge("node_processes_threads", "Allocated threads in system", &[], float(counts.threads));
        let most = at.proc_number("sys/kernel/threads-max")?;
        out.gauge("node_processes_max_threads", "Limit of threads in the system", &[], most);
        for (state, count) in &counts.states {
            let state = state.to_string();
            let help = "Number of processes in each state.";
            out.gauge("node_processes_state", help, &[("state", &state)], float(*count));
        }
        for (state, count) in &counts.thread_states {
            let state = state.to_string();
            let help = "Number of threads in each state.";
            out.gauge("node_processes_threads_state", help, &[("thread_state", &state)], float(*count));
        }
        out.gauge("node_processes_pids", "Number of PIDs", &[], float(counts.processes));
        let most = at.proc_number("sys/kernel/pid_max")?;
        out.gauge("node_processes_max_processes", "Number of max PIDs limit", &[], most);
        Ok(())
    }
}

fn count(at: &Places) -> Result<Counts, CollectError> {
    let path = at.root().proc("");
    let names = attributes::names(&path).map_err(|source| CollectError::Read { path: path.clone(), source })?;
    let mut counts = Counts::default();
    let mut buffer = Vec::new();
    for pid in names.iter().filter(|name| is_number(name)) {
        // A process may end at any time.
        let folder = path.join(&**pid);
        if attributes::read_into(&folder.join("stat"), &mut buffer).is_err() {
            continue;
        }
        let Some((state, threads)) = pid_stat::parse(&buffer).map(|stat| (char::from(stat.state), stat.threads)) else {
            continue;
        };
        counts.processes += 1;
        counts.threads += u64::from(threads);
        *counts.states.entry(state).or_default() += 1;
        let tasks = folder.join("task");
        for tid in attributes::names(&tasks).unwrap_or_default() {
            if *tid == **pid {
                *counts.thread_states.entry(state).or_default() += 1;
                continue;
            }
            if attributes::read_into(&tasks.join(&*tid).join("stat"), &mut buffer).is_ok()
                && let Some(stat) = pid_stat::parse(&buffer)
            {
                *counts.thread_states.entry(char::from(stat.state)).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}
