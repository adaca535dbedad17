//! The account's owner, the organizations they deal with, and the people there.

use super::{
    super::rng::Rng,
    language::{ARABIC, ENGLISH, FRENCH, GERMAN, JAPANESE, Language, PORTUGUESE, RUSSIAN, SPANISH},
};

/// An organization.
#[derive(Debug)]
pub(super) struct Organization {
    pub name: &'static str,
    pub domain: &'static str,
    pub zone: chrono_tz::Tz,
    pub language: &'static Language,
}

/// The first is where the owner works; their colleagues are there. Reserved domains: none of this mail can reach anyone.
static ORGANIZATIONS: [Organization; 10] = [
    Organization {
        name: "Brightwater Instruments",
        domain: "brightwater.example",
        zone: chrono_tz::Europe::Berlin,
        language: &ENGLISH,
    },
    Organization {
        name: "Nordhafen Logistik",
        domain: "nordhafen.example",
        zone: chrono_tz::Europe::Berlin,
        language: &GERMAN,
    },
    Organization {
        name: "Atelier Garonne",
        domain: "garonne.example",
        zone: chrono_tz::Europe::Paris,
        language: &FRENCH,
    },
    Organization {
        name: "Harbor & Pine",
        domain: "harborpine.example",
        zone: chrono_tz::America::New_York,
        language: &ENGLISH,
    },
    Organization {
        name: "Costa Verde Foods",
        domain: "costaverde.example",
        zone: chrono_tz::Europe::Madrid,
        language: &SPANISH,
    },
    Organization { name: "Aozora Denki", domain: "aozora.example", zone: chrono_tz::Asia::Tokyo, language: &JAPANESE },
    Organization {
        name: "Tejo Sistemas",
        domain: "tejo.example",
        zone: chrono_tz::Europe::Lisbon,
        language: &PORTUGUESE,
    },
    Organization { name: "Sever Line", domain: "severline.example", zone: chrono_tz::Europe::Riga, language: &RUSSIAN },
    Organization { name: "Al Waha Trading", domain: "alwaha.example", zone: chrono_tz::Asia::Dubai, language: &ARABIC },
    Organization {
        name: "Kestrel Analytics",
        domain: "kestrel.example",
        zone: chrono_tz::America::Los_Angeles,
        language: &ENGLISH,
    },
];

const CONTACTS: usize = 60;

/// A person who writes and meets.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub name: String,
    pub first_name: String,
    pub email: String,
    pub title: &'static str,
    pub phone: String,
    pub organization: &'static Organization,
}

/// Everybody in one account's story.
#[derive(Debug)]
pub(super) struct Cast {
    pub me: Person,
    pub contacts: Vec<Person>,
    /// How many of the contacts, from the first, are the owner's colleagues.
    pub n_colleagues: usize,
}

impl Cast {
    pub(super) fn new(rng: &mut Rng, email: &str, name: &str) -> Self {
        let home = &ORGANIZATIONS[0];
        let me = Person {
            name: name.to_owned(),
            first_name: name.split(' ').next().unwrap_or(name).to_owned(),
            email: email.to_owned(),
            title: "Head of Partnerships",
            phone: phone(rng),
            organization: home,
        };
        let mut contacts: Vec<Person> = Vec::with_capacity(CONTACTS);
        let n_colleagues = CONTACTS / 4;
        let mut tries = 0;
        while contacts.len() < CONTACTS {
            // Small languages have fewer names than places: the search for a fresh one goes on elsewhere.
            let organization = match contacts.len() {
                n if n < n_colleagues => home,
                n => &ORGANIZATIONS[1 + (n + tries) % (ORGANIZATIONS.len() - 1)],
            };
            let person = person(rng, organization);
            tries += 1;
            if contacts.iter().all(|known| known.email != person.email) {
                contacts.push(person);
            }
        }
        Self { me, contacts, n_colleagues }
    }

    pub(super) fn colleagues(&self) -> &[Person] {
        &self.contacts[..self.n_colleagues]
    }

    /// Some contacts are written to far more often than others.
    pub(super) fn contact(&self, rng: &mut Rng) -> &Person {
        let range = if rng.chance(60) { self.contacts.len() / 3 } else { self.contacts.len() };
        // Spread over all organizations rather than over the colleagues alone.
        &self.contacts[(rng.below(range) * 7) % self.contacts.len()]
    }
}

fn person(rng: &mut Rng, organization: &'static Organization) -> Person {
    let language = organization.language;
    let (first, first_ascii) = *rng.pick(language.first_names);
    let (last, last_ascii) = *rng.pick(language.last_names);
    // Japanese names are written family name first.
    let name =
        if std::ptr::eq(language, &raw const JAPANESE) { format!("{last} {first}") } else { format!("{first} {last}") };
    Person {
        name,
        first_name: first.to_owned(),
        email: format!("{first_ascii}.{last_ascii}@{}", organization.domain),
        title: rng.pick::<&str>(language.titles),
        phone: phone(rng),
        organization,
    }
}

fn phone(rng: &mut Rng) -> String {
    format!("+{} 555 {:03} {:04}", rng.between(1, 99), rng.below(1_000), rng.below(10_000))
}
