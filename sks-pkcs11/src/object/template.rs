//! Templates: lists of attributes that a caller gives.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
};

use crate::error::{Result, Rv};

/// Attributes, in the order given. Borrowed for one call.
#[derive(Clone, Default)]
pub(crate) struct Template<'a>(pub(crate) Vec<(CK_ATTRIBUTE_TYPE, &'a [u8])>);

impl<'a> Template<'a> {
    /// The value of an attribute.
    pub(crate) fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]> {
        self.0.iter().find(|(found, _)| *found == kind).map(|(_, value)| *value)
    }

    /// A value that must be there.
    pub(crate) fn need(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<&'a [u8]> {
        self.get(kind).ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))
    }

    /// A CK_ULONG.
    pub(crate) fn ulong(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<CK_ULONG>> {
        self.get(kind).map(ulong).transpose()
    }

    /// A CK_BBOOL.
    pub(crate) fn bool(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<bool>> {
        match self.get(kind) {
            None => Ok(None),
            Some([0]) => Ok(Some(false)),
            Some([_]) => Ok(Some(true)),
            Some(_) => Rv::err(CKR_ATTRIBUTE_VALUE_INVALID),
        }
    }

    /// Refuses a template that says the class is another one.
    pub(crate) fn expect(&self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Result<()> {
        match self.ulong(kind)? {
            Some(found) if found != value => Rv::err(CKR_TEMPLATE_INCONSISTENT),
            _ => Ok(()),
        }
    }
}

/// Reads a CK_ULONG.
pub(crate) fn ulong(value: &[u8]) -> Result<CK_ULONG> {
    value.try_into().map(CK_ULONG::from_ne_bytes).map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))
}
