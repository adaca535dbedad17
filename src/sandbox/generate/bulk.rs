//! Mail that no person wrote to this person: newsletters, receipts, notifications, lists, spam; and what only the owner
//! sees: drafts and chats.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    files,
    letters::{Envelope, Letter, Party, Post, html},
    mime::Message,
};

/// One sender of automatic mail.
struct Sender {
    name: &'static str,
    email: &'static str,
    category: &'static str,
    /// For mailing lists and newsletters.
    list_id: Option<&'static str>,
    /// `{n}` becomes a number.
    subjects: &'static [&'static str],
    text: &'static str,
    user_label: Option<&'static str>,
}

const PROMOTIONS: [Sender; 4] = [
    Sender {
        name: "Fjord & Feather",
        email: "news@fjordfeather.example",
        category: "CATEGORY_PROMOTIONS",
        list_id: Some("news.fjordfeather.example"),
        subjects: &["{n}% off warm things", "New arrivals for the season", "Your basket misses you"],
        text: "Our autumn collection is here, and subscribers see it first.",
        user_label: None,
    },
    Sender {
        name: "The Morning Ledger",
        email: "briefing@morningledger.example",
        category: "CATEGORY_PROMOTIONS",
        list_id: Some("briefing.morningledger.example"),
        subjects: &["Briefing #{n}: what moved the markets", "Briefing #{n}: the long read"],
        text: "Good morning. Here are the five stories we are following today.",
        user_label: None,
    },
    Sender {
        name: "RailPass Europa",
        email: "angebote@railpass.example",
        category: "CATEGORY_PROMOTIONS",
        list_id: Some("angebote.railpass.example"),
        subjects: &["Sparpreise ab {n} Euro für Frühbucher", "Ihre nächste Reise wartet"],
        text: "Günstig quer durch Europa: nur bis Sonntag buchbar.",
        user_label: None,
    },
    Sender {
        name: "Tasse & Teller",
        email: "hallo@tasseteller.example",
        category: "CATEGORY_PROMOTIONS",
        list_id: Some("hallo.tasseteller.example"),
        subjects: &["☕ Neu eingetroffen: Porzellan Nr. {n}", "Nur heute: versandkostenfrei"],
        text: "Schön gedeckte Tische beginnen bei uns.",
        user_label: None,
    },
];

const UPDATES: [Sender; 5] = [
    Sender {
        name: "Paperboat",
        email: "receipts@paperboat.example",
        category: "CATEGORY_UPDATES",
        list_id: None,
        subjects: &["Your receipt from Paperboat #{n}", "Invoice {n} is ready"],
        text: "Thank you for your payment. The invoice is attached.",
        user_label: Some("Receipts"),
    },
    Sender {
        name: "Build Bot",
        email: "noreply@builds.example",
        category: "CATEGORY_UPDATES",
        list_id: None,
        subjects: &["[atlas] Build {n} passed", "[atlas] Build {n} failed"],
        text: "Stage: integration tests. See the build page for its log.",
        user_label: None,
    },
    Sender {
        name: "Parcel Post",
        email: "tracking@parcelpost.example",
        category: "CATEGORY_UPDATES",
        list_id: None,
        subjects: &["Your parcel {n} is on its way", "Parcel {n} was delivered"],
        text: "Follow your parcel at any time with the number in the subject.",
        user_label: None,
    },
    Sender {
        name: "Stadtbank",
        email: "service@stadtbank.example",
        category: "CATEGORY_UPDATES",
        list_id: None,
        subjects: &["Ihr Kontoauszug Nr. {n}", "Neue Nachricht in Ihrem Postfach"],
        text: "Ein neues Dokument liegt für Sie bereit. Bitte melden Sie sich wie gewohnt an.",
        user_label: None,
    },
    Sender {
        name: "Nimbus Airlines",
        email: "booking@nimbusair.example",
        category: "CATEGORY_UPDATES",
        list_id: None,
        subjects: &["Booking confirmation NB{n}", "Online check-in for NB{n} is open"],
        text: "Your seat is reserved. Please be at the gate 30 minutes before departure.",
        user_label: Some("Travel"),
    },
];

const FORUMS: [Sender; 2] = [
    Sender {
        name: "Sensor Working Group",
        email: "sensors@lists.standards.example",
        category: "CATEGORY_FORUMS",
        list_id: Some("sensors.lists.standards.example"),
        subjects: &["[sensors] Draft {n} for review", "[sensors] Minutes of call {n}"],
        text: "Please comment on the list until the end of next week.",
        user_label: None,
    },
    Sender {
        name: "Berlin Runners",
        email: "runners@clubs.example",
        category: "CATEGORY_FORUMS",
        list_id: Some("runners.clubs.example"),
        subjects: &["[runners] Sunday, {n} km", "[runners] Who has a spare start number?"],
        text: "Meeting point as always at the bridge, nine o'clock.",
        user_label: None,
    },
];

const SOCIAL: [Sender; 2] = [
    Sender {
        name: "Linkwell",
        email: "notify@linkwell.example",
        category: "CATEGORY_SOCIAL",
        list_id: None,
        subjects: &["You have {n} new visitors", "Someone commented on your post"],
        text: "See who has looked at your profile this week.",
        user_label: None,
    },
    Sender {
        name: "Photomosaic",
        email: "hello@photomosaic.example",
        category: "CATEGORY_SOCIAL",
        list_id: None,
        subjects: &["{n} people liked your photo", "A memory from last year"],
        text: "Open the app to see more.",
        user_label: None,
    },
];

const SPAM: [Sender; 2] = [
    Sender {
        name: "Prize Department",
        email: "winner@lottery-prize.invalid",
        category: "SPAM",
        list_id: None,
        subjects: &["YOU WON {n},000 EUR!!!", "Last warning: claim your prize"],
        text: "Dear beneficiary, kindly send your details to receive the funds.",
        user_label: None,
    },
    Sender {
        name: "Dr. Smile",
        email: "offer@cheap-pills.invalid",
        category: "SPAM",
        list_id: None,
        subjects: &["Re: your order {n}", "Cheap meds, no prescription"],
        text: "Click here. Click now. Limited offer.",
        user_label: None,
    },
];

/// Writes one of them, by how often each kind comes.
pub(super) fn write(post: &mut Post<'_>) {
    match post.rng.below(100) {
        0..26 => automatic(post, &PROMOTIONS),
        26..60 => automatic(post, &UPDATES),
        60..72 => automatic(post, &FORUMS),
        72..84 => automatic(post, &SOCIAL),
        84..90 => automatic(post, &SPAM),
        90..93 => draft(post),
        93..96 => chat(post),
        _ => trashed(post),
    }
}

fn automatic(post: &mut Post<'_>, senders: &'static [Sender]) {
    let sender = post.rng.pick(senders);
    let at = post.any_time();
    let mut labels = if sender.category == "SPAM" { vec!["SPAM", "UNREAD"] } else { post.inbox(sender.category, at) };
    labels.extend(sender.user_label);
    let number = post.rng.between(10, 99_999);
    let subject = post.rng.pick(sender.subjects).replace("{n}", &number.to_string());
    let mut message = Message { boundary: post.rng.next(), ..Message::default() };
    post.arrived(&mut message, sender.email, at);
    if let Some(list_id) = sender.list_id {
        message.header("List-Id", &format!("{} <{list_id}>", sender.name));
        message.header("List-Unsubscribe", &format!("<https://{list_id}/unsubscribe/{:x}>", post.rng.next()));
        message.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        message.header("Precedence", "bulk");
    } else if sender.category == "CATEGORY_UPDATES" {
        message.header("Auto-Submitted", "auto-generated");
    }
    let text = format!("{}\n\n{}\n\n{}", subject, sender.text, sender.name);
    let rich = format!(
        "<!doctype html><html><body style=\"font-family:sans-serif\"><table width=\"600\"><tr><td><h1>{}</h1><p>{}</p>\
         <p><a href=\"https://{}/\">Read more</a></p><img src=\"https://{}/open.gif\" width=\"1\" height=\"1\" alt=\"\"></td></tr></table></body></html>\n",
        html(&subject),
        html(sender.text),
        domain(sender.email),
        domain(sender.email),
    );
    match sender.category {
        "CATEGORY_FORUMS" => message.text = Some(text),
        "CATEGORY_PROMOTIONS" if post.rng.chance(40) => message.html = Some(rich),
        _ => (message.text, message.html) = (Some(text), Some(rich)),
    }
    if sender.user_label == Some("Receipts") {
        let bytes = files::pdf(&mut post.rng);
        message.files.push(super::mime::File {
            name: format!("invoice-{number}.pdf"),
            mime_type: "application/pdf",
            bytes,
        });
    }
    finish(post, message, Party { name: sender.name, email: sender.email }, &subject, at, labels);
}

/// Adds who, when and what for mail to the owner, and posts it as a thread of its own.
fn finish(
    post: &mut Post<'_>,
    mut message: Message,
    from: Party<'_>,
    subject: &str,
    at: DateTime<Utc>,
    labels: Vec<&'static str>,
) {
    let thread = post.new_thread();
    let message_id = post.message_id(domain(from.email));
    let to = (&post.cast.me).into();
    Envelope { from, to, cc: None, subject, at, zone: Tz::UTC, message_id: &message_id }.write(&mut message);
    post.letters.push(Letter { at, labels, thread, message_id, raw: message.write() });
}

fn domain(email: &str) -> &str {
    email.rsplit('@').next().unwrap_or(email)
}

fn draft(post: &mut Post<'_>) {
    let cast = post.cast;
    let to = cast.contact(&mut post.rng);
    let at = post.any_time();
    let language = to.organization.language;
    let subject = *post.rng.pick(language.topics);
    let text = format!("{}\n\n", post.rng.pick(language.greetings).replace("{name}", &to.first_name));
    let mut message = Message { text: Some(text), boundary: post.rng.next(), ..Message::default() };
    let (thread, message_id) = (post.new_thread(), post.message_id("mail.gmail.com"));
    let (from, zone) = ((&cast.me).into(), cast.me.organization.zone);
    Envelope { from, to: to.into(), cc: None, subject, at, zone, message_id: &message_id }.write(&mut message);
    post.letters.push(Letter { at, labels: vec!["DRAFT"], thread, message_id, raw: message.write() });
}

fn chat(post: &mut Post<'_>) {
    let cast = post.cast;
    let from = post.rng.pick(cast.colleagues());
    let at = post.any_time();
    let text = (*post.rng.pick(from.organization.language.replies)).replace("{topic}", "it");
    let message = Message { text: Some(text), boundary: post.rng.next(), ..Message::default() };
    finish(post, message, from.into(), &format!("Chat with {}", from.name), at, vec!["CHAT"]);
}

/// A conversation the owner threw away.
fn trashed(post: &mut Post<'_>) {
    let before = post.letters.len();
    super::conversations::write(post);
    for letter in &mut post.letters[before..] {
        letter.labels.retain(|label| *label != "INBOX" && *label != "UNREAD");
        letter.labels.push("TRASH");
    }
}
