//! Processes under their parents.

use std::collections::HashMap;

use crate::process::ProcessRow;

/// A process in tree order.
#[derive(Debug, Clone, Copy)]
pub struct Branch<'a> {
    /// The process.
    pub row: &'a ProcessRow,
    /// How many ancestors of it are in the tree.
    pub depth: u16,
    /// Whether the filter chose it; else it is there as the ancestor of one that was.
    pub matched: bool,
}

/// Deepest nesting that is followed; deeper processes are shown at this depth.
const MAX_DEPTH: u16 = 512;

/// Puts the matched processes and their ancestors in tree order: parents before children, siblings in the order in which
/// `all` lists them. A process whose parent is not there is a root.
pub fn tree<'a>(all: &[&'a ProcessRow], matched: impl Fn(&ProcessRow) -> bool) -> Vec<Branch<'a>> {
    let by_pid: HashMap<u32, usize> = all.iter().enumerate().map(|(at, row)| (row.key.pid, at)).collect();
    // A parent that started after its child took over the pid of a dead one; the child is then a root.
    let parent_of = |at: usize| {
        let row = all.get(at)?;
        let parent = *by_pid.get(&row.ppid)?;
        let older = all.get(parent)?.key.start <= row.key.start;
        (parent != at && older).then_some(parent)
    };
    let chosen: Vec<bool> = all.iter().map(|row| matched(row)).collect();
    let mut wanted = chosen.clone();
    for start in 0..all.len() {
        let mut at = start;
        while let (Some(true), Some(parent)) = (wanted.get(at).copied(), parent_of(at)) {
            match wanted.get_mut(parent) {
                Some(seen) if !*seen => *seen = true,
                _ => break,
            }
            at = parent;
        }
    }
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    let mut stack: Vec<(usize, u16)> = Vec::new();
    for at in (0..all.len()).rev().filter(|at| wanted.get(*at).copied().unwrap_or(false)) {
        match parent_of(at) {
            Some(parent) => children.get_mut(parent).map_or((), |list| list.push(at)),
            None => stack.push((at, 0)),
        }
    }
    let mut branches = Vec::with_capacity(all.len());
    let mut placed = vec![false; all.len()];
    while let Some((at, depth)) = stack.pop() {
        let (Some(row), Some(seen)) = (all.get(at), placed.get_mut(at)) else { continue };
        if std::mem::replace(seen, true) {
            continue;
        }
        branches.push(Branch { row, depth, matched: chosen.get(at).copied().unwrap_or(false) });
        if let Some(list) = children.get(at) {
            stack.extend(list.iter().map(|child| (*child, (depth + 1).min(MAX_DEPTH))));
        }
    }
    branches
}
