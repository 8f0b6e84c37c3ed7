"""The music engine, and what preparation needs"""

import sqlalchemy as sa
from alembic import op

import kap.db
from kap.music.finding import search_text

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('guide_text',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_guide_text_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_guide_text_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guide_text')),
    sa.UniqueConstraint('practice_id', 'slug', 'digest', name=op.f('uq_guide_text_practice_id_slug_digest'))
    )
    op.create_table('practice_arc',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('route', sa.String(length=20), nullable=False),
    sa.Column('definition', sa.JSON(), nullable=False),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_practice_arc_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_practice_arc_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice_arc'))
    )
    with op.batch_alter_table('practice_arc', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_practice_arc_practice_id'), ['practice_id'], unique=False)

    op.create_table('practice_guide',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('copied_from', sa.String(length=60), nullable=False),
    sa.Column('draft', sa.JSON(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_practice_guide_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_practice_guide_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice_guide')),
    sa.UniqueConstraint('practice_id', 'slug', name=op.f('uq_practice_guide_practice_id_slug'))
    )
    op.create_table('voice_clip',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('practice_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'ready', 'refused', name='trackstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('problem', sa.String(length=300), nullable=True),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('recorded_key', sa.String(length=80), nullable=False),
    sa.Column('clip_key', sa.String(length=80), nullable=True),
    sa.Column('edit', sa.JSON(), nullable=False),
    sa.Column('duration_s', sa.Double(), nullable=True),
    sa.Column('peaks', sa.LargeBinary(), nullable=True),
    sa.Column('made_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Uuid(), nullable=True),
    sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_voice_clip_made_by_id_user')),
    sa.ForeignKeyConstraint(['practice_id'], ['practice.id'], name=op.f('fk_voice_clip_practice_id_practice')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_voice_clip'))
    )
    with op.batch_alter_table('voice_clip', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_voice_clip_practice_id'), ['practice_id'], unique=False)

    op.create_table('music_wishes',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('likes_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('no_gos_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('written_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('written_by_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_music_wishes_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['written_by_id'], ['user.id'], name=op.f('fk_music_wishes_written_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_music_wishes')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_music_wishes_patient_id'))
    )
    op.create_table('playlist_voice',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('playlist_id', sa.Uuid(), nullable=False),
    sa.Column('clip_id', sa.Uuid(), nullable=False),
    sa.Column('at_s', sa.Double(), nullable=False),
    sa.ForeignKeyConstraint(['clip_id'], ['voice_clip.id'], name=op.f('fk_playlist_voice_clip_id_voice_clip')),
    sa.ForeignKeyConstraint(['playlist_id'], ['playlist.id'], name=op.f('fk_playlist_voice_playlist_id_playlist'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_playlist_voice'))
    )
    with op.batch_alter_table('playlist_voice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_playlist_voice_clip_id'), ['clip_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_playlist_voice_playlist_id'), ['playlist_id'], unique=False)

    op.create_table('screening_answers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('said_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('changed_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('finished_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_screening_answers_patient_id_patient'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_screening_answers')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_screening_answers_patient_id'))
    )
    op.create_table('screening_review',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('judged_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('begun_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('changed_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=True),
    sa.Column('answers_version', sa.Integer(), nullable=False),
    sa.Column('seen_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('catalogue_version', sa.Integer(), nullable=False),
    sa.Column('titles', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['changed_by_id'], ['user.id'], name=op.f('fk_screening_review_changed_by_id_user')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_screening_review_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_screening_review_recorded_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_screening_review')),
    sa.UniqueConstraint('patient_id', 'version', name=op.f('uq_screening_review_patient_id_version'))
    )
    op.create_table('signature',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('consent', sa.String(length=60), nullable=False),
    sa.Column('consent_version', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('chosen_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('signed_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('signed_by_id', sa.Uuid(), nullable=False),
    sa.Column('device', sa.String(length=200), nullable=False),
    sa.Column('witnessed_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('witness_id', sa.Uuid(), nullable=True),
    sa.Column('withdrawn_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('replaced_at', kap.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_signature_patient_id_patient'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['signed_by_id'], ['user.id'], name=op.f('fk_signature_signed_by_id_user')),
    sa.ForeignKeyConstraint(['witness_id'], ['user.id'], name=op.f('fk_signature_witness_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signature'))
    )
    with op.batch_alter_table('signature', schema=None) as batch_op:
        batch_op.create_index('ix_signature_patient_signed', ['patient_id', 'signed_at'], unique=False)
        batch_op.create_index('uq_signature_standing', ['patient_id', 'consent'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'))

    op.create_table('answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('assignment_id', sa.Uuid(), nullable=False),
    sa.Column('item', sa.String(length=60), nullable=False),
    sa.Column('words_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('written_at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_answer_assignment_id_assignment'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer')),
    sa.UniqueConstraint('assignment_id', 'item', name=op.f('uq_answer_assignment_id_item'))
    )
    op.create_table('session_device',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=False),
    sa.Column('outlet', sa.Enum('unnamed', 'headphones', 'speakers', name='outlet', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('position_s', sa.Double(), nullable=False),
    sa.Column('playing', sa.Boolean(), nullable=False),
    sa.Column('at', kap.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['dosing_session.id'], name=op.f('fk_session_device_session_id_dosing_session'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_device')),
    sa.UniqueConstraint('session_id', 'device_id', name=op.f('uq_session_device_session_id_device_id'))
    )
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('text_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('earlier_texts', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('moved_at', kap.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_assignment_text_id_guide_text'), 'guide_text', ['text_id'], ['id'])

    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('listening_allowed_at', kap.db.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('mix', schema=None) as batch_op:
        batch_op.add_column(sa.Column('flac_key', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('scan', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('levels', sa.LargeBinary(), nullable=True))

    with op.batch_alter_table('playlist', schema=None) as batch_op:
        batch_op.add_column(sa.Column('arc_as_built', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('surplus_s', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('avoid', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('retired_at', kap.db.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('playlist_track', schema=None) as batch_op:
        batch_op.add_column(sa.Column('silence_s', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('pinned_at_s', sa.Double(), nullable=True))
        batch_op.alter_column('track_id',
               existing_type=sa.Uuid(),
               nullable=True)
        batch_op.create_check_constraint(
            batch_op.f('ck_playlist_track_track_or_silence'), '(track_id IS NULL) <> (silence_s IS NULL)'
        )

    with op.batch_alter_table('tick', schema=None) as batch_op:
        batch_op.add_column(sa.Column('wording', sa.String(length=16), nullable=True))

    with op.batch_alter_table('track', schema=None) as batch_op:
        batch_op.add_column(sa.Column('album', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('isrc', sa.String(length=20), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('recording_mbid', sa.String(length=36), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('valence', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('vocals', sa.Enum('none', 'wordless', 'words', name='vocals', native_enum=False, create_constraint=True, length=40), nullable=True))
        batch_op.add_column(sa.Column('language', sa.String(length=60), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('pulse', sa.Enum('none', 'slow', 'moderate', 'fast', name='pulse', native_enum=False, create_constraint=True, length=40), nullable=True))
        batch_op.add_column(sa.Column('culture', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('familiarity', sa.Enum('unfamiliar', 'some', 'well_known', name='familiarity', native_enum=False, create_constraint=True, length=40), nullable=True))
        batch_op.add_column(sa.Column('tags', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('search_text', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('recipe_made', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('loudness_range_lu', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('short_term_max_lufs', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('startles_s', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('brightness_hz', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('onsets_per_s', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('clipped_share', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('levels', sa.LargeBinary(), nullable=True))
    _make_findable()


def _make_findable() -> None:
    """What the library searches and sorts by, of the tracks that are there."""
    track = sa.table(
        'track', *(sa.column(name) for name in ('id', 'title', 'artist', 'file_name', 'search_text'))
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(track.c.id, track.c.title, track.c.artist, track.c.file_name))
    for key, *words in rows.all():
        found_by = search_text([*words[:2], '', words[2]])
        connection.execute(track.update().where(track.c.id == key).values(search_text=found_by))


def downgrade() -> None:
    with op.batch_alter_table('track', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_track_vocals'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_track_pulse'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_track_familiarity'), type_='check')
        batch_op.drop_column('levels')
        batch_op.drop_column('clipped_share')
        batch_op.drop_column('onsets_per_s')
        batch_op.drop_column('brightness_hz')
        batch_op.drop_column('startles_s')
        batch_op.drop_column('short_term_max_lufs')
        batch_op.drop_column('loudness_range_lu')
        batch_op.drop_column('recipe_made')
        batch_op.drop_column('search_text')
        batch_op.drop_column('tags')
        batch_op.drop_column('familiarity')
        batch_op.drop_column('culture')
        batch_op.drop_column('pulse')
        batch_op.drop_column('language')
        batch_op.drop_column('vocals')
        batch_op.drop_column('valence')
        batch_op.drop_column('recording_mbid')
        batch_op.drop_column('isrc')
        batch_op.drop_column('album')

    with op.batch_alter_table('tick', schema=None) as batch_op:
        batch_op.drop_column('wording')

    op.execute('DELETE FROM playlist_track WHERE track_id IS NULL')  # the earlier version knows no silences
    with op.batch_alter_table('playlist_track', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_playlist_track_track_or_silence'), type_='check')
        batch_op.alter_column('track_id',
               existing_type=sa.Uuid(),
               nullable=False)
        batch_op.drop_column('pinned_at_s')
        batch_op.drop_column('silence_s')

    with op.batch_alter_table('playlist', schema=None) as batch_op:
        batch_op.drop_column('retired_at')
        batch_op.drop_column('avoid')
        batch_op.drop_column('surplus_s')
        batch_op.drop_column('arc_as_built')

    with op.batch_alter_table('mix', schema=None) as batch_op:
        batch_op.drop_column('levels')
        batch_op.drop_column('scan')
        batch_op.drop_column('flac_key')

    with op.batch_alter_table('dosing_session', schema=None) as batch_op:
        batch_op.drop_column('listening_allowed_at')

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_assignment_text_id_guide_text'), type_='foreignkey')
        batch_op.drop_column('moved_at')
        batch_op.drop_column('earlier_texts')
        batch_op.drop_column('text_id')

    op.drop_table('session_device')
    op.drop_table('answer')
    with op.batch_alter_table('signature', schema=None) as batch_op:
        batch_op.drop_index('uq_signature_standing', sqlite_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'))
        batch_op.drop_index('ix_signature_patient_signed')

    op.drop_table('signature')
    op.drop_table('screening_review')
    op.drop_table('screening_answers')
    with op.batch_alter_table('playlist_voice', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_playlist_voice_playlist_id'))
        batch_op.drop_index(batch_op.f('ix_playlist_voice_clip_id'))

    op.drop_table('playlist_voice')
    op.drop_table('music_wishes')
    with op.batch_alter_table('voice_clip', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_voice_clip_practice_id'))

    op.drop_table('voice_clip')
    op.drop_table('practice_guide')
    with op.batch_alter_table('practice_arc', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_practice_arc_practice_id'))

    op.drop_table('practice_arc')
    op.drop_table('guide_text')
