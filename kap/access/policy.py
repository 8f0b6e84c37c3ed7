"""The one table of authority. What it does not name is denied.

Administering is not reading: the administrator has no entry for anything clinical.
"""

from kap.access.permissions import Permission, Role, Tie

P = Permission
_ADMIN = (Role.ADMIN, Tie.PRACTICE)
_STAFF_THERAPIST = (Role.THERAPIST, Tie.PRACTICE)
_CARE_TEAM = (Role.THERAPIST, Tie.CARE_TEAM)
_PATIENT = (Role.PATIENT, Tie.SELF)
_EVERYONE = {(role, Tie.SELF) for role in Role}

POLICY: dict[Permission, frozenset[tuple[Role, Tie]]] = {
    permission: frozenset(who)
    for permission, who in {
        P.ACCOUNT_MANAGE: _EVERYONE,
        P.HOME_READ: _EVERYONE,
        P.PEOPLE_READ: {_ADMIN},
        P.PEOPLE_INVITE: {_ADMIN},
        P.PRACTICE_EDIT: {_ADMIN},
        P.AUDIT_READ: {_ADMIN},
        P.PATIENTS_LIST: {_STAFF_THERAPIST},
        P.PATIENT_ADMIT: {_STAFF_THERAPIST},
        P.PATIENT_READ: {_CARE_TEAM},
        P.PATIENT_EDIT: {_CARE_TEAM},
        P.PATIENT_ARCHIVE: {_CARE_TEAM},
        P.PATIENT_INVITE: {_CARE_TEAM},
        P.TEAM_CHANGE: {_CARE_TEAM},
        P.TRACE_READ: {_CARE_TEAM, _PATIENT},
        P.LIBRARY_READ: {_STAFF_THERAPIST},
        P.LIBRARY_ADD: {_STAFF_THERAPIST},
        P.PLAYLIST_EDIT: {_STAFF_THERAPIST},
        P.ARC_EDIT: {_STAFF_THERAPIST},
        P.VOICE_EDIT: {_STAFF_THERAPIST},
        P.MIX_RENDER: {_STAFF_THERAPIST},
        P.MIX_PLAY: {_STAFF_THERAPIST},
        P.SESSION_READ: {_CARE_TEAM},
        P.SESSION_PLAN: {_CARE_TEAM},
        P.SESSION_RECORD: {_CARE_TEAM},
        P.MUSIC_GIVE: {_CARE_TEAM},
        P.MUSIC_HEAR: {_PATIENT},
        P.WISHES_READ: {_CARE_TEAM},
        P.WISHES_WRITE: {_CARE_TEAM, _PATIENT},
        P.INTENTION_READ: {_CARE_TEAM, _PATIENT},
        P.INTENTION_WRITE: {_PATIENT},
        P.GUIDES_READ: {_STAFF_THERAPIST},
        P.GUIDES_EDIT: {_STAFF_THERAPIST},
        P.ASSIGNMENT_READ: {_CARE_TEAM, _PATIENT},
        P.ASSIGNMENT_ASSIGN: {_CARE_TEAM},
        P.ASSIGNMENT_DO: {_PATIENT},
        P.CONSENT_READ: {_CARE_TEAM, _PATIENT},
        P.CONSENT_SIGN: {_PATIENT},
        P.CONSENT_WITNESS: {_CARE_TEAM},
        P.SCREENING_READ: {_CARE_TEAM, _PATIENT},
        P.SCREENING_ANSWER: {_PATIENT},
        P.SCREENING_REVIEW: {_CARE_TEAM},
        P.SCREENING_RECORD: {_CARE_TEAM},
        P.PROGRAMMES_READ: {_STAFF_THERAPIST},
        P.PROGRAMMES_EDIT: {_STAFF_THERAPIST},
        P.PROGRAMME_READ: {_CARE_TEAM},
        P.PROGRAMME_GIVE: {_CARE_TEAM},
        P.PROGRAMME_GIVE_MANY: {_STAFF_THERAPIST},
        P.STEP_SKIP: {_CARE_TEAM},
        P.STEP_DO: {_PATIENT},
        P.READINESS_READ: {_CARE_TEAM, _PATIENT},
        P.ARRANGEMENTS_WRITE: {_CARE_TEAM, _PATIENT},
        P.READINESS_SET: {_STAFF_THERAPIST},
        P.SAFETY_READ: {_CARE_TEAM, _PATIENT},
        P.SAFETY_WRITE: {_CARE_TEAM, _PATIENT},
        P.SAFETY_CONFIRM: {_CARE_TEAM},
        P.JOURNAL_WRITE: {_PATIENT},
        P.JOURNAL_SHARE: {_PATIENT},
        P.JOURNAL_READ_SHARED: {_CARE_TEAM},
        P.COMMENT_WRITE: {_CARE_TEAM, _PATIENT},
        P.LETTERS_READ: {_CARE_TEAM},
        P.LETTERS_SETTLE: {_CARE_TEAM},
        P.LETTERS_PAUSE: {_CARE_TEAM},
        P.LETTERS_CHOOSE: {_PATIENT},
        P.LETTERS_RULES: {_ADMIN},
        P.CALENDAR_KEEP: {(Role.THERAPIST, Tie.SELF), _PATIENT},
    }.items()
}


def allows(role: Role, tie: Tie, permission: Permission) -> bool:
    """Whether someone of `role` who stands in `tie` to the thing may do `permission`."""
    return (role, tie) in POLICY.get(permission, frozenset())
