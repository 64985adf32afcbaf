use procyon_model::ProcessRow;
use procyon_model::view::tree::tree;

use crate::rows::row;

fn check(rows: &[ProcessRow], matched: &[u32], expected: &[(u32, u16, bool)]) {
    let all: Vec<_> = rows.iter().collect();
    let branches = tree(&all, |row| matched.contains(&row.key.pid));
    let found: Vec<_> = branches.iter().map(|branch| (branch.row.key.pid, branch.depth, branch.matched)).collect();
    assert_eq!(found, expected);
}

#[test]
fn ancestors_of_a_match_are_kept_and_marked() {
    let rows = [row(1, 0, "init", 0), row(2, 1, "sshd", 1), row(3, 2, "bash", 2), row(4, 1, "cron", 3)];
    check(&rows, &[3], &[(1, 0, false), (2, 1, false), (3, 2, true)]);
    check(&rows, &[1, 2, 3, 4], &[(1, 0, true), (2, 1, true), (3, 2, true), (4, 1, true)]);
    check(&rows, &[], &[]);
}

#[test]
fn a_process_whose_parent_is_gone_is_a_root() {
    check(&[row(5, 4, "orphan", 9)], &[5], &[(5, 0, true)]);
}

#[test]
fn a_younger_process_that_took_the_pid_of_the_parent_is_no_parent() {
    check(&[row(4, 1, "new", 50), row(5, 4, "old", 9)], &[4, 5], &[(4, 0, true), (5, 0, true)]);
}

#[test]
fn a_circle_of_parents_neither_hangs_nor_loses_the_rest() {
    let rows = [row(1, 0, "init", 0), row(2, 3, "a", 5), row(3, 2, "b", 5)];
    let all: Vec<_> = rows.iter().collect();
    let branches = tree(&all, |_| true);
    assert!(branches.iter().any(|branch| branch.row.key.pid == 1));
    assert!(branches.len() <= 3);
}

#[test]
fn a_chain_of_ten_thousand_is_no_deeper_than_the_limit() {
    let rows: Vec<_> = (1..10_000).map(|pid| row(pid, pid - 1, "x", u64::from(pid))).collect();
    let all: Vec<_> = rows.iter().collect();
    let branches = tree(&all, |_| true);
    assert_eq!(branches.len(), rows.len());
    assert!(branches.iter().all(|branch| branch.depth <= 512));
}
