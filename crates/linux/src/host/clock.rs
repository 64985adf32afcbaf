//! The clock and the zone that this machine shows it in.

/// A time zone at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Short name, as `CET`.
    pub name: Box<str>,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// Seconds since 1970 by the clock now, and the zone that holds now (`TZ`, else `/etc/localtime`).
#[must_use]
pub fn now() -> (f64, Zone) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    #[expect(clippy::cast_precision_loss, reason = "53 bits of microseconds last until the year 2255")]
    let seconds = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9;
    (seconds, zone_at(now.tv_sec))
}

/// The zone at an instant, seconds since 1970.
#[expect(unsafe_code, reason = "libc alone knows the zones")]
fn zone_at(seconds: i64) -> Zone {
    let utc = Zone { name: "UTC".into(), offset: 0 };
    // SAFETY: a `tm` of zeros and null pointers is valid; `localtime_r` fills it.
    let mut broken_down: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types; nobody writes the environment while we run.
    let filled = unsafe { libc::localtime_r(&raw const seconds, &raw mut broken_down) };
    if filled.is_null() || broken_down.tm_zone.is_null() {
        return utc;
    }
    // SAFETY: `tm_zone` is a C string that libc keeps for the life of the process.
    let name = unsafe { std::ffi::CStr::from_ptr(broken_down.tm_zone) };
    match i32::try_from(broken_down.tm_gmtoff) {
        Ok(offset) => Zone { name: name.to_string_lossy().into(), offset },
        Err(_) => utc,
    }
}

/// How the clock is kept. Source: `adjtimex(2)`, which changes nothing here. All in seconds or hertz.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Adjustment {
    /// Somebody keeps it right.
    pub synchronized: bool,
    /// Distance to the reference.
    pub offset: f64,
    /// How fast it runs, 1 for as built.
    pub frequency_ratio: f64,
    /// Largest error.
    pub most_error: f64,
    /// Likely error.
    pub estimated_error: f64,
    /// Bits of the state.
    pub status: f64,
    /// Time constant of the loop.
    pub constant: f64,
    /// Between two ticks.
    pub tick: f64,
    /// Frequency by a pulse per second.
    pub pps_frequency: f64,
    /// Jitter of that pulse.
    pub pps_jitter: f64,
    /// Interval of that pulse, as a power of two.
    pub pps_shift: f64,
    /// Stability of that pulse.
    pub pps_stability: f64,
    /// Times that the jitter was too large.
    pub pps_jitters: f64,
    /// Calibrations.
    pub pps_calibrations: f64,
    /// Calibrations that failed.
    pub pps_errors: f64,
    /// Times that it was not stable.
    pub pps_instabilities: f64,
    /// Seconds between UTC and TAI.
    pub tai_offset: f64,
}

/// Asks how the clock is kept. Privilege: none; some sandboxes forbid the call.
#[expect(unsafe_code, reason = "rustix has no adjtimex")]
#[expect(clippy::cast_precision_loss, reason = "numbers of the kernel far below 53 bits")]
pub fn adjustment() -> std::io::Result<Adjustment> {
    const FRACTION: f64 = 1_000_000.0 * 65_536.0;
    // SAFETY: a `timex` of zeros is valid and asks for nothing to be changed.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live value of the right type.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let unit = if timex.status & libc::STA_NANO == 0 { 1e6 } else { 1e9 };
    Ok(Adjustment {
        synchronized: state != libc::TIME_ERROR,
        offset: timex.offset as f64 / unit,
        frequency_ratio: 1.0 + timex.freq as f64 / FRACTION,
        most_error: timex.maxerror as f64 / 1e6,
        estimated_error: timex.esterror as f64 / 1e6,
        status: f64::from(timex.status),
        constant: timex.constant as f64,
        tick: timex.tick as f64 / 1e6,
        pps_frequency: timex.ppsfreq as f64 / FRACTION,
        pps_jitter: timex.jitter as f64 / unit,
        pps_shift: f64::from(timex.shift),
        pps_stability: timex.stabil as f64 / FRACTION,
        pps_jitters: timex.jitcnt as f64,
        pps_calibrations: timex.calcnt as f64,
        pps_errors: timex.errcnt as f64,
        pps_instabilities: timex.stbcnt as f64,
        tai_offset: f64::from(timex.tai),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_past_the_day_this_was_written_and_the_zone_is_on_this_planet() {
        let (seconds, zone) = now();
        assert!(seconds > 1.7e9);
        assert!(zone.offset.abs() <= 14 * 3600 && !zone.name.is_empty());
    }
}
