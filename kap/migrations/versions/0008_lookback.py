"""Locked journal entries, and the part of a session that an entry is about"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('phase_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('locked_sealed', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    locked = sa.text('SELECT 1 FROM journal_entry WHERE locked_sealed IS NOT NULL LIMIT 1')
    if op.get_bind().execute(locked).first():
        raise RuntimeError('The earlier version knows no locked entries: it would lose them.')
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.drop_column('locked_sealed')
        batch_op.drop_column('phase_sealed')
