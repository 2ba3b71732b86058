//! A real process under a wall clock that somebody sets: libfaketime stands between it and the clock of the machine, and
//! what passes is left alone. The lane `clocks` installs it; nothing here does, and without it the tests fail.
//!
//! Nothing here sleeps or measures: that nothing more comes is shown by a kettle that boils in the meantime.
mod night;

use night::Night;

/// The hour at which the alarm rings first, and seconds before and behind it.
const BEFORE: i64 = -3;
const HALF_AN_HOUR: i64 = 1800;
const HOUR: i64 = 3600;

#[test]
fn a_day_forward_an_hour_back_and_a_night_in_suspension() {
    let mut night = Night::falls(BEFORE);
    assert_eq!(night.hears(), "ready");
    assert_eq!(night.hears(), "rang 0");

    // An hour back, to just before the hour that it has rung for. One kettle boils already and takes no longer; with the
    // other the hour comes once more, and passes.
    night.boils(4);
    night.clock_is_set(BEFORE);
    night.boils(9);
    assert_eq!(night.hears(), "boiled 4");
    assert_eq!(night.hears(), "boiled 9");

    // A day forward: one ring, and no more until the next full hour.
    night.clock_is_set(24 * HOUR + HALF_AN_HOUR);
    assert_eq!(night.hears(), "rang 24");
    night.boils(6);
    assert_eq!(night.hears(), "boiled 6");

    // Suspended while the clock goes on.
    night.stands_still();
    night.clock_is_set(29 * HOUR + HALF_AN_HOUR);
    night.goes_on();
    assert_eq!(night.hears(), "rang 29");

    // Killed, and started hours later. That a kettle boils is on disk when it says so, and with it that the alarm has rung.
    night.boils(600);
    night.is_killed();
    night.clock_is_set(34 * HOUR + HALF_AN_HOUR);
    night.begins_again();
    let mut heard = [night.hears(), night.hears(), night.hears()];
    heard.sort();
    assert_eq!(heard, ["boiled 600", "rang 34", "ready"]);
    night.boils(6);
    assert_eq!(night.hears(), "boiled 6");

    // Killed once more, and started on a clock that was set back: it has rung for that hour.
    night.boils(7200);
    night.is_killed();
    night.clock_is_set(34 * HOUR + BEFORE);
    night.begins_again();
    assert_eq!(night.hears(), "ready");
    night.boils(6);
    assert_eq!(night.hears(), "boiled 6");
    night.clock_is_set(35 * HOUR + BEFORE);
    assert_eq!(night.hears(), "rang 35");
}
