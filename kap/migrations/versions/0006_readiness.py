"""What has to be there before a session, and the safety plan"""

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('readiness_choice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('required', sa.JSON(), nullable=False),
    sa.Column('fasting', sa.JSON(), nullable=False),
    sa.Column('travel', sa.JSON(), nullable=False),
    sa.Column('changed_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['changed_by_id'], ['user.id'], name=op.f('fk_readiness_choice_changed_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_readiness_choice_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_readiness_choice')),
    sa.UniqueConstraint('practice_id', name=op.f('uq_readiness_choice_practice_id'))
    )
    op.create_table('safety_plan',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('words_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('written_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('written_by_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_safety_plan_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['written_by_id'], ['user.id'], name=op.f('fk_safety_plan_written_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_safety_plan')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_safety_plan_patient_id'))
    )
    op.create_table('safety_talk',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('therapist_id', sa.Uuid(), nullable=False),
    sa.Column('plan_version', sa.Integer(), nullable=False),
    sa.Column('words_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_safety_talk_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['therapist_id'], ['user.id'], name=op.f('fk_safety_talk_therapist_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_safety_talk'))
    )
    with op.batch_alter_table('safety_talk', schema=None) as batch_op:
        batch_op.create_index('ix_safety_talk_patient_at', ['patient_id', 'at'], unique=False)

    op.create_table('arrangements',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('escort_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('fasting_words', sa.Text(), nullable=True),
    sa.Column('fasting_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('travel_words', sa.Text(), nullable=True),
    sa.Column('travel_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('written_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('written_by_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_arrangements_session_id_dosing_session'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['written_by_id'], ['user.id'], name=op.f('fk_arrangements_written_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_arrangements')),
    sa.UniqueConstraint('session_id', name=op.f('uq_arrangements_session_id'))
    )
    op.create_table('unready_opening',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('therapist_id', sa.Uuid(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('missing_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_unready_opening_session_id_dosing_session'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['therapist_id'], ['user.id'], name=op.f('fk_unready_opening_therapist_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unready_opening')),
    sa.UniqueConstraint('session_id', name=op.f('uq_unready_opening_session_id'))
    )
    with op.batch_alter_table('practice', schema=None) as batch_op:
        batch_op.add_column(sa.Column('safety_plan_months', sa.Integer(), nullable=False, server_default='6'))


def downgrade() -> None:
    with op.batch_alter_table('practice', schema=None) as batch_op:
        batch_op.drop_column('safety_plan_months')

    op.drop_table('unready_opening')
    op.drop_table('arrangements')
    with op.batch_alter_table('safety_talk', schema=None) as batch_op:
        batch_op.drop_index('ix_safety_talk_patient_at')

    op.drop_table('safety_talk')
    op.drop_table('safety_plan')
    op.drop_table('readiness_choice')
