//! Cuts mbox files into messages.

/// The messages of an mbox file, unquoted (`mboxrd`: one `>` goes from every `>From `, `>>From ` and so on).
///
/// A message starts at a `From ` line at the file's start or behind an empty line. Where the first of them has a time in
/// it, as they should, so must the others: prose that happens to begin with "From " is left alone.
pub(super) fn split(file: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let first = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let needs_time = !first.starts_with(b"From ") || has_time(first);
    let mut after_blank = true;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        if after_blank && line.starts_with(b"From ") && (has_time(line) || !needs_time) {
            if let Some(last) = messages.last_mut() {
                drop_blank_line(last);
            }
            messages.push(Vec::new());
            after_blank = false;
            continue;
        }
        after_blank = line == b"\n" || line == b"\r\n";
        if let Some(message) = messages.last_mut() {
            let quotes = line.iter().take_while(|byte| **byte == b'>').count();
            let is_quoted = quotes > 0 && line[quotes..].starts_with(b"From ");
            message.extend_from_slice(if is_quoted { &line[1..] } else { line });
        }
    }
    if let Some(last) = messages.last_mut() {
        drop_blank_line(last);
    }
    messages
}

fn has_time(line: &[u8]) -> bool {
    line.windows(5).any(|w| w[2] == b':' && [w[0], w[1], w[3], w[4]].iter().all(u8::is_ascii_digit))
}

/// The empty line before the next separator belongs to the mbox, not to the message.
fn drop_blank_line(message: &mut Vec<u8>) {
    for end in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if message.ends_with(end) {
            message.truncate(message.len() - end.len() / 2);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in() {
        let file = b"From a@b Mon Jan  5 10:00:00 2026\nSubject: one\n\nbody\n>From the start\n>>From twice\n\nFrom here on, prose\n\n\
            From c@d Mon Jan  5 11:00:00 2026\nSubject: two\n\nend\n";
        let messages = split(file);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0], b"Subject: one\n\nbody\nFrom the start\n>From twice\n\nFrom here on, prose\n");
        assert_eq!(messages[1], b"Subject: two\n\nend\n");
    }

    #[test]
    fn separators_without_times_are_known_by_the_first() {
        assert_eq!(split(b"From -\nA: 1\n\nx\n\nFrom -\nB: 2\n\ny\n").len(), 2);
    }

    #[test]
    fn a_file_without_separators_holds_nothing() {
        assert!(split(b"Subject: x\n\nFrom me\n").is_empty());
        assert!(split(b"").is_empty());
    }
}
