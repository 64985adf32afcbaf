//! System calls in known numbers, and calls in which the process sleeps until its input ends them.

use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::{Errno, read};
use rustix::process::{Signal, getpid, getppid, kill_process};
use rustix::thread::futex;

/// Obeys lines: `spin N` asks N times for the parent's pid, `threads T N` does so in each of T threads, `fork P N` in each of P children.
pub fn obey() {
    let input = std::io::stdin().lock();
    for line in input.lines() {
        let line = line.expect("input is text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| -> u32 { words.get(at).expect("a word").parse().expect("a number") };
        match words.first().copied() {
            Some("spin") => spin(number(1)),
            Some("threads") => {
                let (threads, times) = (number(1), number(2));
                let threads: Vec<_> = (0..threads).map(|_| std::thread::spawn(move || spin(times))).collect();
                for thread in threads {
                    thread.join().expect("a thread ends");
                }
            }
            Some("open") => {
                for _ in 0..number(1) {
                    std::fs::File::open(words.get(2).expect("a path")).ok();
                }
            }
            Some("send") => {
                for at in 0..number(1) {
                    write_bytes(at);
                }
            }
            _ => panic!("`{line}` is nothing to obey"),
        }
        println!("done");
        std::io::stdout().flush().expect("output is open");
    }
}

fn spin(times: u32) {
    for _ in 0..times {
        std::hint::black_box(getppid());
    }
}

fn write_bytes(at: u32) {
    let file = std::fs::OpenOptions::new().write(true).open("/dev/null").expect("/dev/null opens");
    rustix::io::write(&file, format!("line {at}").as_bytes()).expect("/dev/null takes all");
}

/// Sleeps in a call of a kind until input comes, and says how the call ended: its result, and the error number or 0.
pub fn sleep_in(kind: &str) {
    let stdin = std::io::stdin();
    let result = match kind {
        "read" => read(&stdin, &mut [0_u8; 1]).map(|got| i64::try_from(got).unwrap_or(0)),
        "epoll_wait" => {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
            let data = epoll::EventData::new_u64(0);
            epoll::add(&epoll, stdin.as_fd(), data, epoll::EventFlags::IN).expect("input can be waited for");
            let mut events: Vec<epoll::Event> = Vec::with_capacity(1);
            epoll::wait(&epoll, spare_capacity(&mut events), None).map(|count| i64::try_from(count).unwrap_or(0))
        }
        "futex" => {
            let word = Arc::new(AtomicU32::new(0));
            let waker = Arc::clone(&word);
            std::thread::spawn(move || {
                read(std::io::stdin(), &mut [0_u8; 1]).ok();
                waker.store(1, Ordering::SeqCst);
                futex::wake(&waker, futex::Flags::PRIVATE, 1).expect("somebody is woken");
            });
            futex::wait(&word, futex::Flags::PRIVATE, 0, None).map(|()| 1)
        }
        "stop" => kill_process(getpid(), Signal::STOP).map(|()| 1),
        _ => panic!("`{kind}` is nothing to sleep in"),
    };
    let (value, error) = match result {
        Ok(value) => (value, 0),
        Err(error) => (-1, Errno::raw_os_error(error)),
    };
    println!("{value} {error}");
}
