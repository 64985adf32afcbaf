use procyon_model::view::group::group;
use procyon_model::{Value, catalogue};

use crate::rows::{busy, row};

#[test]
fn sums_leave_unknown_members_out_and_are_unknown_without_any() {
    let rows = [busy(1, "web", 0.5, 100), busy(2, "web", 1.5, 50), row(3, 1, "web", 9), row(4, 1, "idle", 9)];
    let groups = group(&rows.iter().collect::<Vec<_>>(), catalogue::process("name").unwrap());
    let values = |id: &str| -> Vec<Value<'_>> {
        groups.iter().map(|group| group.value_of(catalogue::process(id).unwrap())).collect()
    };
    assert_eq!(groups.iter().map(|group| &*group.value).collect::<Vec<_>>(), [&b"idle"[..], b"web"]);
    assert_eq!(values("cpu"), [Value::Unknown, Value::Float(2.0)]);
    assert_eq!(values("rss"), [Value::Unknown, Value::Uint(150)]);
    assert_eq!(values("threads"), [Value::Uint(1), Value::Uint(3)]);
    assert_eq!(values("pid"), [Value::Uint(4), Value::Uint(1)]);
    assert_eq!(values("user"), [Value::text(b"root"), Value::text(b"root")]);
}
