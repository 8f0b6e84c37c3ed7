"""Chooses and orders tracks so that their intensity follows an arc for a given length.

No trial shows that one order works better than another. The choice follows the arc's defaults, says why for
every track, and is there to be changed by hand.
"""

from kap.music.builder.alternatives import alternatives as alternatives
from kap.music.builder.avoid import Avoid as Avoid
from kap.music.builder.choose import build as build
from kap.music.builder.fitting import RULES as RULES
from kap.music.builder.joints import crossfade_between as crossfade_between
from kap.music.builder.layout import lay_out as lay_out
from kap.music.builder.parts import SURPLUS_S as SURPLUS_S
from kap.music.builder.parts import Alternative as Alternative
from kap.music.builder.parts import Build as Build
from kap.music.builder.parts import Candidate as Candidate
from kap.music.builder.parts import Element as Element
from kap.music.builder.parts import Missing as Missing
from kap.music.builder.parts import NotEnough as NotEnough
from kap.music.builder.parts import Pin as Pin
from kap.music.builder.parts import Place as Place
from kap.music.builder.parts import Silence as Silence
