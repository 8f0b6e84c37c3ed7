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
    P.ARC_EDIT: "Changed one of the practice's arcs",
    P.VOICE_EDIT: "Changed recorded guidance",
    P.MIX_RENDER: "Had a playlist rendered",
    P.SESSION_PLAN: "Planned or changed a session",
    P.SESSION_RECORD: "Wrote in the record of a session",
    P.MUSIC_GIVE: "Let the patient listen to a session's music again, or stopped that",
    P.WISHES_WRITE: "Wrote down music likes and no-gos",
    P.INTENTION_WRITE: "Wrote an intention",
    P.GUIDES_EDIT: "Changed the practice's guides",
    P.ASSIGNMENT_ASSIGN: "Gave a guide or a newer text of it, or took one back",
    P.ASSIGNMENT_DO: "Worked on a guide",
    P.CONSENT_SIGN: "Signed a consent, or took one back",
    P.CONSENT_WITNESS: "Confirmed that a consent was talked through",
    P.SCREENING_ANSWER: "Answered the health questions",
    P.SCREENING_REVIEW: "Worked on a review of the health questions",
    P.SCREENING_RECORD: "Recorded a review of the health questions",
    P.PROGRAMMES_EDIT: "Changed the practice's programmes",
    P.PROGRAMME_GIVE: "Gave a programme, or took one back",
    P.STEP_SKIP: "Skipped a step of the programme, or undid that",
    P.STEP_DO: "Said that a task is done, or undid that",
    "sessions:session:open-unready": "Opened a session although something was missing, with a written reason",
    P.ARRANGEMENTS_WRITE: "Wrote down who brings the patient home, or confirmed what is asked",
    P.READINESS_SET: "Changed what the practice requires before a session",
    P.SAFETY_WRITE: "Wrote in the safety plan",
    P.SAFETY_CONFIRM: "Went through the safety plan with the patient",
    P.JOURNAL_SHARE: "Shared a journal entry, or stopped sharing it",
    P.COMMENT_WRITE: "Commented on a shared entry",
    P.LETTERS_SETTLE: "Sent a letter again, or put it aside",
    P.LETTERS_PAUSE: "Paused the reminders, or let them go on",
    P.LETTERS_RULES: "Changed what holds for the practice's letters",
    P.CALENDAR_KEEP: "Made or removed a private calendar address",
}
READ: dict[str, str] = {
    P.PATIENT_READ: "Opened the chart",
    P.PATIENT_EDIT: "Opened the personal details",
    P.TEAM_CHANGE: "Opened the care team",
    P.TRACE_READ: "Looked at who opened the record",
    P.SESSION_READ: "Opened a session",
    P.SESSION_PLAN: "Opened the plan of a session",
    P.SESSION_RECORD: "Opened the record of a session",
    P.WISHES_READ: "Read the music likes and no-gos",
    P.WISHES_WRITE: "Opened the music likes and no-gos to write",
    P.INTENTION_READ: "Read the intention",
    P.ASSIGNMENT_READ: "Looked at the preparation",
    P.ASSIGNMENT_ASSIGN: "Looked at which guides to give",
    P.CONSENT_READ: "Looked at the consents",
    P.SCREENING_READ: "Read the health questions",
    P.SCREENING_REVIEW: "Opened a review of the health questions",
    P.SCREENING_RECORD: "Opened a review of the health questions to record it",
    P.PROGRAMME_READ: "Looked at the programme",
    P.PROGRAMME_GIVE: "Looked at which programme to give",
    P.STEP_SKIP: "Looked at a step of the programme to skip it",
    P.READINESS_READ: "Looked at what is missing for a session",
    P.ARRANGEMENTS_WRITE: "Opened who brings the patient home to write",
    P.SAFETY_READ: "Read the safety plan",
    P.SAFETY_WRITE: "Opened the safety plan to write",
    P.SAFETY_CONFIRM: "Opened the safety plan to go through it",
    P.JOURNAL_READ_SHARED: "Opened the shared journal",
    P.COMMENT_WRITE: "Read the comments on a shared entry",
    P.LETTERS_READ: "Looked at the delivery log",
}
SUBJECTS_READ: dict[tuple[str, str], str] = {
    (P.JOURNAL_READ_SHARED, "journal_entry"): "Read a shared journal entry",
    (P.JOURNAL_READ_SHARED, "entry_file"): "Listened to a shared voice note",
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
