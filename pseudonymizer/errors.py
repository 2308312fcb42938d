"""The exceptions of the pseudonymizer.

PseudonymizerError
├── ConfigError              a setting is missing or wrong; nothing was started
├── KeyRingError             a key ring cannot be used
├── KeyInUse                 a key is still needed; it was not retired
├── EnvelopeError            sealed bytes do not open, whatever was wrong with them
├── FeedRefused              the delivery is not what its manifest says
├── ReleaseRefused           the release cannot be built or activated
├── DatabaseFailed           the database cannot be reached or did not do its part
└── Unusable                 a value has no canonical form

No message carries a plate, a name, a number of a certificate or a key.
"""

from __future__ import annotations


class PseudonymizerError(Exception):
    """Base of the tree; `str()` is fit for the operator to read."""


class ConfigError(PseudonymizerError):
    pass


class KeyRingError(PseudonymizerError):
    pass


class KeyInUse(PseudonymizerError):
    pass


class EnvelopeError(PseudonymizerError):
    def __init__(self) -> None:
        super().__init__("the sealed bytes do not open")

    # Errors cross from worker processes; BaseException would call with the message.
    def __reduce__(self) -> tuple[type[EnvelopeError], tuple[()]]:
        return type(self), ()


class FeedRefused(PseudonymizerError):
    """`code` is stable and documented in the help of `ingest`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[FeedRefused], tuple[str, str]]:
        return type(self), (self.code, str(self))


class ReleaseRefused(PseudonymizerError):
    """`code` is stable and documented in the help of `ingest`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[ReleaseRefused], tuple[str, str]]:
        return type(self), (self.code, str(self))


class DatabaseFailed(PseudonymizerError):
    pass


class Unusable(PseudonymizerError):
    """`code` names the value and what is wrong with it, never its content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
