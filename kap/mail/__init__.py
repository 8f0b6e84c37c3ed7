"""Letters over SMTP, and a log of what became of each.

What is sent is composed when it is sent: no row and no job ever
holds an address, a subject, a text or a token.
"""

from kap.mail.composing import Letter, NotNow, composer
from kap.mail.posting import configured, post
from kap.mail.smtp import connect

__all__ = ["Letter", "NotNow", "composer", "configured", "connect", "post"]
