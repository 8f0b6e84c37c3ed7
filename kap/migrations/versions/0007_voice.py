"""Voice notes: pieces of a recording that is arriving, and a second format for what is heard"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('file_piece',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('file_id', sa.Uuid(), nullable=False),
    sa.Column('take', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['entry_file.id'], name=op.f('fk_file_piece_file_id_entry_file'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_file_piece')),
    sa.UniqueConstraint('file_id', 'take', 'number', name='uq_file_piece_place')
    )
    with op.batch_alter_table('entry_file', schema=None) as batch_op:
        batch_op.add_column(sa.Column('aac_key', sa.String(length=80), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('entry_file', schema=None) as batch_op:
        batch_op.drop_column('aac_key')

    op.drop_table('file_piece')
