"""The first tables"""

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('data_key',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('destroyed_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_key'))
    )
    op.create_table('throttle',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('bucket', sa.String(length=64), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('since', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_throttle')),
    sa.UniqueConstraint('bucket', name=op.f('uq_throttle_bucket'))
    )
    op.create_table('practice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('help_text', sa.String(), nullable=False),
    sa.Column('identity_key_id', sa.Uuid(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['identity_key_id'], ['data_key.id'], name=op.f('fk_practice_identity_key_id_data_key')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice'))
    )
    op.create_table('event',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=True),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('actor_role', sa.String(length=20), nullable=True),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('act', sa.String(length=80), nullable=False),
    sa.Column('outcome', sa.Enum('done', 'read', 'refused', name='outcome', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=True),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_event_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event'))
    )
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.create_index('ix_event_patient_at', ['patient_id', 'at'], unique=False)
        batch_op.create_index('ix_event_practice_at', ['practice_id', 'at'], unique=False)

    op.create_table('job',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=True),
    sa.Column('task', sa.String(length=80), nullable=False),
    sa.Column('arguments', sa.JSON(), nullable=False),
    sa.Column('about', sa.Uuid(), nullable=True),
    sa.Column('state', sa.Enum('waiting', 'running', 'done', 'failed', name='jobstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('run_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_until', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('progress', sa.Double(), nullable=False),
    sa.Column('step', sa.String(length=120), nullable=True),
    sa.Column('error', sa.String(length=300), nullable=True),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_job_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('ix_job_about', ['about'], unique=False)
        batch_op.create_index('ix_job_state_run_at', ['state', 'run_at'], unique=False)

    op.create_table('user',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Enum('admin', 'therapist', 'patient', name='role', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('email_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('email_digest', sa.String(length=64), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_user_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user')),
    sa.UniqueConstraint('email_digest', name=op.f('uq_user_email_digest'))
    )
    with op.batch_alter_table('user', schema=None) as batch_op:
        batch_op.create_index('ix_user_practice_role', ['practice_id', 'role'], unique=False)

    op.create_table('browser_session',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=80), nullable=False),
    sa.Column('signed_in_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_browser_session_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_browser_session')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_browser_session_token_digest'))
    )
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_browser_session_user_id'), ['user_id'], unique=False)

    op.create_table('invitation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('invited_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['invited_by_id'], ['user.id'], name=op.f('fk_invitation_invited_by_id_user')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_invitation_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_invitation_token_digest'))
    )
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invitation_user_id'), ['user_id'], unique=False)

    op.create_table('patient',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('data_key_id', sa.Uuid(), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('born_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('email_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('phone_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('admitted_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('archived_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['data_key_id'], ['data_key.id'], name=op.f('fk_patient_data_key_id_data_key')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_patient_practice_id_practice')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_patient_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient')),
    sa.UniqueConstraint('user_id', name=op.f('uq_patient_user_id'))
    )
    with op.batch_alter_table('patient', schema=None) as batch_op:
        batch_op.create_index('ix_patient_practice', ['practice_id'], unique=False)

    op.create_table('playlist',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('arc', sa.String(length=60), nullable=False),
    sa.Column('length_s', sa.Integer(), nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_playlist_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_playlist_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_playlist'))
    )
    with op.batch_alter_table('playlist', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_playlist_practice_id'), ['practice_id'], unique=False)

    op.create_table('track',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'ready', 'refused', name='trackstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('problem', sa.String(length=300), nullable=True),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('artist', sa.String(length=200), nullable=False),
    sa.Column('licence', sa.String(length=100), nullable=False),
    sa.Column('source', sa.String(length=300), nullable=False),
    sa.Column('intensity', sa.Double(), nullable=True),
    sa.Column('recipe', sa.String(length=60), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('file_key', sa.String(length=80), nullable=True),
    sa.Column('file_bytes', sa.Integer(), nullable=True),
    sa.Column('codec', sa.String(length=30), nullable=True),
    sa.Column('duration_s', sa.Double(), nullable=True),
    sa.Column('loudness_lufs', sa.Double(), nullable=True),
    sa.Column('true_peak_dbtp', sa.Double(), nullable=True),
    sa.Column('lead_silence_s', sa.Double(), nullable=True),
    sa.Column('trail_silence_s', sa.Double(), nullable=True),
    sa.Column('peaks', sa.LargeBinary(), nullable=True),
    sa.Column('added_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('added_by_id', sa.Uuid(), nullable=True),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['added_by_id'], ['user.id'], name=op.f('fk_track_added_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_track_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_track')),
    sa.UniqueConstraint('practice_id', 'digest', name=op.f('uq_track_practice_id_digest'))
    )
    with op.batch_alter_table('track', schema=None) as batch_op:
        batch_op.create_index('ix_track_practice_state', ['practice_id', 'state'], unique=False)

    op.create_table('assignment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('guide', sa.String(length=60), nullable=False),
    sa.Column('guide_version', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('line_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('assigned_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('assigned_by_id', sa.Uuid(), nullable=False),
    sa.Column('opened_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('done_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['assigned_by_id'], ['user.id'], name=op.f('fk_assignment_assigned_by_id_user')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_assignment_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment'))
    )
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.create_index('ix_assignment_patient_due', ['patient_id', 'due_on'], unique=False)
        batch_op.create_index('uq_assignment_unfinished', ['patient_id', 'guide'], unique=True, sqlite_where=sa.text('done_at IS NULL AND withdrawn_at IS NULL'), postgresql_where=sa.text('done_at IS NULL AND withdrawn_at IS NULL'))

    op.create_table('care_team_member',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('joined_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('left_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_care_team_member_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_care_team_member_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_care_team_member'))
    )
    with op.batch_alter_table('care_team_member', schema=None) as batch_op:
        batch_op.create_index('ix_care_team_member_user', ['user_id'], unique=False)
        batch_op.create_index('uq_care_team_member_open', ['patient_id', 'user_id'], unique=True, sqlite_where=sa.text('left_at IS NULL'), postgresql_where=sa.text('left_at IS NULL'))

    op.create_table('intention',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('written_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_intention_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intention')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_intention_patient_id'))
    )
    op.create_table('mix',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('playlist_id', sa.Uuid(), nullable=False),
    sa.Column('playlist_order', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'ready', 'failed', name='mixstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('problem', sa.String(length=300), nullable=True),
    sa.Column('length_s', sa.Integer(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=True),
    sa.Column('opus_key', sa.String(length=80), nullable=True),
    sa.Column('m4a_key', sa.String(length=80), nullable=True),
    sa.Column('loudness_lufs', sa.Double(), nullable=True),
    sa.Column('true_peak_dbtp', sa.Double(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ready_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['playlist_id'], ['playlist.id'], name=op.f('fk_mix_playlist_id_playlist'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_mix_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mix'))
    )
    with op.batch_alter_table('mix', schema=None) as batch_op:
        batch_op.create_index('ix_mix_playlist_made', ['playlist_id', 'made_at'], unique=False)

    op.create_table('playlist_track',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('playlist_id', sa.Uuid(), nullable=False),
    sa.Column('track_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['playlist_id'], ['playlist.id'], name=op.f('fk_playlist_track_playlist_id_playlist'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['track_id'], ['track.id'], name=op.f('fk_playlist_track_track_id_track')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_playlist_track'))
    )
    with op.batch_alter_table('playlist_track', schema=None) as batch_op:
        batch_op.create_index('ix_playlist_track_playlist', ['playlist_id', 'position'], unique=False)
        batch_op.create_index(batch_op.f('ix_playlist_track_track_id'), ['track_id'], unique=False)

    op.create_table('dosing_session',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('therapist_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'open', 'closed', 'cancelled', name='sessionstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('route', sa.Enum('iv', 'im', 'sublingual', 'intranasal', name='route', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('planned_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('playlist_id', sa.Uuid(), nullable=True),
    sa.Column('mix_id', sa.Uuid(), nullable=True),
    sa.Column('opened_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('music_started_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('music_reached_s', sa.Double(), nullable=True),
    sa.Column('closed_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['mix_id'], ['mix.id'], name=op.f('fk_dosing_session_mix_id_mix'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_dosing_session_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['playlist_id'], ['playlist.id'], name=op.f('fk_dosing_session_playlist_id_playlist'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['therapist_id'], ['user.id'], name=op.f('fk_dosing_session_therapist_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dosing_session'))
    )
    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.create_index('ix_dosing_session_patient_state_at', ['patient_id', 'state', 'planned_at'], unique=False)
        batch_op.create_index('uq_dosing_session_open', ['patient_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('tick',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('assignment_id', sa.Uuid(), nullable=False),
    sa.Column('item', sa.String(length=60), nullable=False),
    sa.Column('ticked_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_tick_assignment_id_assignment'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tick')),
    sa.UniqueConstraint('assignment_id', 'item', name=op.f('uq_tick_assignment_id_item'))
    )
    op.create_table('journal_entry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('mood_before_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('mood_after_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('edited_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('shared_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_journal_entry_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_journal_entry_session_id_dosing_session'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal_entry'))
    )
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.create_index('ix_journal_entry_patient_made', ['patient_id', 'made_at'], unique=False)

    op.create_table('session_note',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('music_s', sa.Double(), nullable=True),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['user.id'], name=op.f('fk_session_note_author_id_user')),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_session_note_session_id_dosing_session'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_note')),
    sa.UniqueConstraint('session_id', 'client_id', name=op.f('uq_session_note_session_id_client_id'))
    )
    with op.batch_alter_table('session_note', schema=None) as batch_op:
        batch_op.create_index('ix_session_note_session_at', ['session_id', 'at'], unique=False)

    op.create_table('comment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['user.id'], name=op.f('fk_comment_author_id_user')),
    sa.ForeignKeyConstraint(['entry_id'], ['journal_entry.id'], name=op.f('fk_comment_entry_id_journal_entry'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_comment'))
    )
    with op.batch_alter_table('comment', schema=None) as batch_op:
        batch_op.create_index('ix_comment_entry_at', ['entry_id', 'at'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('comment', schema=None) as batch_op:
        batch_op.drop_index('ix_comment_entry_at')

    op.drop_table('comment')
    with op.batch_alter_table('session_note', schema=None) as batch_op:
        batch_op.drop_index('ix_session_note_session_at')

    op.drop_table('session_note')
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.drop_index('ix_journal_entry_patient_made')

    op.drop_table('journal_entry')
    op.drop_table('tick')
    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.drop_index('uq_dosing_session_open', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.drop_index('ix_dosing_session_patient_state_at')

    op.drop_table('dosing_session')
    with op.batch_alter_table('playlist_track', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_playlist_track_track_id'))
        batch_op.drop_index('ix_playlist_track_playlist')

    op.drop_table('playlist_track')
    with op.batch_alter_table('mix', schema=None) as batch_op:
        batch_op.drop_index('ix_mix_playlist_made')

    op.drop_table('mix')
    op.drop_table('intention')
    with op.batch_alter_table('care_team_member', schema=None) as batch_op:
        batch_op.drop_index('uq_care_team_member_open', sqlite_where=sa.text('left_at IS NULL'), postgresql_where=sa.text('left_at IS NULL'))
        batch_op.drop_index('ix_care_team_member_user')

    op.drop_table('care_team_member')
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_index('uq_assignment_unfinished', sqlite_where=sa.text('done_at IS NULL AND withdrawn_at IS NULL'), postgresql_where=sa.text('done_at IS NULL AND withdrawn_at IS NULL'))
        batch_op.drop_index('ix_assignment_patient_due')

    op.drop_table('assignment')
    with op.batch_alter_table('track', schema=None) as batch_op:
        batch_op.drop_index('ix_track_practice_state')

    op.drop_table('track')
    with op.batch_alter_table('playlist', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_playlist_practice_id'))

    op.drop_table('playlist')
    with op.batch_alter_table('patient', schema=None) as batch_op:
        batch_op.drop_index('ix_patient_practice')

    op.drop_table('patient')
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_invitation_user_id'))

    op.drop_table('invitation')
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_browser_session_user_id'))

    op.drop_table('browser_session')
    with op.batch_alter_table('user', schema=None) as batch_op:
        batch_op.drop_index('ix_user_practice_role')

    op.drop_table('user')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('ix_job_state_run_at')
        batch_op.drop_index('ix_job_about')

    op.drop_table('job')
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.drop_index('ix_event_practice_at')
        batch_op.drop_index('ix_event_patient_at')

    op.drop_table('event')
    op.drop_table('practice')
    op.drop_table('throttle')
    op.drop_table('data_key')
