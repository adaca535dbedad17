//! What HTML says of its text: that it is quoted, a signature, or that an older mail begins.
//!
//! The reader of HTML puts these marks into the text at the end of the line before, where they change nothing. They are
//! noncharacters, which Unicode keeps for use inside of programs. Whoever writes one into a mail hides words of their own from
//! the reply text, as they could with a `>`.

const QUOTE_BEGINS: char = '\u{fdd0}';
const QUOTE_ENDS: char = '\u{fdd1}';
const SIGNATURE_BEGINS: char = '\u{fdd2}';
const SIGNATURE_ENDS: char = '\u{fdd3}';
const OLDER_MAIL: char = '\u{fdd4}';

/// The deepest nesting of marked elements that is followed; what is deeper belongs to the one around it.
const MAX_OPEN: usize = 64;

/// Whether a character is a mark.
fn is_mark(char: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&char)
}

/// What an element says of what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Quote,
    Signature,
}

/// Follows the elements of an HTML document, in their order, and says which marks the text gets.
#[derive(Default)]
pub(in crate::domain::normalize) struct Marker {
    /// How many elements of each followed name are open.
    depths: [usize; FOLLOWED.len()],
    /// The marked ones among them: their name, how many of that name were open outside of them, and what they say.
    open: Vec<(usize, usize, Says)>,
}

/// Names of elements that mail programs put around quotes and signatures.
const FOLLOWED: [&str; 4] = ["blockquote", "div", "span", "table"];

impl Marker {
    /// Adds the mark that a tag makes due, if any, to the text so far. `tag` is the whole of it, `name` its lower-case name.
    pub(in crate::domain::normalize) fn mark(&mut self, name: &str, closes: bool, tag: &str, text: &mut String) {
        let Some(mark) = self.due(name, closes, tag) else { return };
        // Without words between them, two marks say nothing, or the same.
        let undone = matches!(
            (text.chars().next_back(), mark),
            (Some(QUOTE_BEGINS), QUOTE_ENDS)
                | (Some(QUOTE_ENDS), QUOTE_BEGINS)
                | (Some(SIGNATURE_BEGINS), SIGNATURE_ENDS)
                | (Some(SIGNATURE_ENDS), SIGNATURE_BEGINS)
        );
        if undone {
            text.pop();
        } else if !text.ends_with(mark) {
            text.push(mark);
        }
    }

    fn due(&mut self, name: &str, closes: bool, tag: &str) -> Option<char> {
        if !closes && begins_older_mail(name, tag) {
            return Some(OLDER_MAIL);
        }
        let name = FOLLOWED.iter().position(|followed| *followed == name)?;
        let before = self.says();
        if closes {
            self.depths[name] = self.depths[name].saturating_sub(1);
            // What is still open inside of the element ends with it.
            let closed = |&(other, depth, _): &(usize, usize, Says)| other == name && depth == self.depths[name];
            if let Some(at) = self.open.iter().rposition(closed) {
                self.open.truncate(at);
            }
        } else {
            if let Some(says) = says(FOLLOWED[name], tag).filter(|_| self.open.len() < MAX_OPEN) {
                self.open.push((name, self.depths[name], says));
            }
            self.depths[name] += 1;
        }
        match (before, self.says()) {
            (before, after) if before == after => None,
            (_, Some(Says::Quote)) => Some(QUOTE_BEGINS),
            (_, Some(Says::Signature)) => Some(SIGNATURE_BEGINS),
            (Some(Says::Quote), None) => Some(QUOTE_ENDS),
            (_, None) => Some(SIGNATURE_ENDS),
        }
    }

    /// The outermost one counts: the signature in a quote is quoted.
    fn says(&self) -> Option<Says> {
        self.open.first().map(|&(_, _, says)| says)
    }
}

/// What an opening tag says of its element.
fn says(name: &str, tag: &str) -> Option<Says> {
    if name == "blockquote" {
        // Mail programs also indent with this element.
        let tag = tag.to_ascii_lowercase();
        let indents =
            tag.contains("style") && !tag.contains("border-left") && !tag.contains("cite") && !tag.contains("quote\"");
        return (!indents).then_some(Says::Quote);
    }
    let tag = lower_if(tag, |tag| {
        tag.contains("class") || tag.contains("id") || tag.contains("name") || tag.contains("data-")
    })?;
    let has = |words: &[&str]| words.iter().any(|word| tag.contains(word));
    // The line that introduces the quote; the quote itself is a `blockquote`, and answers may stand between.
    let quotes =
        ["gmail_attr", "moz-cite-prefix", "yahoo_quoted", "replyheader", "messagereplysection", "zmail_extra_hr"];
    let signs = [
        "gmail_signature",
        "moz-signature",
        "applemailsignature",
        "protonmail_signature",
        "outlook-mobile-signature",
        "id=\"signature\"",
        "id=signature",
        "messagesignaturesection",
        "ymail_android_signature",
        "yahoo-signature",
        "sh-signature",
        "bloop_sign",
    ];
    if has(&quotes) {
        return Some(Says::Quote);
    }
    has(&signs).then_some(Says::Signature)
}

/// Whether an opening tag is one that a mail program puts above an older mail, outside of which nothing new follows.
fn begins_older_mail(name: &str, tag: &str) -> bool {
    if !matches!(name, "div" | "hr" | "span" | "table" | "a") {
        return false;
    }
    let Some(tag) = lower_if(tag, |tag| tag.contains("id") || tag.contains("class") || tag.contains("border-top"))
    else {
        return false;
    };
    let ids = [
        "divrplyfwdmsg",
        "olk_src_body_section",
        "stopspelling",
        "zwchr",
        "mail-editor-reference-message",
        "outlookmessageheader",
        "_origmsg",
    ];
    // The line that Word's editor draws above the headers.
    let is_rule = name == "div" && tag.contains("border-top:solid #") && tag.contains("padding:3.0pt 0");
    is_rule || ids.iter().any(|id| tag.contains(id))
}

/// The tag in lower case, if it may say something at all: most tags do not, and need no copy.
fn lower_if(tag: &str, may: impl Fn(&str) -> bool) -> Option<String> {
    // No mail program's own tag is longer.
    const LONGEST: usize = 2_000;
    (tag.len() <= LONGEST && tag.contains('=')).then(|| tag.to_ascii_lowercase()).filter(|tag| may(tag))
}

/// What the marks say of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) is_quoted: bool,
    pub(super) is_signature: bool,
    /// Whether an older mail begins here.
    pub(super) begins_older: bool,
}

/// A text without its marks, and what they say of each line.
pub(super) fn split(marked: &str) -> (String, Vec<Marked>) {
    if !marked.contains(is_mark) {
        return (marked.to_owned(), vec![Marked::default(); marked.split('\n').count()]);
    }
    let mut text = String::with_capacity(marked.len());
    let (mut lines, mut now) = (Vec::new(), Marked::default());
    for line in marked.split('\n') {
        if !lines.is_empty() {
            text.push('\n');
        }
        let words = line.trim_start_matches(is_mark);
        now = line[..line.len() - words.len()].chars().fold(now, Marked::after);
        lines.push(now);
        now.begins_older = false;
        now = words.chars().filter(|&char| is_mark(char)).fold(now, Marked::after);
        text.extend(words.chars().filter(|&char| !is_mark(char)));
    }
    (text, lines)
}

impl Marked {
    fn after(self, mark: char) -> Self {
        match mark {
            QUOTE_BEGINS => Self { is_quoted: true, is_signature: false, ..self },
            SIGNATURE_BEGINS => Self { is_quoted: false, is_signature: true, ..self },
            QUOTE_ENDS | SIGNATURE_ENDS => Self { is_quoted: false, is_signature: false, ..self },
            OLDER_MAIL => Self { begins_older: true, ..self },
            _ => self,
        }
    }
}
