//! A quantity, or none. `null` in the config means that there is no limit, never zero.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At most this much, or as much as there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    Max(T),
    None,
}

impl<T> Limit<T> {
    /// The number, if there is a limit.
    pub fn max(&self) -> Option<&T> {
        match self {
            Self::Max(value) => Some(value),
            Self::None => None,
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Limit<U> {
        match self {
            Self::Max(value) => Limit::Max(change(value)),
            Self::None => Limit::None,
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl<T: PartialOrd> Limit<T> {
    /// Whether `wanted` fits below the limit.
    pub fn allows(&self, wanted: &T) -> bool {
        self.max().is_none_or(|max| wanted <= max)
    }
}

impl<T> From<Option<T>> for Limit<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Self::Max)
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max(value) => value.fmt(f),
            Self::None => f.write_str("unlimited"),
        }
    }
}

impl<T: Serialize> Serialize for Limit<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.max().serialize(out)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limit<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(input).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_allows_everything_and_is_null_in_json() {
        assert!(Limit::None.allows(&7));
        assert!(Limit::Max(7).allows(&7));
        assert!(!Limit::Max(7).allows(&8));
        assert_eq!(serde_json::to_string(&Limit::<u8>::None).unwrap(), "null");
        assert_eq!(serde_json::from_str::<Limit<u8>>("null").unwrap(), Limit::None);
    }
}
