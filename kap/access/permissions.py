"""Who people are, how they stand to a record, and everything that can be done."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in their practice."""

    ADMIN = "admin"
    THERAPIST = "therapist"
    PATIENT = "patient"


class Tie(StrEnum):
    """How a person stands to the record or page in question."""

    SELF = "self"  # it is about them, or their own account
    CARE_TEAM = "care_team"  # they belong to the patient's care team
    PRACTICE = "practice"  # it belongs to their practice
    NONE = "none"  # another practice's, or a patient who is not theirs


class Permission(StrEnum):
    """Every act, as `room:thing:verb`; the meaning stands beside each in `MEANING`."""

    ACCOUNT_MANAGE = "accounts:self:manage"
    PEOPLE_READ = "accounts:people:read"
    PEOPLE_INVITE = "accounts:people:invite"
    PRACTICE_EDIT = "accounts:practice:edit"
    AUDIT_READ = "accounts:audit:read"
    HOME_READ = "home:own:read"

    PATIENTS_LIST = "patients:list:read"
    PATIENT_ADMIT = "patients:record:admit"
    PATIENT_READ = "patients:record:read"
    PATIENT_EDIT = "patients:record:edit"
    PATIENT_ARCHIVE = "patients:record:archive"
    PATIENT_INVITE = "patients:record:invite"
    TEAM_CHANGE = "patients:team:change"
    TRACE_READ = "patients:trace:read"

    LIBRARY_READ = "music:library:read"
    LIBRARY_ADD = "music:library:add"
    PLAYLIST_EDIT = "music:playlist:edit"
    ARC_EDIT = "music:arc:edit"
    VOICE_EDIT = "music:voice:edit"
    MIX_RENDER = "music:mix:render"
    MIX_PLAY = "music:mix:play"

    SESSION_READ = "sessions:session:read"
    SESSION_PLAN = "sessions:session:plan"
    SESSION_RECORD = "sessions:session:record"
    MUSIC_GIVE = "sessions:music:give"
    MUSIC_HEAR = "sessions:music:hear"
    WISHES_READ = "sessions:wishes:read"
    WISHES_WRITE = "sessions:wishes:write"
    INTENTION_READ = "sessions:intention:read"
    INTENTION_WRITE = "sessions:intention:write"

    GUIDES_READ = "preparation:guides:read"
    GUIDES_EDIT = "preparation:guides:edit"
    ASSIGNMENT_READ = "preparation:assignment:read"
    ASSIGNMENT_ASSIGN = "preparation:assignment:assign"
    ASSIGNMENT_DO = "preparation:assignment:do"

    CONSENT_READ = "consents:signature:read"
    CONSENT_SIGN = "consents:signature:sign"
    CONSENT_WITNESS = "consents:signature:witness"

    SCREENING_READ = "screening:answers:read"
    SCREENING_ANSWER = "screening:answers:answer"
    SCREENING_REVIEW = "screening:review:write"
    SCREENING_RECORD = "screening:review:record"

    PROGRAMMES_READ = "programmes:library:read"
    PROGRAMMES_EDIT = "programmes:library:edit"
    PROGRAMME_READ = "programmes:given:read"
    PROGRAMME_GIVE = "programmes:given:give"
    PROGRAMME_GIVE_MANY = "programmes:given:give-many"
    STEP_SKIP = "programmes:step:skip"
    STEP_DO = "programmes:step:do"
    READINESS_READ = "readiness:session:read"
    ARRANGEMENTS_WRITE = "readiness:arrangements:write"
    READINESS_SET = "readiness:required:choose"

    SAFETY_READ = "safety:plan:read"
    SAFETY_WRITE = "safety:plan:write"
    SAFETY_CONFIRM = "safety:plan:go-through"

    JOURNAL_WRITE = "integration:journal:write"
    JOURNAL_SHARE = "integration:journal:share"
    JOURNAL_READ_SHARED = "integration:journal:read-shared"
    COMMENT_WRITE = "integration:comment:write"

    LETTERS_READ = "reminders:log:read"
    LETTERS_SETTLE = "reminders:log:settle"
    LETTERS_PAUSE = "reminders:patient:pause"
    LETTERS_CHOOSE = "reminders:own:choose"
    LETTERS_RULES = "reminders:practice:edit"
    CALENDAR_KEEP = "reminders:calendar:keep"


MEANING: dict[Permission, str] = {
    Permission.ACCOUNT_MANAGE: "Change one's own password, see and end one's own sign-ins.",
    Permission.PEOPLE_READ: "See the practice's staff and open invitations.",
    Permission.PEOPLE_INVITE: "Invite staff, revoke an invitation, close a staff account.",
    Permission.PRACTICE_EDIT: "Change the practice's name, time zone and crisis help.",
    Permission.AUDIT_READ: "Read the practice's log of acts, which has no clinical content.",
    Permission.HOME_READ: "Open one's own home page.",
    Permission.PATIENTS_LIST: "List the patients one cares for.",
    Permission.PATIENT_ADMIT: "Admit a new patient, joining their care team.",
    Permission.PATIENT_READ: "Open a patient's chart.",
    Permission.PATIENT_EDIT: "Change a patient's identity details.",
    Permission.PATIENT_ARCHIVE: "Archive a patient, or restore one.",
    Permission.PATIENT_INVITE: "Invite a patient to sign in, or revoke that.",
    Permission.TEAM_CHANGE: "Add a colleague to the care team, or remove one.",
    Permission.TRACE_READ: "See who opened or changed the record, and when.",
    Permission.LIBRARY_READ: "See and hear the practice's tracks and playlists.",
    Permission.LIBRARY_ADD: "Upload, describe and retire tracks.",
    Permission.PLAYLIST_EDIT: "Build, reorder and rename playlists.",
    Permission.ARC_EDIT: "Draw, change and retire the practice's own arcs.",
    Permission.VOICE_EDIT: "Record, trim and retire spoken guidance.",
    Permission.MIX_RENDER: "Have a playlist rendered into one continuous file.",
    Permission.MIX_PLAY: "Play a rendered mix.",
    Permission.SESSION_READ: "See a patient's dosing sessions and their notes.",
    Permission.SESSION_PLAN: "Plan or change a dosing session.",
    Permission.SESSION_RECORD: "Open, play, note and close a dosing session.",
    Permission.MUSIC_GIVE: "Let a patient listen again to the music of a session, or stop that.",
    Permission.MUSIC_HEAR: "Listen again to the music of one's own sessions, where that is allowed.",
    Permission.WISHES_READ: "Read what music a patient likes and what must not be played.",
    Permission.WISHES_WRITE: "Write down what music a patient likes and what must not be played.",
    Permission.INTENTION_READ: "Read a patient's intention.",
    Permission.INTENTION_WRITE: "Write one's own intention.",
    Permission.GUIDES_READ: "Read the library of guides.",
    Permission.GUIDES_EDIT: (
        "Write, publish and retire the practice's own guides; move one's patients to a newer text."
    ),
    Permission.ASSIGNMENT_READ: (
        "See what a patient was given to prepare, what they answered and where it stands."
    ),
    Permission.ASSIGNMENT_ASSIGN: "Give a patient a guide or a newer text of it, or take it back.",
    Permission.ASSIGNMENT_DO: "Read, tick, answer and finish what one was given.",
    Permission.CONSENT_READ: "Read which consents a patient signed, with what they chose in them.",
    Permission.CONSENT_SIGN: "Sign a consent for oneself, or take it back.",
    Permission.CONSENT_WITNESS: "Confirm that a consent was talked through with the patient.",
    Permission.SCREENING_READ: "Read what a patient answered to the health questions.",
    Permission.SCREENING_ANSWER: "Answer the health questions for oneself.",
    Permission.SCREENING_REVIEW: "Read the reviews of a patient's answers, and write one.",
    Permission.SCREENING_RECORD: "Record a review of a patient's answers, for good.",
    Permission.PROGRAMMES_READ: "Read the programmes of steps before and after sessions.",
    Permission.PROGRAMMES_EDIT: "Copy, write and retire the practice's own programmes.",
    Permission.PROGRAMME_READ: "See which programme a patient has and where its steps stand.",
    Permission.PROGRAMME_GIVE: "Give a patient a programme, or take it back.",
    Permission.PROGRAMME_GIVE_MANY: "Give a programme to several of one's own patients at once.",
    Permission.STEP_SKIP: "Skip a step of a patient's programme with a reason, or undo that.",
    Permission.STEP_DO: "Say that a task of one's own programme is done.",
    Permission.READINESS_READ: "See what is given and what is missing for a planned session.",
    Permission.ARRANGEMENTS_WRITE: (
        "Say who brings the patient home; as the patient, confirm what is asked on food, drink and travel."
    ),
    Permission.READINESS_SET: "Choose what the practice requires before a session, and in which words.",
    Permission.SAFETY_READ: "Read the safety plan.",
    Permission.SAFETY_WRITE: "Write in the safety plan.",
    Permission.SAFETY_CONFIRM: "Note that one went through the safety plan with the patient.",
    Permission.JOURNAL_WRITE: "Write, read and delete one's own journal.",
    Permission.JOURNAL_SHARE: "Share an entry of one's own journal, or stop sharing it.",
    Permission.JOURNAL_READ_SHARED: "Read the entries a patient shares with the care team.",
    Permission.COMMENT_WRITE: "Comment on an entry one may read.",
    Permission.LETTERS_READ: "See which letters went to a patient and what became of each.",
    Permission.LETTERS_SETTLE: "Send a letter that did not arrive again, or put it aside.",
    Permission.LETTERS_PAUSE: "Pause the reminders to a patient.",
    Permission.LETTERS_CHOOSE: "Choose which reminders one gets, and when.",
    Permission.LETTERS_RULES: (
        "Set quiet hours and limits of the practice's letters, and see what became of letters to staff."
    ),
    Permission.CALENDAR_KEEP: "Keep a private calendar address of one's own appointments.",
}
