"""Programmes: steps before and after sessions"""

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('programme_text',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('definition', sa.JSON(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_programme_text_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme_text')),
    sa.UniqueConstraint('practice_id', 'slug', 'digest', name=op.f('uq_programme_text_practice_id_slug_digest'))
    )
    op.create_table('practice_programme',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('copied_from', sa.String(length=60), nullable=False),
    sa.Column('definition', sa.JSON(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_practice_programme_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_practice_programme_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice_programme')),
    sa.UniqueConstraint('practice_id', 'slug', name=op.f('uq_practice_programme_practice_id_slug'))
    )
    op.create_table('given_programme',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('text_id', sa.Uuid(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('given_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('given_by_id', sa.Uuid(), nullable=False),
    sa.Column('ended_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['ended_by_id'], ['user.id'], name=op.f('fk_given_programme_ended_by_id_user')),
    sa.ForeignKeyConstraint(['given_by_id'], ['user.id'], name=op.f('fk_given_programme_given_by_id_user')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_given_programme_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['text_id'], ['programme_text.id'], name=op.f('fk_given_programme_text_id_programme_text')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_given_programme'))
    )
    with op.batch_alter_table('given_programme', schema=None) as batch_op:
        batch_op.create_index('ix_given_programme_patient_given', ['patient_id', 'given_at'], unique=False)
        batch_op.create_index('uq_given_programme_current', ['patient_id', 'slug'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('programme_guide',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('given_id', sa.Uuid(), nullable=False),
    sa.Column('assignment_id', sa.Uuid(), nullable=False),
    sa.Column('held_back_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_programme_guide_assignment_id_assignment'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['given_id'], ['given_programme.id'], name=op.f('fk_programme_guide_given_id_given_programme'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme_guide')),
    sa.UniqueConstraint('given_id', 'assignment_id', name=op.f('uq_programme_guide_given_id_assignment_id'))
    )
    op.create_table('step_mark',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('given_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('verdict', sa.Enum('done', 'skipped', name='verdict', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_step_mark_by_id_user')),
    sa.ForeignKeyConstraint(['given_id'], ['given_programme.id'], name=op.f('fk_step_mark_given_id_given_programme'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_step_mark_session_id_dosing_session'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step_mark'))
    )
    with op.batch_alter_table('step_mark', schema=None) as batch_op:
        batch_op.create_index('uq_step_mark_of_session', ['given_id', 'number', 'session_id'], unique=True, sqlite_where=sa.text('session_id IS NOT NULL'), postgresql_where=sa.text('session_id IS NOT NULL'))
        batch_op.create_index('uq_step_mark_once', ['given_id', 'number'], unique=True, sqlite_where=sa.text('session_id IS NULL'), postgresql_where=sa.text('session_id IS NULL'))

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('opens_on', sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_column('opens_on')

    with op.batch_alter_table('step_mark', schema=None) as batch_op:
        batch_op.drop_index('uq_step_mark_once', sqlite_where=sa.text('session_id IS NULL'), postgresql_where=sa.text('session_id IS NULL'))
        batch_op.drop_index('uq_step_mark_of_session', sqlite_where=sa.text('session_id IS NOT NULL'), postgresql_where=sa.text('session_id IS NOT NULL'))

    op.drop_table('step_mark')
    op.drop_table('programme_guide')
    with op.batch_alter_table('given_programme', schema=None) as batch_op:
        batch_op.drop_index('uq_given_programme_current', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
        batch_op.drop_index('ix_given_programme_patient_given')

    op.drop_table('given_programme')
    op.drop_table('practice_programme')
    op.drop_table('programme_text')
