"""One mail by SMTP, in one go. Blocks; imported when the first mail is sent."""

import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from mulligan.notify.mail_server import MailServer

_TLS_PORT = 465  # where TLS begins with the connection
_FOR_GOOD = 500  # from here on a reply says that trying again does not help


def send(server: MailServer, to: str, subject: str, text: str, timeout_s: float) -> None:
    """Send a mail; `timeout_s` is for each answer of the server.

    Raises:
        PermissionError: The server refused it for good.
        OSError: The server can't be reached, or can't take it now.
        ValueError: An address is none.
    """
    message = _message(server, to, subject, text)
    try:
        with _connect(server, timeout_s) as connection:
            if server.user:
                connection.login(server.user, server.password)
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(*next(iter(error.recipients.values()))) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise PermissionError(str(error)) from None


def _message(server: MailServer, to: str, subject: str, text: str) -> EmailMessage:
    sender = server.sender or (server.user if "@" in server.user else f"mulligan@{server.host}")
    message = EmailMessage()
    try:
        message["From"] = Address(display_name="Mulligan", addr_spec=sender)
        message["To"] = Address(addr_spec=to)
    except (MessageError, ValueError, IndexError) as error:
        raise ValueError(f"{to!r} or {sender!r} is no address: {error}") from None
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _connect(server: MailServer, timeout_s: float) -> smtplib.SMTP:
    if server.port == _TLS_PORT:
        trust = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_s, context=trust)
    connection = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
    if server.starttls:
        try:
            connection.starttls(context=ssl.create_default_context())
        except BaseException:
            connection.close()
            raise
    return connection


def _refusal(code: int, reply: bytes | str) -> OSError:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    kind = PermissionError if code >= _FOR_GOOD else OSError
    return kind(f"the mail server answered {code} {' '.join(text.split())}")
