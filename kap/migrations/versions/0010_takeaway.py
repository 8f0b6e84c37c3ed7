"""When a page that waited without network was written, and what an entry brings with it from elsewhere"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('written_about_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('brought_sealed', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.drop_column('brought_sealed')
        batch_op.drop_column('written_about_sealed')
