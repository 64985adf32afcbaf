//! Several viewers share a trace, which ends by itself.

use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use procyon_trace::engine::Engine;
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::session::{End, Limits, News, Session, Viewer};
use procyon_trace::{Filter, Style};

use crate::watch::{Kind, plan, start, workload};

const FOREVER: Limits = Limits { time: Duration::from_mins(10), lines: u64::MAX, bytes: u64::MAX };

fn session(target: &Workload, filter: &str, limits: Limits) -> Option<(Session, Viewer)> {
    let plan = plan(target.pid(), filter);
    // Says why, where it is not permitted.
    drop(start(Kind::Ebpf, &plan)?);
    let make = move || -> Result<Box<dyn Engine>, _> { Ok(Box::new(Ebpf::start(&plan)?)) };
    Some(Session::start(make, Style::default(), limits).unwrap())
}

/// Lines until there are so many, or why it ended.
fn lines(viewer: &Viewer, count: usize) -> Result<Vec<String>, End> {
    let (mut lines, begin) = (Vec::new(), Instant::now());
    while lines.len() < count {
        assert!(begin.elapsed() < Duration::from_secs(30), "{lines:?}");
        match viewer.next(Duration::from_millis(100))? {
            Some(News::Batch(told)) => lines.extend(told.iter().map(|told| told.line.clone())),
            Some(News::Missed(count)) => panic!("{count} missed"),
            None => {}
        }
    }
    Ok(lines)
}

#[test]
fn viewers_see_the_same_and_the_last_one_ends_it() {
    let mut target = workload();
    let Some((session, first)) = session(&target, "getppid", FOREVER) else { return };
    let second = session.view();
    target.ask("spin 5");
    let seen = lines(&first, 5).unwrap();
    assert_eq!(seen, lines(&second, 5).unwrap());
    assert!(seen[0].starts_with("getppid()") && seen[0].ends_with(&format!("= {}", std::process::id())), "{seen:?}");
    assert_eq!(session.state().unwrap().summary.calls(), 5);
    session.filter(Filter::parse("openat").unwrap()).unwrap();
    target.ask("spin 5");
    target.ask("open 1 /dev/null");
    assert!(lines(&first, 1).unwrap()[0].starts_with("openat("));
    drop(first);
    assert!(!session.is_over());
    drop(second);
    eventually("it is over", Duration::from_secs(2), || session.is_over().then_some(()));
}

#[test]
fn a_limit_ends_it_and_says_which() {
    let target = workload();
    let short = Limits { time: Duration::from_millis(200), ..FOREVER };
    let Some((_session, viewer)) = session(&target, "", short) else { return };
    assert_eq!(lines(&viewer, 1), Err(End::Limit("time")));
    let mut target = workload();
    let Some((session, viewer)) = self::session(&target, "getppid", Limits { lines: 3, ..FOREVER }) else { return };
    target.ask("spin 5");
    assert_eq!(lines(&viewer, 100), Err(End::Limit("lines")));
    assert!(session.is_over(), "its viewers know it already");
    assert!(matches!(session.view().next(Duration::from_secs(1)), Err(End::Limit("lines"))));
}

#[test]
fn it_goes_on_longer_when_somebody_wants_it_to() {
    let mut target = workload();
    let short = Limits { time: Duration::from_millis(500), ..FOREVER };
    let Some((session, viewer)) = session(&target, "getppid", short) else { return };
    let before = session.used();
    session.extend(Duration::from_mins(2), Duration::from_mins(1));
    let after = session.used();
    let longer = Duration::from_nanos(after.ends - before.ends);
    assert!(longer > Duration::from_secs(59) && longer < Duration::from_mins(1), "{longer:?}");
    session.extend(Duration::from_secs(1), Duration::from_secs(1));
    assert_eq!(session.used().ends, after.ends, "it ends sooner");
    assert_eq!(viewer.next(Duration::from_millis(700)).unwrap().map(|_| ()), None);
    target.ask("spin 3");
    lines(&viewer, 3).unwrap();
    let used = session.used();
    assert!(used.lines == 3 && used.bytes > 3 * 10, "{used:?}");
}

#[test]
fn a_viewer_who_does_not_look_is_told_what_it_missed() {
    let mut target = workload();
    let Some((session, viewer)) = session(&target, "getppid", FOREVER) else { return };
    for _ in 0..100 {
        target.ask("spin 1");
        // A batch for each.
        let before = session.state().unwrap().summary.calls();
        assert!(before > 0);
    }
    // Counted they are before they are told.
    eventually("all are told", Duration::from_secs(5), || (session.used().lines == 100).then_some(()));
    let (mut batches, mut missed) = (0, 0);
    while let Ok(Some(news)) = viewer.next(Duration::from_millis(100)) {
        match news {
            News::Batch(_) => batches += 1,
            News::Missed(count) => missed += count,
        }
    }
    assert!(batches <= 33, "{batches} batches waited, {missed} missed");
}
