//! Whether a mail reports of the delivery of another one: a bounce, a delay, a receipt.

use super::{
    super::{mime::Mail, text},
    MAX_ID, header, is_auto_reply,
};

/// The most failed recipients kept of one bounce.
const MAX_FAILED: usize = 100;

/// What a mail says of the delivery of another one.
#[derive(Default)]
pub(super) struct Delivery {
    /// Whether a server or a mail program reports.
    pub(super) is_report: bool,
    pub(super) has_failed: bool,
    pub(super) failed_recipients: Vec<String>,
}

impl Delivery {
    pub(super) fn read(mail: &Mail<'_>, from: &str, subject: &str) -> Self {
        let mut found = Self::default();
        for part in mail
            .parts
            .iter()
            .filter(|part| part.is("message", "delivery-status") || part.is("message", "global-delivery-status"))
        {
            found.is_report = true;
            found.status(&part.text());
        }
        let is_receipt = mail.parts.iter().any(|part| part.is("message", "disposition-notification"));
        let failed = header(mail, "X-Failed-Recipients").unwrap_or_default();
        failed.split(',').for_each(|address| found.fail(address));
        if !found.is_report && !is_receipt && !found.has_failed {
            found.has_failed = is_bounce_by_words(mail, from, subject);
        }
        found.is_report |= is_receipt;
        found
    }

    /// Reads the fields of each recipient (RFC 3464, 2.3), which empty lines part.
    fn status(&mut self, status: &str) {
        let unfolded = status.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
        for recipient in unfolded.split("\n\n") {
            let field = |name: &str| {
                let named = recipient
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(own, _)| own.trim().eq_ignore_ascii_case(name));
                named.map(|(_, value)| value.trim().to_lowercase())
            };
            let address = field("Original-Recipient").or_else(|| field("Final-Recipient"));
            let is_failure = match field("Action") {
                Some(action) => action.starts_with("fail"),
                None => field("Status").is_some_and(|status| status.starts_with('5')),
            };
            if is_failure {
                self.has_failed = true;
                let address = address.unwrap_or_default();
                // "rfc822; ada@example.org"
                self.fail(address.split_once(';').map_or(address.as_str(), |(_, address)| address));
            }
        }
    }

    fn fail(&mut self, address: &str) {
        let address = text::one_line(address.trim().trim_matches(['<', '>']), MAX_ID);
        if address.contains('@') {
            self.has_failed = true;
            if self.failed_recipients.len() < MAX_FAILED && !self.failed_recipients.contains(&address) {
                self.failed_recipients.push(address);
            }
        }
    }
}

/// Words of subjects under which servers send back what they could not deliver.
#[rustfmt::skip]
const BOUNCES: &[&str] = &[
    "undeliver", "delivery status notification (fail", "delivery failure", "delivery failed", "delivery error",
    "delivery report", "delivery notification", "mail delivery fail", "returned mail", "failure notice",
    "returned to sender", "unable to deliver", "mail failure", "mail system error", "unzustellbar", "nicht zustellbar",
    "non remis", "non distribu", "échec de la remise", "no se puede entregar", "no entregado", "mancato recapito",
    "não entregue", "onbestelbaar", "niedostarczon", "недоставлен",
];

/// Whether it reads like a bounce of a server that knows no reports.
fn is_bounce_by_words(mail: &Mail<'_>, from: &str, subject: &str) -> bool {
    let subject = subject.to_lowercase();
    if subject.contains("delay") || subject.contains("warning") {
        return false;
    }
    let local = from.rsplit_once('@').map_or(from, |(local, _)| local);
    let is_by_server = local.contains("mailer-daemon") || local == "postmaster" || local == "mailerdaemon";
    // Mail that must not be answered by another bounce has no return path (RFC 5321, 4.5.5).
    let is_unanswerable = header(mail, "Return-Path").is_some_and(|path| path == "<>");
    let has_words = BOUNCES.iter().any(|word| subject.contains(word));
    local.contains("mailer-daemon") && !is_auto_reply(mail, &subject) || has_words && (is_by_server || is_unanswerable)
}
