//! Enums whose values have a name on the wire and a number in the store.

/// One line per value: its number, which is never used again for another meaning, and its name.
macro_rules! coded {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $code:literal, $text:literal;)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum $name {
            $($(#[$doc])* $value = $code,)+
        }

        impl $name {
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$value),+];

            /// What is said to whoever gave another name.
            pub const EXPECTED: &str = concat!("expected one of:" $(, " ", $text)+);

            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.name() == name)
            }

            /// The number the store keeps.
            #[must_use]
            pub fn code(self) -> i16 {
                self as i16
            }

            #[must_use]
            pub fn from_code(code: i16) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.code() == code)
            }
        }
    };
}
pub(crate) use coded;
