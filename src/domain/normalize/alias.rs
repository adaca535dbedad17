//! Which addresses are the same mailbox.

/// Whether an address is one of the account's, however it is written. Both are lower case.
pub(super) fn is_one_of(address: &str, aliases: &[String]) -> bool {
    !address.is_empty()
        && (aliases.iter().any(|alias| alias == address) || {
            let mailbox = mailbox(address);
            aliases.iter().any(|alias| self::mailbox(alias) == mailbox)
        })
}

/// The mailbox behind an address, lower case: what follows a plus is the owner's own note, and Gmail reads over dots.
///
/// The mailbox of a mailbox is itself.
pub(in crate::domain) fn mailbox(address: &str) -> String {
    let Some((local, host)) = address.rsplit_once('@') else { return address.to_owned() };
    // An address may begin with a plus, but a mailbox has a name.
    let name = local.split_once('+').map_or(local, |(name, _)| name);
    let name = if name.is_empty() { local } else { name };
    match host {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", name.replace('.', "").trim_start()),
        _ => format!("{name}@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_many_addresses() {
        let own = ["ada.brook@gmail.com".to_owned(), "ada@example.org".to_owned()];
        for (address, is_own) in [
            ("ada.brook@gmail.com", true),
            ("adabrook@gmail.com", true),
            ("a.d.a.brook+lists@googlemail.com", true),
            ("ada+news@example.org", true),
            ("a.da@example.org", false),
            ("ada@example.com", false),
            ("+@gmail.com", false),
            ("", false),
        ] {
            assert_eq!(is_one_of(address, &own), is_own, "{address}");
        }
    }
}
