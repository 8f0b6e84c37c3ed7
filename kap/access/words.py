"""The log in words: what an event says someone did, for a person who reads who opened or changed a record."""

from kap.access.audit import Event, Outcome
from kap.access.permissions import MEANING, Permission

P = Permission
CHANGED: dict[str, str] = {
    "accounts:person:enter": "Entered a new person",
    "accounts:person:reopen": "Reopened a staff account",
    "accounts:invitation:open": "Opened an invitation",
    "accounts:invitation:revoke": "Revoked an invitation",
    "accounts:invitation:accept": "Accepted an invitation",
    "accounts:self:sign-in": "Signed in",
    "accounts:self:sign-out": "Signed out",
    "accounts:self:sign-out-everywhere": "Signed out other devices",
    "accounts:self:change-password": "Changed the password",
    P.PEOPLE_INVITE: "Closed a staff account",
    P.PRACTICE_EDIT: "Changed the practice's details",
    P.PATIENT_ADMIT: "Admitted the patient",
    P.PATIENT_EDIT: "Changed the personal details",
    P.PATIENT_ARCHIVE: "Archived or restored the record",
    P.PATIENT_INVITE: "Invited the patient to sign in, or revoked that",
    P.TEAM_CHANGE: "Changed the care team",
    P.LIBRARY_ADD: "Changed the music library",
    P.PLAYLIST_EDIT: "Changed a playlist",
    P.MIX_RENDER: "Had a playlist rendered",
    P.SESSION_PLAN: "Planned or changed a session",
    P.SESSION_RECORD: "Wrote in the record of a session",
    P.INTENTION_WRITE: "Wrote an intention",
    P.ASSIGNMENT_ASSIGN: "Gave a guide, or took one back",
    P.ASSIGNMENT_DO: "Worked on a guide",
    P.JOURNAL_SHARE: "Shared a journal entry, or stopped sharing it",
    P.COMMENT_WRITE: "Commented on a shared entry",
}
READ: dict[str, str] = {
    P.PATIENT_READ: "Opened the chart",
    P.PATIENT_EDIT: "Opened the personal details",
    P.TEAM_CHANGE: "Opened the care team",
    P.TRACE_READ: "Looked at who opened the record",
    P.SESSION_READ: "Opened a session",
    P.SESSION_PLAN: "Opened the plan of a session",
    P.SESSION_RECORD: "Opened the record of a session",
    P.INTENTION_READ: "Read the intention",
    P.ASSIGNMENT_READ: "Looked at the preparation",
    P.ASSIGNMENT_ASSIGN: "Looked at which guides to give",
    P.JOURNAL_READ_SHARED: "Opened the shared journal",
    P.COMMENT_WRITE: "Read the comments on a shared entry",
}
SUBJECTS_READ: dict[tuple[str, str], str] = {
    (P.JOURNAL_READ_SHARED, "journal_entry"): "Read a shared journal entry",
}


def words_for(event: Event) -> str:
    """One line that says what was done, read or refused."""
    if event.outcome is Outcome.REFUSED:
        return f"Was refused: {_meaning(event.act)}"
    if event.outcome is Outcome.DONE:
        return CHANGED.get(event.act) or _meaning(event.act)
    return SUBJECTS_READ.get((event.act, event.subject or "")) or READ.get(event.act) or _meaning(event.act)


def _meaning(act: str) -> str:
    """What the act's permission allows; the act's own name for one that has no permission."""
    return MEANING[Permission(act)].rstrip(".") if act in set(Permission) else act
