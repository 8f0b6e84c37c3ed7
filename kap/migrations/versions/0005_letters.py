"""The delivery log, reminders and calendar addresses"""

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bad_address',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('since', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_bad_address_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bad_address')),
    sa.UniqueConstraint('practice_id', 'digest', name=op.f('uq_bad_address_practice_id_digest'))
    )
    op.create_table('letter_rules',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('quiet_from', sa.Integer(), nullable=False),
    sa.Column('quiet_until', sa.Integer(), nullable=False),
    sa.Column('per_day', sa.Integer(), nullable=False),
    sa.Column('per_week', sa.Integer(), nullable=False),
    sa.Column('off', sa.JSON(), nullable=False),
    sa.Column('signature', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_letter_rules_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_rules')),
    sa.UniqueConstraint('practice_id', name=op.f('uq_letter_rules_practice_id'))
    )
    op.create_table('calendar_feed',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_calendar_feed_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feed')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_calendar_feed_token_digest')),
    sa.UniqueConstraint('user_id', name=op.f('uq_calendar_feed_user_id'))
    )
    op.create_table('letter_choice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=True),
    sa.Column('quiet_from', sa.Integer(), nullable=True),
    sa.Column('quiet_until', sa.Integer(), nullable=True),
    sa.Column('off', sa.JSON(), nullable=False),
    sa.Column('paused_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_letter_choice_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_choice')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_letter_choice_patient_id'))
    )
    op.create_table('reminder',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('letter_id', sa.Uuid(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_reminder_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder')),
    sa.UniqueConstraint('patient_id', 'key', name=op.f('uq_reminder_patient_id_key'))
    )
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.create_index('ix_reminder_letter', ['letter_id'], unique=False)

    op.create_table('sent_letter',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('about', sa.Uuid(), nullable=True),
    sa.Column('arguments', sa.JSON(), nullable=False),
    sa.Column('message_id', sa.String(length=160), nullable=False),
    sa.Column('address_digest', sa.String(length=64), nullable=True),
    sa.Column('state', sa.Enum('queued', 'retrying', 'sent', 'not needed', 'refused', 'given up', 'bounced', name='letterstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('no server', 'unreachable', 'not safe', 'sign-in', 'too slow', 'broke off', 'may have arrived', 'later', 'sender refused', 'address refused', 'address known bad', 'no address', 'letter refused', 'sent back', 'expired', 'quiet', 'fault', name='reason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('tried_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('next_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('put_aside_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_sent_letter_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_sent_letter_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sent_letter')),
    sa.UniqueConstraint('message_id', name=op.f('uq_sent_letter_message_id'))
    )
    with op.batch_alter_table('sent_letter', schema=None) as batch_op:
        batch_op.create_index('ix_sent_letter_patient_made', ['patient_id', 'made_at'], unique=False)
        batch_op.create_index('ix_sent_letter_practice_made', ['practice_id', 'made_at'], unique=False)

    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('changed_at', kap.db.UTCDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.drop_column('changed_at')

    with op.batch_alter_table('sent_letter', schema=None) as batch_op:
        batch_op.drop_index('ix_sent_letter_practice_made')
        batch_op.drop_index('ix_sent_letter_patient_made')

    op.drop_table('sent_letter')
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.drop_index('ix_reminder_letter')

    op.drop_table('reminder')
    op.drop_table('letter_choice')
    op.drop_table('calendar_feed')
    op.drop_table('letter_rules')
    op.drop_table('bad_address')
