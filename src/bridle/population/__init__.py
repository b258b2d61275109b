"""Many members trained together. The only place that knows a member axis, with ``engine.packs``, which trains them."""

from bridle.population.crew import Crew
from bridle.population.member import Member
from bridle.population.task import Task

__all__ = ["Crew", "Member", "Task"]
