"""The exceptions of the vault.

NoActiveRelease          nothing is published yet, or it was just taken away

EnvelopeError and KeyRingError of the pseudonymizer pass through: a release row or a
record that was changed, and a key ring that lacks the release's version. They are
faults to be repaired and never "not found".
"""


class NoActiveRelease(Exception):
    pass
