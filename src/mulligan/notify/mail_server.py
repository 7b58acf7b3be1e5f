"""How mail leaves."""

import msgspec


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """The server that takes mail.

    Args:
        host: Its name; "" = there is none.
        port: 465: TLS from the start.
        user: Login; "" = none.
        sender: Address that mail comes from; "" = `user` if it is one.
        starttls: Encrypt, and send nothing to a server that can't.
    """

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = ""
    sender: str = ""
    starttls: bool = True
