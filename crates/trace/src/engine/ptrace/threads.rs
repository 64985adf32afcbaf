//! What `/proc` tells of threads.

use crate::call::Call;
use crate::event::Who;

/// The call in which a thread sleeps; none where it runs or where the kernel does not tell. Source: `/proc/PID/task/TID/syscall`.
pub(super) fn call_under_way(who: Who) -> Option<Call> {
    let text = std::fs::read_to_string(format!("/proc/{}/task/{}/syscall", who.process, who.thread)).ok()?;
    parse(who, &text)
}

/// `NUMBER ARGUMENT… STACK PLACE`, or a word, or -1 where it sleeps outside of a call.
fn parse(who: Who, text: &str) -> Option<Call> {
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { thread: who.thread, process: who.process, number, arguments, ..Call::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_and_anything_else_is_none() {
        let who = Who { thread: 5, process: 4 };
        let call = parse(who, "0 0x3 0x7ffd 0x10 0x0 0x0 0x0 0x7ffd1 0x7f0\n").unwrap();
        assert_eq!((call.thread, call.process, call.number, call.arguments), (5, 4, 0, [3, 0x7ffd, 16, 0, 0, 0]));
        for other in ["running\n", "-1 0x7ffd 0x7f00\n", "", "0 0x3\n"] {
            assert_eq!(parse(who, other), None, "{other}");
        }
    }
}
