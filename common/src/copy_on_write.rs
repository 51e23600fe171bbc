//! A value with many holders that is stored once.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is stored once for all its holders. A clone is one more holder; a holder that changes the value gets its own
/// copy first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both hold the one stored value. Equal values may be stored twice.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Clone> Shared<T> {
    /// The value; a copy, if it has other holders.
    pub fn into_value(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_no_change_for_others() {
        let first = Shared::from("text".to_owned());
        let mut second = first.clone();
        assert!(Arc::ptr_eq(&first.0, &second.0));
        second.push('s');
        assert_eq!((first.as_str(), second.as_str()), ("text", "texts"));
        assert!(!Arc::ptr_eq(&first.0, &second.0));
        assert_eq!(serde_json::to_string(&second).unwrap(), "\"texts\"");
        assert_eq!(serde_json::from_str::<Shared<String>>("\"texts\"").unwrap(), second);
        assert_eq!(second.into_value(), "texts");
    }
}
