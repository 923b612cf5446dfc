//! A refusal, with what only the operator may read.

use crate::ports::{FirmwareError, RngError, StoreError};
use crate::refusal::{self, Refusal};

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) refusal: Refusal,
    /// For the log alone.
    pub(crate) detail: Option<String>,
}

impl Failure {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self { refusal: Refusal::StoreDamaged, detail: Some(what.into()) }
    }

    pub(crate) fn credential(e: &FirmwareError) -> Self {
        Self { refusal: refusal::of_credential(e), detail: Some(e.to_string()) }
    }

    pub(crate) fn admission(e: &FirmwareError) -> Self {
        Self { refusal: refusal::of_admission(e), detail: Some(e.to_string()) }
    }

    /// What is only an error in general, the caller has a rule for.
    pub(crate) fn with_refusal(self, refusal: Refusal) -> Self {
        Self { refusal, ..self }
    }

    /// The line for the log.
    pub(crate) fn line(&self) -> String {
        let Self { refusal, detail } = self;
        match detail {
            Some(detail) => format!("{}: {} ({detail})", refusal.error_type(), refusal.cause()),
            None => format!("{}: {}", refusal.error_type(), refusal.cause()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, detail: None }
    }
}

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Self {
        Self { refusal: Refusal::from(&e), detail: Some(e.to_string()) }
    }
}

impl From<FirmwareError> for Failure {
    fn from(e: FirmwareError) -> Self {
        Self { refusal: refusal::of_work(&e), detail: Some(e.to_string()) }
    }
}

impl From<RngError> for Failure {
    fn from(e: RngError) -> Self {
        Self { refusal: e.into(), detail: None }
    }
}

impl From<tw4s_formats::Error> for Failure {
    /// Of what the module itself writes; input is parsed where its rule is known.
    fn from(e: tw4s_formats::Error) -> Self {
        Self { refusal: Refusal::Defect, detail: Some(e.to_string()) }
    }
}
