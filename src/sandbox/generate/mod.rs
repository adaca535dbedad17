//! Believable mail and meetings, the same for the same seed.

mod bulk;
mod conversations;
mod days;
mod files;
mod invitations;
mod language;
mod letters;
mod meetings;
mod mime;
mod people;

use std::collections::HashMap;

use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};

use self::{letters::Post, meetings::Planner, people::Cast};
use super::{
    error::Error,
    gmail::{Id, Incoming, Threading},
    rng::Rng,
    world::Account,
};

/// How often in a hundred a conversation is begun rather than one automatic mail written. Conversations have between
/// three and four mails on average, so that people write about 70 % of all mail.
const CONVERSATION_PERCENT: usize = 42;

/// How much to invent, and when it is supposed to have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generate {
    /// The same seed gives the same account.
    pub seed: u64,
    /// Messages in all, Spam and Trash included.
    pub messages: usize,
    /// Events in all calendars: masters, singles and exceptions.
    pub events: usize,
    /// How many months before `now` it begins.
    pub months: u32,
    /// The moment it ends; meetings go on for a while after.
    pub now: DateTime<Utc>,
}

impl Generate {
    /// The usual account: 2,000 messages and 300 events over the year before `now`.
    pub fn usual(now: DateTime<Utc>) -> Self {
        Self { seed: 1, messages: 2_000, events: 300, months: 12, now }
    }
}

/// Fills mailbox and calendars. Nothing of it is news: history begins afterwards.
pub(super) fn fill(account: &Account, generate: &Generate) -> Result<(), Error> {
    let rng =
        |part: &[u8]| Rng::from_parts(&[b"generate", account.email.as_bytes(), &generate.seed.to_be_bytes(), part]);
    let from = generate.now.checked_sub_months(Months::new(generate.months)).unwrap_or(generate.now);
    let cast = Cast::new(&mut rng(b"cast"), &account.email, &account.name);
    let invitations = {
        let mut calendars = account.calendars.write();
        let mut planner = Planner::new(&cast, rng(b"meetings"), (from, generate.now), generate.events, &mut calendars);
        planner.plan()?;
        planner.invitations
    };
    let mut post = Post::new(&cast, rng(b"mail"), from, generate.now, generate.messages);
    // A small mailbox of a busy person is not all invitations.
    for invitation in invitations.iter().take(generate.messages / 20) {
        invitations::write(&mut post, invitation);
    }
    while !post.is_full() {
        if post.rng.chance(CONVERSATION_PERCENT) {
            conversations::write(&mut post);
        } else {
            bulk::write(&mut post);
        }
    }
    deliver(account, post);
    Ok(())
}

fn deliver(account: &Account, post: Post<'_>) {
    let mut letters = post.letters;
    letters.sort_by_key(|letter| letter.at);
    let mut threads: HashMap<u64, Id> = HashMap::new();
    let mut mailbox = account.mailbox.write();
    for letter in letters {
        let id = mailbox.deliver(Incoming {
            raw: letter.raw.into(),
            labels: letter.labels.into_iter().map(str::to_owned).collect(),
            internal_date: letter.at.timestamp_millis(),
            thread: threads.get(&letter.thread).map_or(Threading::New, |id| Threading::Known(*id)),
            message_id: Some(letter.message_id),
        });
        threads.entry(letter.thread).or_insert(id);
    }
    mailbox.expire_history();
}
