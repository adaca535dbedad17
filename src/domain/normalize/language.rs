//! Which language a text is in, as far as that helps to find it.

use whatlang::Lang;

use crate::domain::words;

words! {
    /// A language whose forms of words the search knows, by its code (ISO 639-1).
    Language {
        /// Arabic.
        Arabic = "ar",
        /// Catalan.
        Catalan = "ca",
        /// Danish.
        Danish = "da",
        /// German.
        German = "de",
        /// Greek.
        Greek = "el",
        /// English.
        English = "en",
        /// Spanish.
        Spanish = "es",
        /// Finnish.
        Finnish = "fi",
        /// French.
        French = "fr",
        /// Hindi.
        Hindi = "hi",
        /// Hungarian.
        Hungarian = "hu",
        /// Armenian.
        Armenian = "hy",
        /// Indonesian.
        Indonesian = "id",
        /// Italian.
        Italian = "it",
        /// Lithuanian.
        Lithuanian = "lt",
        /// Nepali.
        Nepali = "ne",
        /// Dutch.
        Dutch = "nl",
        /// Norwegian.
        Norwegian = "no",
        /// Portuguese.
        Portuguese = "pt",
        /// Romanian.
        Romanian = "ro",
        /// Russian.
        Russian = "ru",
        /// Serbian.
        Serbian = "sr",
        /// Swedish.
        Swedish = "sv",
        /// Tamil.
        Tamil = "ta",
        /// Turkish.
        Turkish = "tr",
        /// Yiddish.
        Yiddish = "yi",
    }
}

/// How much likelier than any other a language must be, as the library measures it, from 0 to 1. Below this, sentences of six words were
/// told wrongly; what the library itself calls reliable, 0.9, leaves most mail without a language.
const LIKELY: f64 = 0.25;
/// Characters that are looked at: more do not change what is found.
const LOOK: usize = 1_000;

/// The language of a text; `None` when it is too short to tell, in several, or in one whose forms of words the search does not know.
pub(super) fn of(text: &str) -> Option<Language> {
    let end = text.char_indices().nth(LOOK).map_or(text.len(), |(end, _)| end);
    let found = whatlang::detect(&text[..end]).filter(|found| found.confidence() >= LIKELY)?;
    Some(match found.lang() {
        Lang::Ara => Language::Arabic,
        Lang::Cat => Language::Catalan,
        Lang::Dan => Language::Danish,
        Lang::Deu => Language::German,
        Lang::Ell => Language::Greek,
        Lang::Eng => Language::English,
        Lang::Spa => Language::Spanish,
        Lang::Fin => Language::Finnish,
        Lang::Fra => Language::French,
        Lang::Hin => Language::Hindi,
        Lang::Hun => Language::Hungarian,
        Lang::Hye => Language::Armenian,
        Lang::Ind => Language::Indonesian,
        Lang::Ita => Language::Italian,
        Lang::Lit => Language::Lithuanian,
        Lang::Nep => Language::Nepali,
        Lang::Nld => Language::Dutch,
        Lang::Nob => Language::Norwegian,
        Lang::Por => Language::Portuguese,
        Lang::Ron => Language::Romanian,
        Lang::Rus => Language::Russian,
        Lang::Srp => Language::Serbian,
        Lang::Swe => Language::Swedish,
        Lang::Tam => Language::Tamil,
        Lang::Tur => Language::Turkish,
        Lang::Yid => Language::Yiddish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_tell_their_language() {
        for (text, language) in [
            ("Could you send me the report before our meeting on Thursday afternoon?", Some(Language::English)),
            (
                "Könnten Sie mir den Bericht noch vor unserer Besprechung am Donnerstag schicken?",
                Some(Language::German),
            ),
            ("Pourriez-vous m'envoyer le rapport avant notre réunion de jeudi après-midi ?", Some(Language::French)),
            ("Не могли бы вы прислать мне отчёт до нашей встречи в четверг?", Some(Language::Russian)),
            ("木曜日の会議の前に報告書を送っていただけますか", None),
            ("Kunnen we het naar vrijdag verplaatsen?", Some(Language::Dutch)),
            ("Czy możemy to przełożyć na piątek?", None),
            ("Danke, bis morgen!", None),
            ("ok", None),
            ("", None),
        ] {
            assert_eq!(of(text), language, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            of(&text);
        }
    }
}
