use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use procyon_model::Frame;
use procyon_model::feed::{Consumer, Feed};
use procyon_model::frame::{Aged, Pace};
use procyon_units::{Mono, Wall};

struct Counts(AtomicU64, Mutex<Vec<u64>>);

impl Consumer for Counts {
    fn offer(&self, frame: &Arc<Frame>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.lock().unwrap().push(frame.seq);
    }
}

fn frame(seq: u64) -> Arc<Frame> {
    Arc::new(Frame {
        host: Arc::default(),
        seq,
        wall: Wall(0),
        mono: Mono(seq),
        elapsed: None,
        pace: Pace::default(),
        machine: procyon_model::Machine::default(),
        processes: Vec::new(),
        ended: Vec::new(),
        connections: Aged::default(),
        filesystems: Aged::default(),
        users: Aged::default(),
        containers: Arc::from([]),
        health: Arc::default(),
    })
}

#[test]
fn every_consumer_is_offered_every_frame_from_when_it_came() {
    let feed = Feed::new();
    assert!(feed.latest().is_none());
    let (early, late) = (Arc::new(Counts(0.into(), Mutex::default())), Arc::new(Counts(0.into(), Mutex::default())));
    feed.attach(Arc::clone(&early) as Arc<dyn Consumer>);
    feed.publish(&frame(1));
    feed.attach(Arc::clone(&late) as Arc<dyn Consumer>);
    feed.publish(&frame(2));
    assert_eq!(*early.1.lock().unwrap(), [1, 2]);
    assert_eq!(*late.1.lock().unwrap(), [2]);
    assert_eq!(feed.latest().unwrap().seq, 2);
}
