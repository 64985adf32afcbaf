use procyon_model::catalogue;
use procyon_model::view::sort::{Order, sort_processes, top_processes};

use crate::rows::{busy, row};

fn order(id: &str, descending: bool) -> Order<procyon_model::ProcessRow> {
    Order { by: catalogue::process(id).unwrap(), descending }
}

#[test]
fn unknown_values_stand_last_whichever_way_the_order_goes() {
    let rows = [busy(1, "a", 0.5, 0), row(2, 1, "b", 5), busy(3, "c", 2.0, 0)];
    let mut sorted: Vec<_> = rows.iter().collect();
    sort_processes(&mut sorted, order("cpu", true));
    assert_eq!(sorted.iter().map(|row| row.key.pid).collect::<Vec<_>>(), [3, 1, 2]);
    sort_processes(&mut sorted, order("cpu", false));
    assert_eq!(sorted.iter().map(|row| row.key.pid).collect::<Vec<_>>(), [1, 3, 2]);
}

#[test]
fn equal_rows_keep_the_order_of_start_then_pid() {
    let rows = [row(9, 1, "a", 3), row(5, 1, "a", 3), row(7, 1, "a", 1)];
    let mut sorted: Vec<_> = rows.iter().collect();
    sort_processes(&mut sorted, order("name", true));
    assert_eq!(sorted.iter().map(|row| row.key.pid).collect::<Vec<_>>(), [7, 5, 9]);
}

#[test]
fn the_top_is_the_head_of_the_whole_order() {
    let rows: Vec<_> = (1..200).map(|pid| busy(pid, "x", f64::from(pid * 37 % 101), 0)).collect();
    let mut sorted: Vec<_> = rows.iter().collect();
    sort_processes(&mut sorted, order("cpu", true));
    let top = top_processes(rows.iter().collect(), order("cpu", true), 10);
    assert!(top.iter().zip(&sorted).all(|(a, b)| a.key == b.key));
    assert_eq!(top.len(), 10);
    assert_eq!(top_processes(rows.iter().collect(), order("cpu", true), 1000).len(), 199);
    assert!(top_processes(rows.iter().collect(), order("cpu", true), 0).is_empty());
}
