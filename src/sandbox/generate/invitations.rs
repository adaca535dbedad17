//! The mails that invite to the meetings in the calendar, and call them off.

use chrono::{DateTime, Utc};

use super::{
    letters::{Envelope, Letter, Party, Post, html},
    meetings::Invitation,
    mime::{File, Message},
};

/// Writes the invitation, and the cancellation in the same thread if there was one.
pub(super) fn write(post: &mut Post<'_>, invitation: &Invitation) {
    let thread = post.new_thread();
    mail(post, invitation, thread, "REQUEST", "Invitation", invitation.sent_at);
    if let Some(at) = invitation.cancelled_at {
        mail(post, invitation, thread, "CANCEL", "Canceled event", at);
    }
}

fn mail(
    post: &mut Post<'_>,
    invitation: &Invitation,
    thread: u64,
    method: &'static str,
    word: &str,
    at: DateTime<Utc>,
) {
    if post.is_full() || !(post.from..post.until).contains(&at) {
        return;
    }
    let organizer = &invitation.organizer;
    let zone = organizer.organization.zone;
    let when = invitation.starts_at.with_timezone(&zone).format("%a %-d %b %Y %H:%M");
    let subject = format!("{word}: {} @ {when} ({})", invitation.summary, post.cast.me.email);
    let text =
        format!("{}\n{when} ({zone})\nOrganizer: {} <{}>\n", invitation.summary, organizer.name, organizer.email);
    let ics = icalendar(invitation, &post.cast.me.email, method, at);
    let mut message = Message {
        html: Some(format!("<div>{}</div>\n", html(&text).replace('\n', "<br>"))),
        text: Some(text),
        files: vec![File {
            name: "invite.ics".to_owned(),
            mime_type: "application/ics",
            bytes: ics.clone().into_bytes(),
        }],
        calendar: Some((method, ics)),
        boundary: post.rng.next(),
        ..Message::default()
    };
    let domain = organizer.email.rsplit('@').next().unwrap_or("calendar.example");
    let message_id = post.message_id(&format!("calendar.{domain}"));
    post.arrived(&mut message, &organizer.email, at);
    let (from, to): (Party<'_>, Party<'_>) = (organizer.into(), (&post.cast.me).into());
    Envelope { from, to, cc: None, subject: &subject, at, zone, message_id: &message_id }.write(&mut message);
    let labels = post.inbox("CATEGORY_PERSONAL", at);
    post.letters.push(Letter { at, labels, thread, message_id, raw: message.write() });
}

fn icalendar(invitation: &Invitation, me: &str, method: &str, at: DateTime<Utc>) -> String {
    let stamp = |moment: DateTime<Utc>| moment.format("%Y%m%dT%H%M%SZ");
    let (status, sequence) = if method == "CANCEL" { ("CANCELLED", 1) } else { ("CONFIRMED", 0) };
    format!(
        "BEGIN:VCALENDAR\r\nPRODID:-//Brightwater//Calendar//EN\r\nVERSION:2.0\r\nCALSCALE:GREGORIAN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n\
         DTSTART:{}\r\nDTEND:{}\r\nDTSTAMP:{}\r\nORGANIZER;CN=\"{}\":mailto:{}\r\nUID:{}\r\n\
         ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{me}\r\n\
         SEQUENCE:{sequence}\r\nSTATUS:{status}\r\nSUMMARY:{}\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        stamp(invitation.starts_at),
        stamp(invitation.ends_at),
        stamp(at),
        invitation.organizer.name,
        invitation.organizer.email,
        invitation.uid,
        invitation.summary,
    )
}
