//! Threads between people: questions, answers with the earlier mail quoted below, signatures, attachments.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    files,
    language::Language,
    letters::{Envelope, Letter, Party, Post, html},
    mime::Message,
    people::Person,
};

const USER_LABELS: [&str; 5] = ["Clients", "Projects/Atlas", "Projects/Lighthouse", "Travel", "Family"];

/// One mail of a thread, as the next one answers it.
struct Said {
    by: Person,
    at: DateTime<Utc>,
    message_id: String,
    text: String,
}

/// Writes one thread of one to eight mails.
pub(super) fn write(post: &mut Post<'_>) {
    let thread = post.new_thread();
    let cast = post.cast;
    let other = cast.contact(&mut post.rng).clone();
    let language = other.organization.language;
    let topic = *post.rng.pick(language.topics);
    let copied = third_person(post, &other);
    let label = post.rng.chance(15).then(|| *post.rng.pick(&USER_LABELS));
    let charset = language.old_charset.filter(|_| post.rng.chance(25));
    let n_mails = if post.rng.chance(35) { 1 } else { post.rng.between(2, 8) };
    let mut at = post.office_time(other.organization.zone);
    let mut mine = post.rng.chance(40);
    let mut said: Vec<Said> = Vec::new();
    for _ in 0..n_mails {
        if post.is_full() || at > post.until {
            return;
        }
        let (by, to) = if mine { (&cast.me, &other) } else { (&other, &cast.me) };
        let mut message = Message { charset, boundary: post.rng.next(), ..Message::default() };
        let domain = by.email.rsplit('@').next().unwrap_or("mail.example");
        let message_id = post.message_id(domain);
        let labels = if mine { vec!["SENT"] } else { post.inbox("CATEGORY_PERSONAL", at) };
        if !mine {
            post.arrived(&mut message, &by.email, at);
        }
        let subject = subject(language, topic, !said.is_empty());
        let cc = copied.as_ref().map(Party::from);
        let (from, zone) = (by.into(), by.organization.zone);
        Envelope { from, to: to.into(), cc, subject: &subject, at, zone, message_id: &message_id }.write(&mut message);
        reference(&mut message, &said);
        let text = body(post, language, topic, by, to, said.is_empty());
        fill(post, &mut message, language, &text, said.last(), topic);
        let labels = labels.into_iter().chain(label).collect();
        post.letters.push(Letter { at, labels, thread, message_id: message_id.clone(), raw: message.write() });
        said.push(Said { by: by.clone(), at, message_id, text });
        at += TimeDelta::minutes(post.rng.between(6, 60 * 30));
        // Now and then somebody writes twice in a row.
        mine = if post.rng.chance(12) { mine } else { !mine };
    }
}

fn third_person(post: &mut Post<'_>, other: &Person) -> Option<Person> {
    if !post.rng.chance(20) {
        return None;
    }
    let colleague = post.rng.pick(post.cast.colleagues()).clone();
    Some(colleague).filter(|colleague| colleague.email != other.email)
}

fn subject(language: &Language, topic: &str, is_reply: bool) -> String {
    let mut chars = topic.chars();
    let capital: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    if is_reply { format!("{}: {capital}", language.re) } else { capital }
}

fn reference(message: &mut Message, said: &[Said]) {
    if let Some(last) = said.last() {
        message.header("In-Reply-To", &format!("<{}>", last.message_id));
        let all: Vec<String> = said.iter().map(|earlier| format!("<{}>", earlier.message_id)).collect();
        message.header("References", &all.join("\r\n "));
    }
}

/// What is new in this mail, signature included.
fn body(post: &mut Post<'_>, language: &Language, topic: &str, by: &Person, to: &Person, is_first: bool) -> String {
    let rng = &mut post.rng;
    let mut text = rng.pick(language.greetings).replace("{name}", &to.first_name);
    text.push_str("\n\n");
    let lines = if is_first { language.lines } else { language.replies };
    let first = rng.pick(lines);
    let mut used = vec![*first];
    for _ in 0..rng.between(1, 5) {
        let line = rng.pick(language.lines);
        if !used.contains(line) {
            used.push(line);
        }
    }
    for (index, line) in used.iter().enumerate() {
        text.push_str(&line.replace("{topic}", topic));
        text.push_str(if index % 3 == 2 { "\n\n" } else { "\n" });
    }
    let closing = rng.pick(language.closings);
    let short = !is_first && rng.chance(50);
    text.push_str(&format!("\n{closing}\n{}\n", by.first_name));
    if !short {
        text.push_str(&format!("\n-- \n{}\n{}, {}\n{}\n", by.name, by.title, by.organization.name, by.phone));
    }
    text
}

/// Sets bodies and attachments: text alone, both, or HTML alone.
fn fill(
    post: &mut Post<'_>,
    message: &mut Message,
    language: &Language,
    text: &str,
    quoted: Option<&Said>,
    topic: &str,
) {
    let mut plain = text.to_owned();
    let direction = if language.rtl { "rtl" } else { "ltr" };
    let mut rich = format!("<div dir=\"{direction}\">{}</div>", html(text).replace('\n', "<br>\n"));
    if let Some(earlier) = quoted {
        let date = earlier.at.with_timezone(&earlier.by.organization.zone).format("%Y-%m-%d %H:%M").to_string();
        let attribution = language.attribution.replace("{date}", &date).replace("{name}", &earlier.by.name);
        plain.push_str(&format!("\n{attribution}\n"));
        for line in earlier.text.lines() {
            plain.push_str(&format!("> {line}\n"));
        }
        let (attribution, below) = (html(&attribution), html(&earlier.text).replace('\n', "<br>\n"));
        rich.push_str(&format!(
            "<br>\n<div class=\"gmail_quote\"><div dir=\"{direction}\" class=\"gmail_attr\">{attribution}<br></div>\n\
             <blockquote class=\"gmail_quote\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">{below}</blockquote></div>\n"
        ));
    }
    match post.rng.below(10) {
        0..4 => message.text = Some(plain),
        4..9 => (message.text, message.html) = (Some(plain), Some(rich)),
        _ => message.html = Some(format!("<html><body>{rich}</body></html>")),
    }
    if post.rng.chance(12) {
        message.files.push(files::file(&mut post.rng, topic));
    }
}
