//! How long a server asks to be left alone.
use crate::Response;
use std::time::{Duration, SystemTime};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// A server that asks for longer is treated as one that asks for this: nobody knows what is in a day.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns how long the server asks to be left alone, if it says so in a way that can be read.
///
/// A date is compared with the date of the response itself, so that two clocks need not agree; `now` stands in for a
/// response without one.
pub fn retry_after(response: &Response, now: SystemTime) -> Option<Duration> {
    let milliseconds = response.header("retry-after-ms").and_then(number).map(|n| n / 1e3);
    let asked = response.header("retry-after");
    let seconds = milliseconds.or_else(|| asked.and_then(number));
    match seconds {
        Some(seconds) => wait_of(seconds),
        None => {
            let now = response.header("date").and_then(date).unwrap_or_else(|| now.into());
            Some(Duration::try_from(date(asked?)? - now).unwrap_or_default().min(RETRY_AFTER_MAX))
        }
    }
}

/// The wait of so many seconds, which may be more than any clock counts. There is none of what is less than nothing, or no
/// number.
pub fn wait_of(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0)
        .then(|| Duration::try_from_secs_f64(seconds).unwrap_or(RETRY_AFTER_MAX).min(RETRY_AFTER_MAX))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| !n.is_nan())
}

fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        // 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&Response::empty(429, headers), now)
    }

    #[test]
    fn seconds_dates_and_nonsense() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(asked(&[("retry-after", "20")]), seconds(20));
        assert_eq!(asked(&[("retry-after", " 0 ")]), seconds(0));
        assert_eq!(asked(&[("retry-after", "1.5")]), Some(Duration::from_millis(1_500)));
        assert_eq!(
            asked(&[("retry-after-ms", "250"), ("retry-after", "1")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")]), seconds(23));
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), seconds(0));
        let with_date =
            [("date", "Sun, 06 Nov 1994 08:49:50 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")];
        assert_eq!(asked(&with_date), seconds(10));
        for endless in ["999999999999", "99999999999999999999999", "1e400"] {
            assert_eq!(asked(&[("retry-after", endless)]), Some(RETRY_AFTER_MAX), "{endless}");
        }
        for nonsense in ["-1", "-1e400", "soon", "", "NaN", "Sun, 99 Nov 1994 08:50:00 GMT"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(asked(&[]), None);
    }
}
