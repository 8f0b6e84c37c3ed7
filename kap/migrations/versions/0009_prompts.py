"""Questions of one's own, links to write, marks for the next session, and wishes to talk to someone"""

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('own_prompt',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('moment', sa.String(length=20), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=False),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_own_prompt_made_by_id_user')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_own_prompt_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_own_prompt_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_own_prompt'))
    )
    with op.batch_alter_table('own_prompt', schema=None) as batch_op:
        batch_op.create_index('ix_own_prompt_practice', ['practice_id'], unique=False)
        batch_op.create_index('ix_own_prompt_patient', ['patient_id'], unique=False)

    op.create_table('prompt_choices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('choices_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_prompt_choices_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prompt_choices')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_prompt_choices_patient_id'))
    )
    op.create_table('entry_mark',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['journal_entry.id'], name=op.f('fk_entry_mark_entry_id_journal_entry'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_entry_mark_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entry_mark')),
    sa.UniqueConstraint('entry_id', 'user_id', name=op.f('uq_entry_mark_entry_id_user_id'))
    )
    op.create_table('writing_link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('moment', sa.String(length=20), nullable=False),
    sa.Column('asked', sa.Boolean(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('entry_version', sa.Integer(), nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=True),
    sa.Column('grant_digest', sa.String(length=64), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('opened_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_writing_link_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_writing_link_session_id_dosing_session'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_writing_link')),
    sa.UniqueConstraint('grant_digest', name=op.f('uq_writing_link_grant_digest')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_writing_link_token_digest'))
    )
    with op.batch_alter_table('writing_link', schema=None) as batch_op:
        batch_op.create_index('ix_writing_link_patient', ['patient_id'], unique=False)

    op.create_table('talk_request',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('asked_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('due_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('no_longer_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('seen_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('seen_by_id', sa.Uuid(), nullable=True),
    sa.Column('told_again_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('outcome_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['ended_by_id'], ['user.id'], name=op.f('fk_talk_request_ended_by_id_user')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_talk_request_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['seen_by_id'], ['user.id'], name=op.f('fk_talk_request_seen_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_talk_request'))
    )
    with op.batch_alter_table('talk_request', schema=None) as batch_op:
        batch_op.create_index('ix_talk_request_patient_asked', ['patient_id', 'asked_at'], unique=False)
        batch_op.create_index('uq_talk_request_unseen', ['patient_id'], unique=True, sqlite_where=sa.text('seen_at IS NULL'), postgresql_where=sa.text('seen_at IS NULL'))

    with op.batch_alter_table('practice', schema=None) as batch_op:
        batch_op.add_column(sa.Column('writing_links', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('talk_hours', sa.Integer(), server_default='4', nullable=False))
    with op.batch_alter_table('practice', schema=None) as batch_op:
        batch_op.alter_column('writing_links', server_default=None)
        batch_op.alter_column('talk_hours', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('practice', schema=None) as batch_op:
        batch_op.drop_column('talk_hours')
        batch_op.drop_column('writing_links')
    for name in ('talk_request', 'writing_link', 'entry_mark', 'prompt_choices', 'own_prompt'):
        op.drop_table(name)
