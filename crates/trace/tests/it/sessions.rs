//! Several viewers share a trace, which ends by itself.

use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::engine::{Engine, EngineError};
use procyon_trace::session::{End, Limits, News, Session, Viewer};
use procyon_trace::{Breakdown, Filter, Options, Style};

use crate::watch::{Kind, plan, start, workload};

const FOREVER: Limits = Limits { time: Duration::from_mins(10), lines: u64::MAX, bytes: u64::MAX };

fn session(target: &Workload, filter: &str, limits: Limits) -> Option<(Session, Viewer)> {
    let plan = plan(target.pid(), filter);
    // Says why, where it is not permitted.
    drop(start(Kind::Ebpf, &plan)?);
    let make = move || -> Result<Box<dyn Engine>, _> { Ok(Box::new(Ebpf::start(&plan)?)) };
    let style = Style { options: Options { descriptors: true, ..Options::default() }, ..Style::default() };
    Some(Session::start(make, style, limits, &|| false).unwrap())
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
    let second = session.view(FOREVER).unwrap();
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
    assert!(session.view(FOREVER).is_none());
}

#[test]
fn each_viewer_has_the_limits_that_it_asked_for() {
    let mut target = workload();
    let Some((session, brief)) = session(&target, "getppid", Limits { lines: 3, ..FOREVER }) else { return };
    let patient = session.view(Limits { lines: 10, ..FOREVER }).unwrap();
    target.ask("spin 5");
    let few = lines(&brief, 100);
    assert_eq!(few, Err(End::Limit("lines")));
    assert_eq!(lines(&patient, 5).map(|lines| lines.len()), Ok(5), "the limit of another one ended it");
    assert!(!session.is_over());
    // Who comes later begins to count then.
    let late = session.view(Limits { lines: 3, ..FOREVER }).unwrap();
    assert_eq!((late.allowance().used().lines, patient.allowance().used().lines), (0, 5));
    let fleeting = session.view(Limits { time: Duration::from_millis(100), ..FOREVER }).unwrap();
    assert_eq!(lines(&fleeting, 1), Err(End::Limit("time")));
    target.ask("spin 5");
    assert_eq!(lines(&late, 100), Err(End::Limit("lines")));
    assert_eq!(lines(&patient, 100), Err(End::Limit("lines")), "ten lines are enough");
    assert!(session.is_over(), "the last one has left");
}

#[test]
fn a_viewer_that_gives_up_is_let_go_of_while_it_waits() {
    let target = workload();
    let Some((session, first)) = session(&target, "getppid", FOREVER) else { return };
    let second = session.view(FOREVER).unwrap();
    second.allowance().give_up();
    assert_eq!(second.next(Duration::from_secs(30)).map(|_| ()), Err(End::Asked));
    assert!(!session.is_over(), "the first one looks on");
    first.allowance().give_up();
    assert_eq!(first.next(Duration::from_secs(30)).map(|_| ()), Err(End::Asked));
    assert!(session.is_over());
}

#[test]
fn nobody_waits_for_a_trace_that_is_not_wanted_any_more() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let make = move || -> Result<Box<dyn Engine>, _> {
        wait.recv().ok();
        Err(EngineError::Unknown(1))
    };
    let began = Instant::now();
    let unwanted = || began.elapsed() > Duration::from_millis(100);
    let error = Session::start(make, Style::default(), FOREVER, &unwanted).err().unwrap();
    assert!(matches!(error, EngineError::Unwanted), "{error}");
    drop(go);
}

#[test]
fn it_is_known_who_calls_on_which_files_and_what_fails() {
    let mut target = workload();
    let Some((session, _viewer)) = session(&target, "getppid,openat,write", FOREVER) else { return };
    target.ask("spin 7");
    target.ask("threads 2 3");
    target.ask("open 4 /nonexistent/of/procyon");
    let all = |breakdown: &Breakdown| breakdown.threads.first.iter().map(|(_, share)| share.calls).sum::<u64>() >= 17;
    let Breakdown { threads, files, errors } = eventually("all calls are counted", Duration::from_secs(20), || {
        Some(session.state().unwrap().breakdown).filter(all)
    });
    assert_eq!(threads.first[0].0.who.thread, target.pid(), "{threads:?}");
    assert_eq!(threads.first.iter().filter(|(_, share)| share.calls == 3).count(), 2, "{threads:?}");
    assert!(threads.first[0].0.name.is_some(), "{threads:?}");
    let file = files.first.iter().find(|(name, _)| name == "/nonexistent/of/procyon").unwrap().1;
    assert_eq!((file.calls, file.errors), (4, 4), "{files:?}");
    let failed = errors.first.iter().find(|(failure, _)| failure.call == "openat").unwrap();
    assert_eq!((failed.0.error.as_ref(), failed.1.calls, failed.1.errors), ("ENOENT", 4, 4), "{errors:?}");
    assert!(failed.1.total > 0, "{errors:?}");
}

#[test]
fn it_goes_on_longer_when_somebody_wants_it_to() {
    let mut target = workload();
    let short = Limits { time: Duration::from_secs(3), ..FOREVER };
    let Some((_session, viewer)) = session(&target, "getppid", short) else { return };
    let before = viewer.allowance().used();
    viewer.allowance().extend(Duration::from_mins(2), Duration::from_mins(1));
    let after = viewer.allowance().used();
    let longer = Duration::from_nanos(after.ends - before.ends);
    let from_now = Duration::from_nanos(after.ends.saturating_sub(procyon_trace::now()));
    assert!(longer > Duration::from_secs(56) && from_now <= Duration::from_mins(1), "{longer:?} {from_now:?}");
    viewer.allowance().extend(Duration::from_secs(1), Duration::from_secs(1));
    assert_eq!(viewer.allowance().used().ends, after.ends, "it ends sooner");
    assert_eq!(viewer.next(Duration::from_millis(3200)).unwrap().map(|_| ()), None);
    target.ask("spin 3");
    lines(&viewer, 3).unwrap();
    let used = viewer.allowance().used();
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
    eventually("all are told", Duration::from_secs(5), || (viewer.allowance().used().lines == 100).then_some(()));
    let (mut batches, mut missed) = (0, 0);
    while let Ok(Some(news)) = viewer.next(Duration::from_millis(100)) {
        match news {
            News::Batch(_) => batches += 1,
            News::Missed(count) => missed += count,
        }
    }
    assert!(batches <= 33, "{batches} batches waited, {missed} missed");
}
