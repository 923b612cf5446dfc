//! IssuerSerial: which certificate (row 11).
//!
//! Source: the name is RFC 5755 / RFC 5035's, `IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }`
//! (we know no issuerUID), which we write with one directoryName. RFC 5652's IssuerAndSerialNumber, with a bare Name,
//! is read as well: the first tag inside `issuer` tells them apart.

use der::{Decode, DecodeValue, Encode, EncodeValue, ErrorKind, Header, Length, Reader, Sequence, Tag, Writer};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use crate::error::{Error, Kind};
use crate::field::{Explicit, inside, tagged};
use crate::format::Format;

/// The shape that an [`IssuerSerial`] came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerForm {
    /// RFC 5755: `GeneralNames` with one directoryName. The form that we write.
    GeneralNames,
    /// RFC 5652: a bare `Name`.
    Name,
}

/// A certificate's issuer and serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSerial {
    issuer: Name,
    serial: SerialNumber,
    form: IssuerForm,
}

impl IssuerSerial {
    /// Of a certificate with this issuer and serial number.
    ///
    /// # Errors
    /// [`Kind::Field`] for an empty name, or one that says something twice.
    pub fn new(issuer: Name, serial: SerialNumber) -> Result<Self, Error> {
        check_name(&issuer).map_err(|kind| Error::value(Kind::Field(kind)))?;
        Ok(Self { issuer, serial, form: IssuerForm::GeneralNames })
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// The shape it came in.
    #[must_use]
    pub fn form(&self) -> IssuerForm {
        self.form
    }

    /// Whether it names the certificate with this issuer and serial number, in whichever form: the names' encodings
    /// must be equal.
    #[must_use]
    pub fn names(&self, issuer: &Name, serial: &SerialNumber) -> bool {
        self.issuer == *issuer && self.serial.as_bytes() == serial.as_bytes()
    }
}

impl<'a> DecodeValue<'a> for IssuerSerial {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        let mut ahead = reader.clone();
        Header::decode(&mut ahead)?;
        let form = match ahead.peek_byte() {
            Some(DIRECTORY_NAME) => IssuerForm::GeneralNames,
            _ => IssuerForm::Name,
        };
        let issuer = match form {
            IssuerForm::GeneralNames => inside(reader, Tag::Sequence, |r| inside(r, tagged(4), Name::decode))?,
            IssuerForm::Name => Name::decode(reader)?,
        };
        check_name(&issuer).map_err(|kind| reader.error(kind))?;
        Ok(Self { issuer, serial: reader.decode()?, form })
    }
}

impl EncodeValue for IssuerSerial {
    fn value_len(&self) -> der::Result<Length> {
        let issuer = match self.form {
            IssuerForm::GeneralNames => Explicit(4, &self.issuer).encoded_len()?.for_tlv(Tag::Sequence)?,
            IssuerForm::Name => self.issuer.encoded_len()?,
        };
        issuer + self.serial.encoded_len()?
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self.form {
            IssuerForm::GeneralNames => {
                let directory_name = Explicit(4, &self.issuer);
                Header::new(Tag::Sequence, directory_name.encoded_len()?).encode(writer)?;
                directory_name.encode(writer)?;
            }
            IssuerForm::Name => self.issuer.encode(writer)?,
        }
        self.serial.encode(writer)
    }
}

impl<'a> Sequence<'a> for IssuerSerial {}

impl Format for IssuerSerial {
    const MAX_LEN: usize = 4 * 1024;
}

/// RFC 5280 4.1.2.4: "The issuer field MUST contain a non-empty distinguished name". The order within an RDN shows
/// when the whole is compared with its re-encoding; a duplicate does not.
pub(crate) fn check_name(name: &Name) -> Result<(), ErrorKind> {
    if name.is_empty() {
        return Err(ErrorKind::Value { tag: Tag::Sequence });
    }
    for rdn in name.iter_rdn() {
        if rdn.is_empty() {
            return Err(ErrorKind::Value { tag: Tag::Set });
        }
        // They are in order, so that equal ones are neighbours.
        if rdn.iter().zip(rdn.iter().skip(1)).any(|(one, next)| one == next) {
            return Err(ErrorKind::SetOrdering);
        }
    }
    Ok(())
}

/// `directoryName [4]` of GeneralName.
const DIRECTORY_NAME: u8 = 0xA4;
