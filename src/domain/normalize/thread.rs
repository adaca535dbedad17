//! Which conversation a mail belongs to, by what it says itself: for mail whose provider does not know.

use mail_parser::{HeaderName, parsers::fields::thread::thread_name};

use super::{mime::Mail, text};

/// The longest id or subject kept, in characters: what RFC 5322 allows in a line.
const MAX_LINE: usize = 998;
/// The most message ids read of one header.
const MAX_IDS: usize = 1_000;

/// What ties a mail to others (RFC 5322, 3.6.4). Ids stand without angle brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The mail's own id; `None` where it has none.
    pub message_id: Option<String>,
    /// The mails that it answers.
    pub in_reply_to: Vec<String>,
    /// The mails before it in its conversation, the oldest first.
    pub references: Vec<String>,
    /// The subject without what answering and forwarding put around it.
    pub subject: String,
}

impl Thread {
    /// What all mails of a conversation have in common: the id of the one that began it, as far as its headers tell, else its subject;
    /// `None` when it has neither.
    pub(super) fn first_of_all(self) -> Option<String> {
        let began = self.references.into_iter().chain(self.in_reply_to).chain(self.message_id).next();
        began.or(Some(self.subject).filter(|subject| !subject.is_empty()))
    }
}

/// What the headers of a mail say of its conversation.
pub(super) fn read(mail: &Mail<'_>) -> Thread {
    Thread {
        message_id: ids(mail, &HeaderName::MessageId).into_iter().next(),
        in_reply_to: ids(mail, &HeaderName::InReplyTo),
        references: ids(mail, &HeaderName::References),
        subject: base_subject(&text::one_line(&mail.text(&HeaderName::Subject).unwrap_or_default(), MAX_LINE)),
    }
}

/// The id of a mail.
pub(super) fn message_id(mail: &Mail<'_>) -> Option<String> {
    ids(mail, &HeaderName::MessageId).into_iter().next()
}

/// A subject without `Re:`, `Fwd:`, `AW:`, `SV:` and their like, and without the name of a mailing list.
pub fn base_subject(subject: &str) -> String {
    text::one_line(thread_name(subject), MAX_LINE)
}

/// The message ids in the first such header. Words that are no ids, as in old mail, are left out; where there are no
/// brackets, a word with an `@` is one.
fn ids(mail: &Mail<'_>, name: &HeaderName<'static>) -> Vec<String> {
    let text = mail.texts(name).next().unwrap_or_default();
    let in_brackets = text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(id, _)| id);
    let id = |id: &str| Some(text::one_line(id, MAX_LINE)).filter(|id| !id.is_empty());
    let found: Vec<_> = in_brackets.filter_map(id).take(MAX_IDS).collect();
    match found.is_empty() {
        true => text.split_whitespace().filter(|word| word.contains('@')).filter_map(id).take(MAX_IDS).collect(),
        false => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_providers_id_a_conversation_is_told_by_its_first_mail_or_its_subject() {
        let key = |mail: &str| read(&Mail::read(mail.as_bytes())).first_of_all();
        let first = "Message-ID: <1@x>\r\nSubject: Lunch\r\n\r\n";
        let second = "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Re: Lunch\r\n\r\n";
        let third =
            "Message-ID: <3@x>\r\nReferences: <1@x> <2@x>\r\nIn-Reply-To: <2@x>\r\nSubject: AW: Re: Lunch\r\n\r\n";
        assert_eq!([first, second, third].map(key), [(); 3].map(|()| Some("1@x".to_owned())));
        assert_eq!(
            ["Subject: Lunch\r\n\r\n", "Subject: Re: Lunch\r\n\r\n", "\r\n"].map(key),
            [Some("Lunch".to_owned()), Some("Lunch".to_owned()), None]
        );
    }

    #[test]
    fn a_conversation_is_read_from_headers() {
        let mail = "Message-ID: <3@x>\nIn-Reply-To: Your message of \"Monday\" <2@x>\nReferences: <1@x>\n <2@x>\n\
            Subject: AW: =?utf-8?q?R=C3=A9=3A?= lunch\n\nx";
        let thread = read(&Mail::read(mail.as_bytes()));
        assert_eq!(thread.message_id.as_deref(), Some("3@x"));
        assert_eq!((thread.in_reply_to, thread.references), (vec!["2@x".to_owned()], vec!["1@x".into(), "2@x".into()]));
        assert_eq!(thread.subject, "Ré: lunch");
        let bare = read(&Mail::read(b"Message-ID: 1@x\nIn-Reply-To: a letter\n\nx"));
        assert_eq!((bare.message_id.as_deref(), bare.in_reply_to.len()), (Some("1@x"), 0));
    }

    #[test]
    fn subjects_lose_what_answers_put_around_them() {
        for subject in [
            "lunch",
            "Re: lunch",
            "RE: AW: Re: lunch",
            "Fwd: lunch",
            "SV: VS: lunch",
            "[list] Re: lunch",
            "Odp: lunch (fwd)",
        ] {
            assert_eq!(base_subject(subject), "lunch", "{subject}");
        }
        assert_eq!(base_subject("Report: lunch"), "Report: lunch");
    }
}
