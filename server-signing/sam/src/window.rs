//! The time window of a token.

use tw4s_formats::CompactIdentityToken;

/// Where a moment stands to a token's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Before it.
    Early,
    /// In it, its ends and the skew included.
    Within,
    /// After it; or there is no window, since it would end before it begins.
    Late,
}

/// Where `now` stands, by a clock that may differ from the provider's by the skew.
pub(crate) fn of(token: &CompactIdentityToken, skew_ms: u64, now: u64) -> Window {
    let first = milliseconds(token.not_before.unix()).saturating_sub(skew_ms);
    if token.not_after < token.not_before || now > last_ms(token, skew_ms) {
        Window::Late
    } else if now < first {
        Window::Early
    } else {
        Window::Within
    }
}

/// The last moment of a token.
pub(crate) fn last_ms(token: &CompactIdentityToken, skew_ms: u64) -> u64 {
    milliseconds(token.not_after.unix()).saturating_add(skew_ms)
}

pub(crate) fn milliseconds(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}
