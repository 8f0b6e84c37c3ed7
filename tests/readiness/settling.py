"""Everything that is asked before a session, given by the rooms' own actions."""

from dataclasses import dataclass
from datetime import datetime

from kap.access.actor import Actor
from kap.consents import actions as consents
from kap.consents.actions import Given
from kap.content.consents import consents as texts
from kap.content.guides import library
from kap.content.screening import catalogue
from kap.music.builder import Avoid
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.readiness import actions, queries
from kap.readiness.actions import Wanted
from kap.readiness.rules import Item
from kap.safety import actions as safety
from kap.screening import actions as screening
from kap.screening.said import Answer, Finding, Judged, Judgement, Reply, Said
from kap.sessions import actions as sessions
from kap.sessions import wishes
from kap.sessions.models import DosingSession
from kap.sessions.wishes import Wishes


@dataclass(frozen=True)
class Settling:
    """A session, whose it is, and who does it when."""

    patient: Patient
    session: DosingSession
    by_patient: Actor
    by_team: Actor
    at: datetime

    def everything(self, *, but: Item | None = None) -> None:
        """All there is, or all but one item."""
        acts = {
            Item.CONSENTS: self.sign,
            Item.SCREENING: self.screen,
            Item.GUIDES: self.read,
            Item.MUSIC: self.wish,
            Item.INTENTION: self.intend,
            Item.SAFETY_PLAN: self.plan_for_crisis,
        }
        for item, act in acts.items():
            if item is not but:
                act()
        self.arrange(but=but)

    def sign(self) -> None:
        for consent in texts().values():
            if consent.optional:
                continue
            choices = {choice.key: [choice.options[0][0]] for choice in consent.choices}
            given = Given("Pia", choices, {each.key: "Stop" for each in consent.words})
            signature = consents.sign(
                self.patient,
                consent,
                given=given,
                seen=consent.digest,
                device="",
                actor=self.by_patient,
                at=self.at,
            )
            if consent.witness:
                consents.witness(signature, actor=self.by_team, at=self.at)

    def screen(self) -> None:
        said = Said({each.key: Answer(Reply.NO) for each in catalogue().questions}, (), takes_none=True)
        answers = screening.answer(self.patient, said, version=0, actor=self.by_patient, at=self.at)
        assert answers is not None
        screening.finish(answers, actor=self.by_patient, at=self.at)
        absent = {each.key: Judgement(Finding.ABSENT) for each in catalogue().factors}
        judged = Judged(absent, "Talked through.")
        screening.record_review(
            self.patient, judged, version=0, answers_version=1, actor=self.by_team, at=self.at
        )

    def read(self) -> None:
        guide = preparation.assign(
            self.patient,
            guide=library()["intention"],
            due_on=None,
            line=None,
            actor=self.by_team,
            at=self.at,
        )
        preparation.finish(guide, actor=self.by_patient, at=self.at)

    def wish(self) -> None:
        wishes.write(self.patient, Wishes("Rain", Avoid()), version=0, actor=self.by_patient, at=self.at)

    def intend(self) -> None:
        sessions.write_intention(self.patient, text="Soften", version=0, actor=self.by_patient, at=self.at)

    def plan_for_crisis(self) -> None:
        plan = safety.write(
            self.patient, {"signs": "I go quiet."}, version=0, actor=self.by_patient, at=self.at
        )
        assert plan is not None
        safety.note_talk(self.patient, version=plan.version, actor=self.by_team, at=self.at)

    def arrange(self, *, but: Item | None = None) -> None:
        choice, route = queries.choice_of(self.patient.practice_id), self.session.route
        wanted = Wanted(
            escort_name="" if but is Item.ESCORT else "Paul",
            escort_phone="" if but is Item.ESCORT else "030 1",
            fasting=None if but is Item.FASTING else choice.fasting(route).text,
            travel=None if but is Item.TRAVEL else choice.travel(route).text,
        )
        actions.arrange(self.session, wanted, version=0, actor=self.by_patient, at=self.at)
