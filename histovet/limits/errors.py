"""The exceptions of limits.

ProofRefused     a proof of work that is not good, or no longer
TicketRefused    a ticket that is not good, or no longer
TicketUnripe     a good one that was brought back too soon
"""


class ProofRefused(Exception):
    """`code`: unreadable, signature, expired, purpose, solution, used."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TicketRefused(Exception):
    """`code`: unreadable, elsewhere, used."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TicketUnripe(Exception):
    def __init__(self, wait_seconds: int) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds
