//! Pure facts and rules: ids, states and their legal moves, the consent snapshot, filters, quota, normalization.
//!
//! Nothing here does I/O or reads a clock; every function is a function of its arguments.

pub mod account;
pub mod audit;
pub mod batch;
pub mod consent;
pub mod deletion;
pub mod filter;
pub mod ids;
pub mod item;
pub mod job;
pub mod normalize;
pub mod people;
pub mod quota;
pub mod reprojection;
pub mod search;
pub mod status;
pub mod stream;

/// Declares an enum whose variants are stored and shown as fixed words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word the database and the API use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The variant of a word, if there is one.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use words;
