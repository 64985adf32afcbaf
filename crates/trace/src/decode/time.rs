//! Times, dates and clocks.

use super::layout::Form;
use super::printer::{Printer, low, u32_at, u64_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{signals, time as names};
use crate::table::Special;

/// Seconds since 1970 with their date.
pub(crate) fn dated_seconds(printer: &mut Printer<'_>, bytes: &[u8]) {
    let seconds = u64_at(bytes, 0).unwrap_or(0).cast_signed();
    printer.signed(seconds);
    date_comment(printer, seconds, None);
}

fn date_comment(printer: &mut Printer<'_>, seconds: i64, fraction: Option<(u64, usize)>) {
    if let Some(date) = date(seconds, fraction, printer.options.utc_offset) {
        printer.comment(&date);
    }
}

/// A date as `2026-11-30T07:02:13+0000`; none for the beginning of time, which is not meant as one.
pub(crate) fn date(seconds: i64, fraction: Option<(u64, usize)>, utc_offset: i32) -> Option<String> {
    let (part, width) = fraction.unwrap_or((0, 0));
    let limit = 10_u64.checked_pow(u32::try_from(width).ok()?)?;
    if (seconds == 0 && part == 0) || (width > 0 && part >= limit) {
        return None;
    }
    let local = seconds.checked_add(utc_offset.into())?;
    let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = civil(days)?;
    // As far as the C library's years go.
    i32::try_from(year - 1900).ok()?;
    let fraction = if part > 0 { format!(".{part:0width$}") } else { String::new() };
    let (sign, offset) = (if utc_offset < 0 { '-' } else { '+' }, utc_offset.unsigned_abs() / 60);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{fraction}{sign}{:02}{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60,
        offset / 60,
        offset % 60
    ))
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. See Hinnant, "chrono-compatible low-level date algorithms".
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((year, month, day))
}

/// Access and change times in nanoseconds.
pub(crate) static TIMES: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| pair(printer, index, 9),
};

/// The same in microseconds.
pub(crate) static TIMES_MICRO: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| pair(printer, index, 6),
};

fn pair(printer: &mut Printer<'_>, index: usize, width: usize) {
    let address = printer.argument(index);
    let Some(bytes @ [_, ..]) = printer.input(address).filter(|bytes| address != 0 && bytes.len() >= 32) else {
        return printer.address(address);
    };
    printer.put("[");
    for (number, at) in [0, 16].into_iter().enumerate() {
        printer.next(number);
        let [seconds, part] = [at, at + 8].map(|at| u64_at(bytes, at).unwrap_or(0));
        match part {
            0x3fff_ffff if width == 9 => printer.put("UTIME_NOW"),
            0x3fff_fffe if width == 9 => printer.put("UTIME_OMIT"),
            _ => {
                let layout = if width == 9 { &structures::TIMESPEC } else { &structures::TIMEVAL };
                printer.fields(layout, bytes.get(at..).unwrap_or(&[]));
                date_comment(printer, seconds.cast_signed(), Some((part, width)));
            }
        }
    }
    printer.put("]");
}

/// A number of seconds that the call wrote.
pub(crate) static SECONDS: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(8)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        printer.boxed(address, printer.output(address), &Form::By(dated_seconds));
    },
};

/// A clock, or that of a process, a thread or a device.
pub(crate) fn clock(printer: &mut Printer<'_>, bytes: &[u8]) {
    let clock = u32_at(bytes, 0).unwrap_or(0);
    if clock.cast_signed() >= 0 {
        return printer.one_of(clock.into(), &[&names::CLOCKNAMES]);
    }
    let of = !(clock.cast_signed() >> 3);
    match clock & 7 {
        3 => printer.format(format_args!("FD_TO_CLOCKID({of})")),
        kind => {
            let whose = if kind & 4 == 0 { "MAKE_PROCESS_CPUCLOCK" } else { "MAKE_THREAD_CPUCLOCK" };
            printer.format(format_args!("{whose}({of}, "));
            printer.one_of(kind.into(), &[&names::CPUCLOCKNAMES]);
            printer.put(")");
        }
    }
}

/// What is left of a sleep: told only when a signal came between, and not of a sleep up to a fixed time.
pub(crate) static REMAINING: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(16)))],
    tell: |printer, index| {
        const ERESTARTSYS: u64 = 512;
        const ERESTART_RESTARTBLOCK: u64 = 516;
        let address = printer.argument(index);
        let absolute = index == 3 && printer.argument(1) != 0;
        let interrupted = printer.error().is_some_and(|error| (ERESTARTSYS..=ERESTART_RESTARTBLOCK).contains(&error));
        let known = printer.call.memory.at(When::Exit, address).filter(|_| interrupted && !absolute);
        printer.structure(address, known, &structures::TIMESPEC);
    },
};

/// What `time` returned.
pub(crate) fn date_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    if let Some(date) = date(result.cast_signed(), None, printer.options.utc_offset) {
        printer.format(format_args!(" ({date})"));
    }
}

/// What `adjtimex` returned.
pub(crate) fn clock_state(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    if let Some(name) = names::ADJTIMEX_STATE.find(result) {
        printer.format(format_args!(" ({name})"));
    }
}

/// How one hears of a timer or a queue.
pub(crate) static EVENT: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let Some(bytes) = printer.input(address).filter(|bytes| address != 0 && bytes.len() >= 32) else {
            return printer.address(address);
        };
        printer.put("{");
        if let Some(value) = u64_at(bytes, 0).filter(|value| *value != 0) {
            printer
                .format(format_args!("sigev_value={{sival_int={}, sival_ptr={value:#x}}}, ", low(value).cast_signed()));
        }
        let notify = u32_at(bytes, 12).unwrap_or(0);
        printer.put("sigev_signo=");
        let form = if matches!(notify, 0 | 2 | 4) { Form::Signal } else { Form::U32 };
        printer.form(&form, bytes.get(8..).unwrap_or(&[]));
        printer.field("sigev_notify", &Form::One32(&signals::SIGEV_VALUE), bytes, 12);
        match notify {
            4 => printer.field("sigev_notify_thread_id", &Form::D32, bytes, 16),
            2 => {
                printer.field("sigev_notify_function", &Form::Address, bytes, 16);
                printer.field("sigev_notify_attributes", &Form::Address, bytes, 24);
            }
            _ => {}
        }
        printer.put("}");
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(1, None, 0).as_deref(), Some("1970-01-01T00:00:01+0000"));
        assert_eq!(date(951_782_399, None, 0).as_deref(), Some("2000-02-28T23:59:59+0000"));
        assert_eq!(date(951_782_400, Some((5, 9)), 0).as_deref(), Some("2000-02-29T00:00:00.000000005+0000"));
        assert_eq!(date(1_796_022_133, None, -5400).as_deref(), Some("2026-11-30T05:32:13-0130"));
        assert_eq!(date(-1, None, 0).as_deref(), Some("1969-12-31T23:59:59+0000"));
        assert_eq!(date(0, None, 0), None);
        assert_eq!(date(1, Some((1_000_000_000, 9)), 0), None);
        assert_eq!(date(i64::MAX, None, 3600), None);
    }
}
