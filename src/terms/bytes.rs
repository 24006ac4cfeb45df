use std::{ops::Deref, sync::Arc};

/// The content of a file. Whoever keeps a part of it shares the whole, so that each byte is held once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bytes(Arc<Vec<u8>>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<Vec<u8>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(Arc::new(bytes.into()))
    }
}
