//! Lists of addresses (RFC 5322, 3.4), read forgivingly: what people and programs wrote instead is read as what they meant.

use super::header;

/// A mailbox: the address is empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) address: String,
    pub(super) name: String,
}

/// What has been read of one mailbox.
#[derive(Default)]
struct Open {
    /// Outside of brackets: the name, or an address without brackets.
    phrase: String,
    /// Inside of angle brackets.
    angle: Option<String>,
    /// The comments.
    comment: String,
    /// What stands behind the angle brackets: nothing, unless a comma is missing.
    tail: String,
}

/// The mailboxes of a header's text, at most `max` of them. Groups are opened, their names left out.
pub(super) fn list(text: &str, max: usize) -> Vec<Mailbox> {
    let (mut found, mut open) = (Vec::new(), Open::default());
    let mut reader = Reader { rest: text, unclosed: String::new() };
    while let Some(char) = reader.next().filter(|_| found.len() < max) {
        match char {
            '"' => open.take_quoted(&mut reader),
            '(' => open.take_comment(&mut reader),
            '<' if open.angle.is_none() => open.take_angle(&mut reader),
            // A domain in brackets (RFC 5322, 3.4.1) may have colons in it.
            '[' if open.phrase.ends_with('@') => {
                let end = reader.rest.find([']', ',']).unwrap_or(reader.rest.len());
                open.phrase.push('[');
                open.phrase.push_str(reader.skip(end));
            }
            ',' | ';' => std::mem::take(&mut open).close(&mut found),
            // The name of a group.
            ':' if open.angle.is_none() && !open.phrase.contains('@') => open = Open::default(),
            _ => open.push(char),
        }
    }
    open.close(&mut found);
    found.truncate(max);
    found
}

/// What is still to be read.
struct Reader<'x> {
    rest: &'x str,
    /// What opens something and was found never to be closed: to look again each time would take quadratic time.
    unclosed: String,
}

impl<'x> Reader<'x> {
    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn skip(&mut self, n_bytes: usize) -> &'x str {
        let (skipped, rest) = self.rest.split_at(n_bytes);
        self.rest = rest;
        skipped
    }

    /// What stands before the character that ends what `opener` opened; that one is left. Quotes may hide it, and a backslash hides the
    /// next one.
    fn until(&mut self, opener: char, mut ends: impl FnMut(char, bool) -> bool) -> Option<&'x str> {
        if self.unclosed.contains(opener) {
            return None;
        }
        let (mut is_escaped, mut is_in_quotes) = (false, false);
        let end = self.rest.char_indices().find_map(|(at, char)| {
            if std::mem::take(&mut is_escaped) {
                return None;
            }
            is_escaped = char == '\\';
            let is_end = !is_escaped && ends(char, is_in_quotes);
            is_in_quotes ^= char == '"';
            is_end.then_some(at)
        });
        if end.is_none() {
            self.unclosed.push(opener);
        }
        end.map(|end| self.skip(end))
    }
}

impl Open {
    fn push(&mut self, char: char) {
        if self.angle.is_none() { &mut self.phrase } else { &mut self.tail }.push(char);
    }

    /// A quote that is never closed says nothing.
    fn take_quoted(&mut self, reader: &mut Reader<'_>) {
        let Some(inside) = reader.until('"', |char, _| char == '"') else { return };
        reader.next();
        if self.angle.is_some() {
            return;
        }
        if self.phrase.trim().is_empty() && reader.rest.starts_with('@') {
            let end = reader.rest.find(|char: char| char.is_whitespace() || ",;<(".contains(char));
            let domain = reader.skip(end.unwrap_or(reader.rest.len()));
            self.angle = Some(format!("\"{inside}\"{domain}"));
        } else {
            self.phrase.push_str(&unescape(inside));
        }
    }

    fn take_comment(&mut self, reader: &mut Reader<'_>) {
        let mut depth = 1_usize;
        let inside = reader.until('(', |char, _| {
            depth += usize::from(char == '(');
            depth -= usize::from(char == ')');
            depth == 0
        });
        if let Some(inside) = inside {
            reader.next();
            self.comment.push_str(if self.comment.is_empty() { "" } else { " " });
            self.comment.push_str(&unescape(inside));
        }
        // A comment parts words, as a blank does.
        self.push(' ');
    }

    fn take_angle(&mut self, reader: &mut Reader<'_>) {
        let (is_route, is_quoted) = (reader.rest.trim_start().starts_with('@'), reader.rest.starts_with('"'));
        // Without its end, it reaches to the next mailbox.
        let is_end = |char| matches!(char, '>' | '<' | ';') || (char == ',' && !is_route);
        let inside = reader.until('<', |char, is_in_quotes| !(is_quoted && is_in_quotes) && is_end(char));
        let inside = inside.unwrap_or_else(|| reader.skip(reader.rest.len()));
        self.angle = Some(inside.to_owned());
        if reader.rest.starts_with('>') {
            reader.next();
        }
    }

    fn close(self, found: &mut Vec<Mailbox>) {
        let Self { phrase, angle, comment, tail } = self;
        let (phrase, comment) = (fold(&header::words(&phrase)), fold(&header::words(&comment)));
        if let Some(address) = angle.map(|angle| spec(&angle)).filter(|address| !address.is_empty()) {
            found.push(Mailbox { address, name: with_comment(&phrase, &comment) });
            return found.extend(bare(&fold(&tail)).into_iter().map(|(address, name)| Mailbox { address, name }));
        }
        let addresses = bare(&phrase);
        match addresses.as_slice() {
            [] if phrase.is_empty() => {}
            [] => found.push(Mailbox { address: String::new(), name: phrase }),
            [(address, name)] => {
                found.push(Mailbox { address: address.clone(), name: with_comment(name, &comment) });
            }
            // Somebody forgot the commas.
            several => found
                .extend(several.iter().map(|(address, _)| Mailbox { address: address.clone(), ..Mailbox::default() })),
        }
    }
}

/// A comment is the name of who has no other (RFC 5322, 3.4); a name is shown with it, as mail programs do.
fn with_comment(name: &str, comment: &str) -> String {
    match (name, comment) {
        (name, "") => name.to_owned(),
        ("", comment) => comment.to_owned(),
        (name, comment) => format!("{name} ({comment})"),
    }
}

fn unescape(text: &str) -> String {
    let mut is_escaped = false;
    text.chars()
        .filter(|char| {
            is_escaped = *char == '\\' && !is_escaped;
            !is_escaped
        })
        .collect()
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An address in angle brackets, without the route that old mail puts before it, and without blanks and comments.
fn spec(angle: &str) -> String {
    let angle = header::words(angle);
    let routed = angle.trim_start().starts_with('@');
    let angle = if routed { angle.rsplit(':').next().unwrap_or_default() } else { &angle };
    let (mut depth, mut is_in_quotes) = (0_usize, false);
    let kept = angle.chars().filter(|char| {
        is_in_quotes ^= *char == '"';
        depth += usize::from(*char == '(' && !is_in_quotes);
        let is_kept = depth == 0 && (is_in_quotes || !(char.is_whitespace() || *char == '<'));
        depth -= usize::from(*char == ')' && depth > 0);
        is_kept
    });
    let kept: String = kept.collect();
    kept.strip_prefix("mailto:").map(str::to_owned).unwrap_or(kept)
}

/// Addresses that stand without brackets, each with the words before it.
fn bare(phrase: &str) -> Vec<(String, String)> {
    // Archives of mailing lists write addresses so.
    if let [local, "at", domain] = phrase.split(' ').collect::<Vec<_>>().as_slice()
        && domain.contains('.')
    {
        return vec![(format!("{local}@{domain}"), String::new())];
    }
    let (mut found, mut words) = (Vec::new(), Vec::new());
    for word in joined(phrase).split(' ') {
        let address = word.trim_matches(|char| "<>'".contains(char));
        let address = address.strip_prefix("mailto:").unwrap_or(address);
        match address.contains('@') && address.len() > 1 {
            true => found.push((address.to_owned(), std::mem::take(&mut words).join(" "))),
            false => words.push(word),
        }
    }
    found
}

/// The blanks around the `@` and the dots of an old address (RFC 5322, 4.4) say nothing.
fn joined(phrase: &str) -> String {
    let at = phrase.find('@').unwrap_or(phrase.len());
    let (local, domain) = phrase.split_at(at);
    let domain = domain.replace("@ ", "@").replace(" .", ".").replace(". ", ".");
    let local = if domain.is_empty() { local.to_owned() } else { local.trim_end().replace(" . ", ".") };
    format!("{local}{domain}")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mailboxes_are_read_as_they_were_meant() {
        for (text, expected) in [
            ("Ada <ada@x.org>, \"Bob, B.\" <bob@x.org>", &[("ada@x.org", "Ada"), ("bob@x.org", "Bob, B.")][..]),
            ("\"a \\\"b\\\" c\" <a@b>", &[("a@b", "a \"b\" c")]),
            ("=?utf-8?q?Ad=C3=A4=2C?= Love <ada@x.org>", &[("ada@x.org", "Adä, Love")]),
            ("\"=?utf-8?q?Ad=C3=A4?=\" <ada@x.org>", &[("ada@x.org", "Adä")]),
            ("ada@x.org (Ada (the) Countess)", &[("ada@x.org", "Ada (the) Countess")]),
            ("John (my friend) <jdoe@one.test>", &[("jdoe@one.test", "John (my friend)")]),
            ("Friends: a@b, Dan <d@e>; c@d", &[("a@b", ""), ("d@e", "Dan"), ("c@d", "")]),
            ("undisclosed-recipients:;", &[]),
            ("<@route,@b:ada@x.org>, ada . b @ x . org", &[("ada@x.org", ""), ("ada.b@x.org", "")]),
            ("Chris <c@(the host)public.example>", &[("c@public.example", "Chris")]),
            ("\"a b\"@x.org (c)", &[("\"a b\"@x.org", "c")]),
            ("ada@[IPv6:::1], b@c", &[("ada@[IPv6:::1]", ""), ("b@c", "")]),
            ("jk at supply.com (Joshua Kifer)", &[("jk@supply.com", "Joshua Kifer")]),
            ("Ada <ada@x.org>bob@x.org", &[("ada@x.org", "Ada"), ("bob@x.org", "")]),
            ("tim@x.org bob@x.org", &[("tim@x.org", ""), ("bob@x.org", "")]),
            ("Ada Lovelace ada@x.org", &[("ada@x.org", "Ada Lovelace")]),
            ("Ada <ada@x.org, bob@x.org", &[("ada@x.org", "Ada"), ("bob@x.org", "")]),
            ("MAILER-DAEMON, Root <root>, <>", &[("", "MAILER-DAEMON"), ("root", "Root")]),
            ("=?utf-8?q?ada=40x.org?=", &[("ada@x.org", "")]),
            ("Ada \"the <ada@x.org>", &[("ada@x.org", "Ada the")]),
            ("Ada@Work <ada@x.org>", &[("ada@x.org", "Ada@Work")]),
            (", ,; ", &[]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(address, name)| Mailbox { address: (*address).into(), name: (*name).into() })
                .collect();
            assert_eq!(list(text, 100), expected, "{text}");
        }
    }

    #[test]
    fn hostile_lists_take_linear_time_and_are_bounded() {
        let start = Instant::now();
        for unit in ["a@b,", "(", "\"", "<", "[", "@[", ":", "a ", "@", "\\", "<a", "(\"", "a@b "] {
            assert!(list(&unit.repeat(1_000_000 / unit.len()), 1_000).len() <= 1_000, "{unit}");
        }
        assert!(start.elapsed().as_secs() < 20);
    }

    proptest! {
        #[test]
        fn any_text_is_a_list(text in "([<>,;:@()\"\\\\\\[\\]. ]|a|at|é|=[?]utf-8[?]q[?]|[?]=|.){0,40}") {
            list(&text, 10);
        }
    }
}
