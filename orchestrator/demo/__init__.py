"""The demo shop: the entities of the user's examples, staff to log in as, and a real year of trade."""

from .examples import another_shop, load_examples
from .staff import load_staff
from .year import load_year

__all__ = ["another_shop", "load_examples", "load_staff", "load_year"]
