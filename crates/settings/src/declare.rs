//! Options declared beside the code that uses them.

use crate::layer::Raw;
use crate::load::Winners;
use crate::value::Setting;

/// One option, as it is declared.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Full name, as `log.level`.
    pub path: String,
    /// Default in text form; empty for none.
    pub default: &'static str,
    /// What a value looks like.
    pub shape: &'static str,
    /// What it is for.
    pub help: String,
    /// Reads a value and gives back its normal text form, or what is wrong with it.
    pub check: fn(&Raw) -> Result<String, String>,
}

/// A group of options that belong together; made by [`options!`](crate::options).
pub trait Options: Sized {
    /// Lists the options of the group under `prefix`.
    fn declare(prefix: &str, out: &mut Vec<Declared>);

    /// Takes the values of the group.
    fn take(reader: &mut Reader<'_>) -> Self;
}

/// Hands out the values that won, group by group.
#[derive(Debug)]
pub struct Reader<'a> {
    prefix: String,
    winners: &'a Winners,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(winners: &'a Winners) -> Self {
        Self { prefix: String::new(), winners }
    }

    /// The value of one option, or what its default says.
    ///
    /// # Panics
    /// When the default cannot be read, which the test of every declaration shows.
    pub fn value<T: Setting>(&mut self, name: &str, default: &'static str) -> T {
        let given = self.winners.get(&join(&self.prefix, name));
        match given.and_then(|raw| T::parse(raw).ok()) {
            Some(value) => value,
            None => match T::parse(&Raw::Text(default.to_owned())) {
                Ok(value) => value,
                #[expect(clippy::panic, reason = "a default that cannot be read is a bug in the declaration")]
                Err(problem) => panic!("the default `{default}` of {name}: {problem}"),
            },
        }
    }

    /// The values of a group.
    pub fn group<G: Options>(&mut self, name: &str) -> G {
        G::take(&mut Reader { prefix: join(&self.prefix, name), winners: self.winners })
    }
}

/// `name` under `prefix`.
#[doc(hidden)]
pub fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Declares a group of options: a struct, and what the file, the environment and the documents know of it.
///
/// ```
/// procyon_settings::options! {
///     /// The program's own log.
///     pub struct Log {
///         /// The least important messages that are kept.
///         level: String = "info",
///     }
///     groups {}
/// }
/// ```
#[macro_export]
macro_rules! options {
    (
        $(#[$outer:meta])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $help:literal])+ $field:ident : $type:ty = $default:literal, )*
        }
        groups {
            $( $(#[doc = $group_help:literal])+ $group:ident : $group_type:ty, )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $help])+ pub $field: $type, )*
            $( $(#[doc = $group_help])+ pub $group: $group_type, )*
        }

        impl $crate::Options for $name {
            fn declare(prefix: &str, out: &mut Vec<$crate::Declared>) {
                $(
                    out.push($crate::Declared {
                        path: $crate::__join(prefix, stringify!($field)),
                        default: $default,
                        shape: <$type as $crate::Setting>::SHAPE,
                        help: [$($help),+].map(str::trim).join(" "),
                        check: |raw| <$type as $crate::Setting>::parse(raw).map(|value| $crate::Setting::show(&value)),
                    });
                )*
                $( <$group_type as $crate::Options>::declare(&$crate::__join(prefix, stringify!($group)), out); )*
                let _: (&str, &mut Vec<$crate::Declared>) = (prefix, out);
            }

            fn take(reader: &mut $crate::Reader<'_>) -> Self {
                Self {
                    $( $field: reader.value(stringify!($field), $default), )*
                    $( $group: reader.group(stringify!($group)), )*
                }
            }
        }
    };
}
