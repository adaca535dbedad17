//! The story as letters: who writes when, with the envelope every mail carries.

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use super::{
    super::rng::Rng,
    mime::Message,
    people::{Cast, Person},
};

/// One finished mail.
#[derive(Debug)]
pub(super) struct Letter {
    pub at: DateTime<Utc>,
    pub labels: Vec<&'static str>,
    /// Letters with the same number are one thread.
    pub thread: u64,
    pub message_id: String,
    pub raw: Vec<u8>,
}

/// Names and address of one side of a mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Party<'p> {
    pub name: &'p str,
    pub email: &'p str,
}

impl<'p> From<&'p Person> for Party<'p> {
    fn from(person: &'p Person) -> Self {
        Self { name: &person.name, email: &person.email }
    }
}

/// Gathers letters until there are as many as wanted.
#[derive(Debug)]
pub(super) struct Post<'c> {
    pub cast: &'c Cast,
    pub rng: Rng,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub letters: Vec<Letter>,
    pub wanted: usize,
    n_threads: u64,
    n_ids: u64,
}

impl<'c> Post<'c> {
    pub(super) fn new(cast: &'c Cast, rng: Rng, from: DateTime<Utc>, until: DateTime<Utc>, wanted: usize) -> Self {
        Self { cast, rng, from, until, letters: Vec::with_capacity(wanted), wanted, n_threads: 0, n_ids: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.letters.len() >= self.wanted
    }

    pub(super) fn new_thread(&mut self) -> u64 {
        self.n_threads += 1;
        self.n_threads
    }

    /// A Message-ID without its brackets.
    pub(super) fn message_id(&mut self, domain: &str) -> String {
        self.n_ids += 1;
        format!("{:016x}.{}@{domain}", self.rng.next(), self.n_ids)
    }

    /// Any moment of the time told of.
    pub(super) fn any_time(&mut self) -> DateTime<Utc> {
        let seconds = (self.until - self.from).num_seconds().max(1);
        self.from + TimeDelta::seconds(self.rng.below(seconds as usize) as i64)
    }

    /// A moment at which somebody there is at work; seldom at night or on Sunday.
    pub(super) fn office_time(&mut self, zone: Tz) -> DateTime<Utc> {
        let mut day = self.any_time().with_timezone(&zone).date_naive();
        if self.rng.chance(90) && matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            day -= TimeDelta::days(2);
        }
        let hour = self.rng.between(7, 19) as u32;
        let naive = day.and_hms_opt(hour, self.rng.below(60) as u32, self.rng.below(60) as u32);
        let local = naive.and_then(|naive| zone.from_local_datetime(&naive).earliest());
        local.map_or(self.from, |at| at.to_utc()).clamp(self.from, self.until)
    }

    /// Labels of a mail that came in: the category, the inbox, and what its reader did with it since.
    pub(super) fn inbox(&mut self, category: &'static str, at: DateTime<Utc>) -> Vec<&'static str> {
        let mut labels = vec!["INBOX", category];
        let is_recent = self.until - at < TimeDelta::days(14);
        if self.rng.chance(if is_recent { 40 } else { 5 }) {
            labels.push("UNREAD");
        }
        if category == "CATEGORY_PERSONAL" && self.rng.chance(30) {
            labels.push("IMPORTANT");
        }
        if self.rng.chance(4) {
            labels.push("STARRED");
        }
        labels
    }

    /// The headers a mail gathers on its way to the owner, from the last stop to the first.
    pub(super) fn arrived(&mut self, message: &mut Message, sender: &str, at: DateTime<Utc>) {
        let domain = sender.rsplit('@').next().unwrap_or("unknown.example").to_owned();
        let me = self.cast.me.email.clone();
        let date = at.to_rfc2822();
        let queue_id = self.rng.next();
        message.header("Delivered-To", &me);
        message.header(
            "Received",
            &format!(
                "from mail.{domain} (mail.{domain}. [192.0.2.{}])\r\n        by mx.google.com with ESMTPS id {queue_id:016x}\r\n        \
                 for <{me}>;\r\n        {date}",
                self.rng.below(255)
            ),
        );
        message.header("Return-Path", &format!("<{sender}>"));
        message.header(
            "Authentication-Results",
            &format!(
                "mx.google.com;\r\n       dkim=pass header.i=@{domain};\r\n       spf=pass smtp.mailfrom={sender}"
            ),
        );
    }
}

/// Who, to whom, when, about what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'e> {
    pub from: Party<'e>,
    pub to: Party<'e>,
    pub cc: Option<Party<'e>>,
    pub subject: &'e str,
    pub at: DateTime<Utc>,
    /// Where the sender's clock is.
    pub zone: Tz,
    pub message_id: &'e str,
}

impl Envelope<'_> {
    pub(super) fn write(&self, message: &mut Message) {
        let parties = [("From", Some(self.from)), ("To", Some(self.to)), ("Cc", self.cc)];
        for (field, party) in parties {
            if let Some(party) = party {
                message.people(field, &[(party.name, party.email)]);
            }
        }
        message.text_header("Subject", self.subject);
        message.header("Date", &self.at.with_timezone(&self.zone).to_rfc2822());
        message.header("Message-ID", &format!("<{}>", self.message_id));
    }
}

/// Text made safe inside HTML.
pub(super) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
