"""Many members trained together. The only place that will ever know a member axis."""

from bridle.population.crew import Crew
from bridle.population.member import Member

__all__ = ["Crew", "Member"]
