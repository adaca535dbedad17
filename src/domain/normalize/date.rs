//! The Date header: RFC 5322 (3.3 and 4.3), and what programs wrote instead.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::json;

/// The most of a header looked at, in bytes: a date is short.
const MAX_BYTES: usize = 200;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What a date is made of, as far as it has been found.
#[derive(Default)]
struct Found {
    day: Option<u32>,
    month: Option<u32>,
    year: Option<i32>,
    /// Seconds since midnight.
    time: Option<u32>,
    /// Seconds east of UTC.
    offset: Option<i32>,
}

/// The moment that a Date header names; `None` when it names none. Without a zone it is read as UTC (RFC 5322, 4.3).
///
/// Words may come in any order that leaves no doubt: `Fri, 21 Nov 1997 09:55:06 -0600`, `Fri Nov 21 09:55:06 1997`,
/// `21-Nov-97 9:55 CST`, `1997-11-21T09:55:06Z`. What is none of them, such as the name of a day, says nothing.
pub(super) fn read(header: &str) -> Option<DateTime<Utc>> {
    let end = header.char_indices().map(|(at, _)| at).take_while(|&at| at <= MAX_BYTES).last().unwrap_or_default();
    let text = without_comments(if header.len() <= MAX_BYTES { header } else { &header[..end] });
    // `9 : 55` was allowed once.
    let text = text.split(':').map(str::trim).collect::<Vec<_>>().join(":");
    if let Ok(moment) = DateTime::parse_from_rfc3339(text.trim()) {
        return json::storable(moment.to_utc());
    }
    let mut found = Found::default();
    for word in text.split(|char: char| char.is_whitespace() || char == ',') {
        found.take(word);
    }
    found.moment()
}

/// Comments may nest.
fn without_comments(header: &str) -> String {
    let mut depth = 0_usize;
    let outside = header.chars().filter(|char| match char {
        '(' => {
            depth += 1;
            false
        }
        ')' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    });
    outside.collect()
}

impl Found {
    fn take(&mut self, word: &str) {
        if word.contains(':') && self.time.is_none() {
            return self.take_time(word);
        }
        if let Some(offset) = zone(word).filter(|_| self.time.is_some()) {
            self.offset.get_or_insert(offset);
            return;
        }
        for part in word.split(['-', '/', '.']).filter(|part| !part.is_empty()) {
            self.take_part_of_day(part);
        }
    }

    /// `9:55`, `09:55:06`, `09:55:06.25+0100`.
    fn take_time(&mut self, word: &str) {
        let end = word.find(|char: char| !char.is_ascii_digit() && !matches!(char, ':' | '.')).unwrap_or(word.len());
        let mut numbers = word[..end].split([':', '.']).map(|number| number.parse::<u32>().ok());
        let mut next = || numbers.next().unwrap_or(Some(0));
        let (Some(hours), Some(minutes), Some(seconds)) = (next(), next(), next()) else { return };
        if hours < 24 && minutes < 60 && seconds <= 60 {
            self.time = Some(hours * 3600 + minutes * 60 + seconds.min(59));
            self.offset = zone(&word[end..]);
        }
    }

    fn take_part_of_day(&mut self, part: &str) {
        let month = part.get(..3).and_then(|start| MONTHS.iter().position(|month| start.eq_ignore_ascii_case(month)));
        match (part.parse::<u32>(), month) {
            (Ok(number), _) if part.len() > 2 || number > 31 => {
                self.year = self.year.or_else(|| i32::try_from(number).ok().map(|year| full_year(year, part.len())));
            }
            // Numbers alone come largest first: 1997-11-21.
            (Ok(number), _) if self.year.is_some() && self.month.is_none() => self.month = Some(number),
            (Ok(number), _) if self.day.is_none() => self.day = Some(number),
            (Ok(number), _) => {
                self.year = self.year.or_else(|| i32::try_from(number).ok().map(|year| full_year(year, part.len())));
            }
            (Err(_), Some(month)) => self.month = self.month.or(u32::try_from(month + 1).ok()),
            _ => {}
        }
    }

    fn moment(self) -> Option<DateTime<Utc>> {
        let day = NaiveDate::from_ymd_opt(self.year?, self.month?, self.day?)?;
        let local = day.and_hms_opt(0, 0, 0)? + TimeDelta::seconds(self.time.unwrap_or_default().into());
        let moment = local.and_utc().checked_sub_signed(TimeDelta::seconds(self.offset.unwrap_or_default().into()))?;
        json::storable(moment)
    }
}

/// Years of two and three digits (RFC 5322, 4.3).
fn full_year(year: i32, n_digits: usize) -> i32 {
    match n_digits {
        1 | 2 if year < 50 => year + 2000,
        1..=3 => year + 1900,
        _ => year,
    }
}

/// Seconds east of UTC: `+0100`, `-05:00`, `EST`. A letter alone says nothing that can be trusted (RFC 5322, 4.3).
fn zone(word: &str) -> Option<i32> {
    let hours = match word.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" | "WET" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return offset(word.strip_prefix("GMT").or_else(|| word.strip_prefix("UTC")).unwrap_or(word)),
    };
    Some(hours * 3600)
}

fn offset(word: &str) -> Option<i32> {
    let sign = match word.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = word[1..].chars().filter(|char| *char != ':').collect();
    let number: i32 = digits.parse().ok().filter(|_| matches!(digits.len(), 1..=4))?;
    let (hours, minutes) = if digits.len() > 2 { (number / 100, number % 100) } else { (number, 0) };
    // What is no place on Earth is no zone.
    if hours > 14 || minutes > 59 {
        return Some(0);
    }
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_every_form() {
        for (header, moment) in [
            ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06Z"),
            ("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"),
            ("Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland (\\Time))", "1969-02-14T03:02:00Z"),
            ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06Z"),
            ("Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06Z"),
            ("Fri Nov 21 09:55:06 EST 1997", "1997-11-21T14:55:06Z"),
            ("21-Nov-1997 9:55 PM +01:00", "1997-11-21T08:55:00Z"),
            ("1997-11-21 09:55:06 +0100", "1997-11-21T08:55:06Z"),
            ("1997-11-21T09:55:06.5Z", "1997-11-21T09:55:06Z"),
            ("Mon, 1 Jan 2001 00:00:60 -0000", "2001-01-01T00:00:59Z"),
            ("Sat, 1 Jan 100 10:00:00 Q", "2000-01-01T10:00:00Z"),
            ("Tue, 03 Mar 2015 10:11:12 GMT+0200", "2015-03-03T08:11:12Z"),
            ("Tue, 30 Nov 1999 23:56:33 -3000 (CST)", "1999-11-30T23:56:33Z"),
            ("3 March 2015 10:11", "2015-03-03T10:11:00Z"),
        ] {
            let read = read(header).map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            assert_eq!(read.as_deref(), Some(moment), "{header}");
        }
        for header in ["", "yesterday", "Fri, 31 Feb 1997 09:55:06 +0000", "21 Nov", "99999999999", "10:00"] {
            assert_eq!(read(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in "([0-9]{1,9}|Nov|[ ,:/()+-]|EST|Z|é|.){0,30}") {
            let _ = read(&header);
        }
    }
}
