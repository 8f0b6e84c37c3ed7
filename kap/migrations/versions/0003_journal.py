"""Journal entries with keys of their own, parts, files, and sharing part by part"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

import kap.db

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

PARTS = ('text', 'voice', 'pictures', 'ratings')


def upgrade() -> None:
    op.create_table('doomed',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=True),
    sa.Column('file_key', sa.String(length=80), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_doomed'))
    )
    op.create_table('entry_file',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('voice', 'picture', name='filekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('arriving', 'waiting', 'ready', 'refused', name='filestate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('source_key', sa.String(length=80), nullable=True),
    sa.Column('file_key', sa.String(length=80), nullable=True),
    sa.Column('about_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['journal_entry.id'], name=op.f('fk_entry_file_entry_id_journal_entry'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entry_file'))
    )
    with op.batch_alter_table('entry_file', schema=None) as batch_op:
        batch_op.create_index('ix_entry_file_entry', ['entry_id'], unique=False)

    op.create_table('entry_share',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('part', sa.Enum(*PARTS, name='part', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['journal_entry.id'], name=op.f('fk_entry_share_entry_id_journal_entry'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_entry_share_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entry_share'))
    )
    with op.batch_alter_table('entry_share', schema=None) as batch_op:
        batch_op.create_index('uq_entry_share_team', ['entry_id', 'part'], unique=True, sqlite_where=sa.text('user_id IS NULL'), postgresql_where=sa.text('user_id IS NULL'))
        batch_op.create_index('uq_entry_share_person', ['entry_id', 'part', 'user_id'], unique=True, sqlite_where=sa.text('user_id IS NOT NULL'), postgresql_where=sa.text('user_id IS NOT NULL'))

    _carry_sharing_over()
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('key_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('title_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('tags_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('rated_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('moment_sealed', sa.LargeBinary(), nullable=True))
        batch_op.drop_column('shared_at')


def _carry_sharing_over() -> None:
    """What was shared stays shared: its words and its ratings, which is all there could be, with the care team."""
    at = kap.db.UTCDateTime(timezone=True)
    entry = sa.table('journal_entry', sa.column('id', sa.Uuid()), sa.column('shared_at', at))
    share = sa.table(
        'entry_share',
        sa.column('id', sa.Uuid()), sa.column('entry_id', sa.Uuid()), sa.column('part'), sa.column('at', at),
    )  # fmt: skip
    connection = op.get_bind()
    shared = connection.execute(sa.select(entry).where(entry.c.shared_at.is_not(None))).all()
    rows = [
        {'id': uuid4(), 'entry_id': entry_id, 'part': part, 'at': shared_at}
        for entry_id, shared_at in shared
        for part in ('text', 'ratings')
    ]
    if rows:
        connection.execute(share.insert(), rows)


def downgrade() -> None:
    keyed = sa.text('SELECT 1 FROM journal_entry WHERE key_id IS NOT NULL LIMIT 1')
    if op.get_bind().execute(keyed).first():
        raise RuntimeError('The earlier version knows no keys apart from the database: it could not open the journal.')
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('shared_at', kap.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.drop_column('moment_sealed')
        batch_op.drop_column('rated_sealed')
        batch_op.drop_column('tags_sealed')
        batch_op.drop_column('title_sealed')
        batch_op.drop_column('key_id')

    # It knows only an entry shared as a whole, with the whole team: nobody sees more than before.
    op.execute(
        "UPDATE journal_entry SET shared_at = (SELECT max(s.at) FROM entry_share s"
        " WHERE s.entry_id = journal_entry.id AND s.user_id IS NULL AND s.part IN ('text', 'ratings')"
        " GROUP BY s.entry_id HAVING count(*) = 2)"
    )
    with op.batch_alter_table('entry_share', schema=None) as batch_op:
        batch_op.drop_index('uq_entry_share_person', sqlite_where=sa.text('user_id IS NOT NULL'), postgresql_where=sa.text('user_id IS NOT NULL'))
        batch_op.drop_index('uq_entry_share_team', sqlite_where=sa.text('user_id IS NULL'), postgresql_where=sa.text('user_id IS NULL'))

    op.drop_table('entry_share')
    with op.batch_alter_table('entry_file', schema=None) as batch_op:
        batch_op.drop_index('ix_entry_file_entry')

    op.drop_table('entry_file')
    op.drop_table('doomed')
