"""The laws that every regularizer must pass, for the catalogue's and for your own.

::

    from bridle.testing import check_regularizer

    def test_my_penalty():
        check_regularizer(MyPenalty)
"""

from bridle.testing.instances import instances
from bridle.testing.law import BrokenLaw, Law
from bridle.testing.laws import LAWS, check_law, check_regularizer, laws_of

__all__ = ["LAWS", "BrokenLaw", "Law", "check_law", "check_regularizer", "instances", "laws_of"]
